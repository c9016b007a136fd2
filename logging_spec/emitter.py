"""Write events to a log file. One file, standard library only: copy it into any implementation.

    log = Emitter(path, rank=0)
    log.start("init_start")
    log.point("seed", 17)
    log.end("init_stop")

A line reaches the file in one `write` of a whole line, so that a reader never sees half of one, and so that what was
logged survives the death of the process. Each line holds the SHA-256 of the line before it (SPEC.md, section 2.1), so
that a line that is changed, moved or taken out later is found out.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Any

TOKEN = ":::MLLOG "  # noqa: S105 - the mark of an event line is no secret

DURABLE_KEYS = frozenset({"run_start", "run_stop", "eval_stop"})
"""Keys after which the file is also synced to the disk: what they say must survive the loss of the machine."""

NO_LINE_SHA256 = "0" * 64
"""Stands in a file's first line, which has none before it."""


class Emitter:
    """The single writer of one event file."""

    def __init__(self, path: Path | str, *, rank: int = 0, namespace: str = "", root: Path | str | None = None) -> None:
        """Open `path` for appending.

        Args:
            path: the event file; its folder exists.
            rank: written into every event's metadata.
            namespace: written into every event.
            root: callers' file names are written relative to this folder where they lie under it.

        Raises:
            OSError: the file cannot be opened.
        """
        self.path = Path(path)
        self.rank = rank
        self.namespace = namespace
        self._root = f"{root}{os.sep}" if root is not None else None
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._previous_sha256 = self._sha256_of_last_line()

    def point(self, key: str, value: Any = None, metadata: dict[str, Any] | None = None) -> None:
        """Log that something is so, or happened, now."""
        self._write("POINT_IN_TIME", key, value, metadata)

    def start(self, key: str, value: Any = None, metadata: dict[str, Any] | None = None) -> None:
        """Log the start of an interval; `key` ends in `_start`."""
        self._write("INTERVAL_START", key, value, metadata)

    def end(self, key: str, value: Any = None, metadata: dict[str, Any] | None = None) -> None:
        """Log the end of an interval; `key` ends in `_stop`."""
        self._write("INTERVAL_END", key, value, metadata)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Emitter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, event_type: str, key: str, value: Any, metadata: dict[str, Any] | None) -> None:
        caller = sys._getframe(2)
        file = caller.f_code.co_filename
        if self._root and file.startswith(self._root):
            file = file[len(self._root) :]
        record = {
            "namespace": self.namespace,
            "time_ms": time.time_ns() // 1_000_000,
            "event_type": event_type,
            "key": key,
            "value": value,
            "metadata": {
                "file": file,
                "lineno": caller.f_lineno,
                "rank": self.rank,
                "mono_ns": time.monotonic_ns(),
                **(metadata or {}),
                "previous_sha256": self._previous_sha256,
            },
        }
        line = (TOKEN + json.dumps(record, allow_nan=False) + "\n").encode()
        written = os.write(self._descriptor, line)
        while written < len(line):  # a short write is a full disk: the next one raises and says so
            written += os.write(self._descriptor, line[written:])
        self._previous_sha256 = hashlib.sha256(line).hexdigest()
        if key in DURABLE_KEYS:
            os.fsync(self._descriptor)

    def _sha256_of_last_line(self) -> str:
        """Return the digest of the file's last line, so that a file that is opened again stays one chain."""
        if os.fstat(self._descriptor).st_size == 0:
            return NO_LINE_SHA256
        with self.path.open("rb") as file:
            return hashlib.sha256(deque(file, maxlen=1).pop()).hexdigest()

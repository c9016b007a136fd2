"""Logs that are still being written: one file, or the event files of a run before they are merged."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from compliance.rundir import LOG
from logging_spec.events import LineError, parse_line

PIECE_BYTES = 1 << 20
"""Most bytes of a file that are read at a time."""

EVENT_FILES = ("harness.mllog", "rank00000.mllog")
"""Event files of a run that become its log (SPEC.md, section "The files")."""


class RestartedError(Exception):
    """The file was cut, or another one took its place: what was read of it is void."""


class GrowingLog(Protocol):
    """A log that is being written."""

    def news(self) -> bytes:
        """Return bytes that were added since the last call, none where there are none.

        Raises:
            RestartedError: the log begins anew; the next call returns its beginning.
            OSError: it cannot be read.
        """

    def closed(self) -> bool:
        """Say whether nothing more will be added."""

    def close(self) -> None:
        """Let go of what is open."""


class GrowingFile:
    """One file. It may be absent at first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None

    def news(self) -> bytes:
        """Return bytes that were added; see `GrowingLog`."""
        if self._file is None:
            if not self.path.is_file():
                return b""
            self._file = self.path.open("rb")
        if data := self._file.read(PIECE_BYTES):
            return data
        if self._is_another():
            self.close()
            raise RestartedError
        return b""

    def closed(self) -> bool:
        """Say no: a file alone does not tell."""
        return False

    def close(self) -> None:
        """Close it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _is_another(self) -> bool:
        """Say whether the name leads to another file, or to this one after it was cut."""
        assert self._file is not None
        try:
            named = self.path.stat()
        except FileNotFoundError:
            return False  # taken away; what comes under that name next is another one
        return not os.path.samestat(named, os.fstat(self._file.fileno())) or named.st_size < self._file.tell()


class GrowingRun:
    """A run directory: the lines of its event files by time, as the harness merges them when the run has ended."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / LOG
        self._parts = [_EventFile(folder / "events" / name) for name in EVENT_FILES]

    def news(self) -> bytes:
        """Return whole lines that were added; see `GrowingLog`."""
        batches = [[(time_ms, index, line) for time_ms, line in part.lines()] for index, part in enumerate(self._parts)]
        return b"".join(line for _, _, line in heapq.merge(*batches, key=lambda item: item[:2]))

    def closed(self) -> bool:
        """Say whether the harness has merged the files into the log."""
        return self._log.exists()

    def close(self) -> None:
        """Close the event files."""
        for part in self._parts:
            part.file.close()


class _EventFile:
    """The whole lines of an event file, each with its time, or that of the event before it where it is none."""

    def __init__(self, path: Path) -> None:
        self.file = GrowingFile(path)
        self._rest = b""
        self._latest_ms = 0

    def lines(self) -> Iterator[tuple[int, bytes]]:
        *whole, self._rest = (self._rest + self.file.news()).split(b"\n")
        for line in whole:
            self._latest_ms = max(self._latest_ms, _time_ms(line))
            yield self._latest_ms, line + b"\n"


def _time_ms(line: bytes) -> int:
    try:
        event = parse_line(line.decode())
    except (LineError, UnicodeDecodeError):
        return 0
    return event.time_ms if event else 0

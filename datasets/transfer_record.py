"""downloaded.jsonl: every file that came into a folder, with its hash, its source and the version there.

Where a source publishes no hashes, the first copy is trusted, and this record is what later ones are held against. A
line is on the disk before the next file counts; a line that a kill cut short is not one.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from datasets.common.failures import DataError

RECORD = "downloaded.jsonl"
LOCK_WAIT_S = 10.0
_NO_LOCKS = frozenset({errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK})
"""Some network file systems are mounted without locks; a download into them is better than none."""
_TEMPORARY = re.compile(r"\..+\.json\.[a-z0-9_]{8}\.part")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file that came."""

    path: str
    """Relative to the set's folder."""

    size: int
    """Bytes."""

    sha256: str
    """Its SHA-256, read from the disk before it got its name."""

    version: str
    """Its version at its source."""

    source: str
    """Name of the source."""

    received: str
    """Time in UTC."""


class Record:
    """The entries of a folder; the last one of a path counts. Its methods may be called by several threads."""

    def __init__(self, root: Path, handle: int | None = None) -> None:
        """Read the record of a folder, which may have none.

        Args:
            root: the folder.
            handle: where new entries go; None for one that is only read.

        Raises:
            DataError: a line is none of a record.
        """
        self.path = root / RECORD
        self._handle, self._lock = handle, threading.Lock()
        self.entries: dict[str, Entry] = {entry.path: entry for entry in _read(self.path)}

    def add(self, path: str, *, size: int, sha256: str, version: str, source: str) -> None:
        """Note a file that is there under its name.

        Raises:
            OSError: the disk refuses.
        """
        assert self._handle is not None, "the record was opened to be read"
        received = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        entry = Entry(path=path, size=size, sha256=sha256, version=version, source=source, received=received)
        line = json.dumps(asdict(entry), ensure_ascii=False).encode() + b"\n"
        with self._lock:
            before = os.fstat(self._handle).st_size
            if os.write(self._handle, line) != len(line):
                os.ftruncate(self._handle, before)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
            os.fsync(self._handle)
            self.entries[path] = entry


@contextmanager
def writing(root: Path) -> Iterator[Record]:
    """Open the record of a folder for one writer, made where there is none.

    Raises:
        DataError: another download writes into the folder.
        OSError: the folder cannot be written to.
    """
    root.mkdir(parents=True, exist_ok=True)
    handle = os.open(root / RECORD, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise DataError(f"{root / RECORD}: expected a file, found a device or a pipe — move it away")
        _lock(handle, root)
        os.set_inheritable(handle, True)  # an rsync that outlives us holds the lock on
        _end_torn_line(handle)
        _remove_leftovers(root)
        yield Record(root, handle)
    finally:
        os.close(handle)


def _lock(handle: int, root: Path) -> None:
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise DataError(f"{root}: another download writes into this folder — wait for its end") from None
            time.sleep(0.1)
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return
            raise
        else:
            return


def _end_torn_line(handle: int) -> None:
    """Cut off what a kill left of a line."""
    size = os.fstat(handle).st_size
    text = os.pread(handle, size, 0)
    os.ftruncate(handle, text.rfind(b"\n") + 1)


def _remove_leftovers(root: Path) -> None:
    """Remove what a kill left of small files that are written whole, under their temporary names."""
    for path in root.rglob(".*.part"):
        if _TEMPORARY.fullmatch(path.name):
            path.unlink()


def _read(path: Path) -> Iterator[Entry]:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return
    lines = text.split(b"\n")[:-1]
    for number, line in enumerate(lines, start=1):
        try:
            yield _entry(json.loads(line.decode()))
        except (ValueError, TypeError, RecursionError):
            found = ascii(line[:60].decode(errors="replace"))
            raise DataError(
                f"{path}:{number}: expected an entry of a download, found {found} — remove this line, and its "
                "file is looked at anew"
            ) from None


def _entry(stated: Mapping[str, Any]) -> Entry:
    """Return the entry of a line.

    Raises:
        TypeError: it is another one's; a path that leads out of the folder is none that came.
    """
    entry = Entry(**stated)
    words = (entry.path, entry.sha256, entry.version, entry.source, entry.received)
    if not all(isinstance(word, str) for word in words) or not isinstance(entry.size, int):
        raise TypeError("not the values of an entry")
    if not {"", ".", ".."}.isdisjoint(entry.path.split("/")):
        raise TypeError("not a path of a set")
    return entry

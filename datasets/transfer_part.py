"""A file that is not whole yet: `NAME.part`, and beside it `NAME.part.json`, which says what may be trusted of it.

Bytes count as there once the disk has them: the state names a length that was synced, and a resumed transfer cuts the
part file to it. So neither a kill nor a loss of power leaves bytes in it that nobody wrote. The state also names the
version of the content; a part of another version is thrown away, never gone on with.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from logging_spec.whole import sync_folder, whole_file

At = Callable[[int], None]
"""Told how many bytes of a file are there; raises to end the transfer."""

SYNC_BYTES = 64 << 20
SYNC_S = 1.0
"""A kill loses at most what came in this time, and at most that many bytes."""

READ_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file as a source lists it."""

    path: str
    """Relative to the set, with slashes."""

    size: int
    """Bytes."""

    version: str
    """Names this very content at this source: another content has another version."""

    md5: str | None = None
    """MD5 where the source states it: 32 hexadecimal digits, or 32 and `-N` for the MD5 of the MD5s of N pieces."""

    piece_bytes: int | None = None
    """Size of those pieces, where it is known."""

    sha256: str | None = None
    """SHA-256 where it is published."""


class Corrupt(Exception):  # noqa: N818 - what the file is
    """A file came to its full length with other content than its source states."""

    def __init__(self, message: str, *, sha256: str, certain: bool) -> None:
        super().__init__(message)
        self.sha256 = sha256
        """SHA-256 of what came."""
        self.certain = certain
        """Whether it must be wrong; the checksum of an upload in pieces can be misread."""


@dataclass(frozen=True, kw_only=True)
class Digests:
    """Checksums of a file, read once."""

    sha256: str
    """64 hexadecimal digits."""

    md5: str | None
    """32 hexadecimal digits; for pieces, the MD5 of their MD5s and `-N`, as S3 states it; None where not asked for."""


def digests(path: Path, *, md5: bool, piece_bytes: int | None = None) -> Digests:
    """Return the checksums of a file.

    Args:
        path: the file.
        md5: whether its MD5 is wanted too, which takes longer than SHA-256.
        piece_bytes: size of the pieces in which it was uploaded; None for one piece.

    Raises:
        OSError: it cannot be read.
    """
    whole, pieces = hashlib.sha256(), _Pieces(piece_bytes) if md5 else None
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            whole.update(block)
            if pieces is not None:
                pieces.update(block)
    return Digests(sha256=whole.hexdigest(), md5=pieces.hexdigest() if pieces is not None else None)


class _Pieces:
    """MD5 of a file, or of the MD5s of its pieces."""

    def __init__(self, piece_bytes: int | None) -> None:
        self._size = piece_bytes
        self._piece, self._length, self._done = _md5(), 0, list[bytes]()

    def update(self, block: bytes) -> None:
        view = memoryview(block)
        while view:
            room = len(view) if self._size is None else self._size - self._length
            self._piece.update(view[:room])
            self._length += len(view[:room])
            view = view[room:]
            if self._length == self._size:
                self._end_piece()

    def _end_piece(self) -> None:
        self._done.append(self._piece.digest())
        self._piece, self._length = _md5(), 0

    def hexdigest(self) -> str:
        if self._size is None:
            return self._piece.hexdigest()
        if self._length:
            self._end_piece()
        return f"{_md5(b''.join(self._done)).hexdigest()}-{len(self._done)}"


def _md5(data: bytes = b"") -> hashlib._Hash:
    return hashlib.md5(data, usedforsecurity=False)


def check_content(path: Path, file: RemoteFile) -> str:
    """Return the SHA-256 of a file that came, after comparing it with all that its source states.

    Raises:
        Corrupt: it differs.
        OSError: it cannot be read.
    """
    in_pieces = file.md5 is not None and "-" in file.md5
    comparable = file.md5 is not None and (not in_pieces or file.piece_bytes is not None)
    found = digests(path, md5=comparable, piece_bytes=file.piece_bytes)
    if (size := path.stat().st_size) != file.size:
        message = f"{file.path}: expected {file.size} bytes, found {size}"
        raise Corrupt(message, sha256=found.sha256, certain=True)
    if file.sha256 is not None and found.sha256 != file.sha256:
        message = f"{file.path}: expected SHA-256 {file.sha256}, found {found.sha256}"
        raise Corrupt(message, sha256=found.sha256, certain=True)
    if comparable and found.md5 != file.md5:
        message = f"{file.path}: expected MD5 {file.md5}, found {found.md5}"
        raise Corrupt(message, sha256=found.sha256, certain=not in_pieces)
    return found.sha256


class Part:
    """The part file of one file to come."""

    def __init__(self, final: Path) -> None:
        """Touch nothing; `final` is the name of the whole file."""
        self.final = final
        self.path = final.with_name(final.name + ".part")
        self.state = final.with_name(final.name + ".part.json")

    def trusted_bytes(self, file: RemoteFile) -> int:
        """Return the length of what is there of this version of the file and on the disk."""
        try:
            state = json.loads(self.state.read_text(encoding="utf-8"))
            same = state["version"] == file.version and state["size"] == file.size
            held = min(state["synced"], self.path.stat().st_size) if same else 0
            return held if isinstance(held, int) and 0 < held <= file.size else 0
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return 0

    def allocated_bytes(self) -> int:
        """Return the room that the part takes on the disk."""
        return self.path.stat().st_blocks * 512 if self.path.exists() else 0

    def append(self, file: RemoteFile, blocks: Callable[[int], Iterable[bytes]], at: At) -> None:
        """Go on with the part file.

        Args:
            file: what it becomes.
            blocks: returns the bytes of the file from a position on; called once, unless the part is complete.
            at: told the length after each block.

        Raises:
            OSError: the disk refuses. What blocks and `at` raise comes through; what came before is kept.
        """
        start = self.trusted_bytes(file)
        with self.open(start) as out:
            synced = _Synced(self, file, out, start)
            try:
                at(start)
                if start < file.size:
                    for block in blocks(start):
                        _write_all(out, block)
                        synced.grown(len(block))
                        at(synced.length)
            finally:
                synced.now()

    def open(self, length: int) -> FileIO:
        """Open the part file at a length; what is beyond goes."""
        self.make_place()
        out = FileIO(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644), "r+")
        try:
            out.truncate(length)
            out.seek(length)
        except BaseException:
            out.close()
            raise
        return out

    def make_place(self) -> None:
        """Make the folder of the part; a link in its own place goes, for the file behind it is another's."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.is_symlink():
            self.path.unlink()

    def remember(self, file: RemoteFile, synced: int) -> None:
        """State how much of which version the disk has."""
        with whole_file(self.state) as out:
            out.write(json.dumps({"version": file.version, "size": file.size, "synced": synced}).encode() + b"\n")

    def forget(self) -> None:
        """Trust nothing of what is there."""
        self.state.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove all that is there."""
        self.forget()
        self.path.unlink(missing_ok=True)

    def finish(self, file: RemoteFile, *, agreed: str | None = None) -> str:
        """Give a complete part its final name, and return its SHA-256.

        Args:
            file: what its source states of it.
            agreed: SHA-256 that an earlier transfer gave: with it, an uncertain checksum does not count.

        Raises:
            Corrupt: its content is not what the source states; the part is gone.
            OSError: the disk refuses.
        """
        try:
            sha256 = check_content(self.path, file)
        except Corrupt as error:
            if error.certain or error.sha256 != agreed:
                self.discard()
                raise
            sha256 = error.sha256
        with self.path.open("rb") as whole:
            os.fsync(whole.fileno())
        os.replace(self.path, self.final)
        self.forget()
        sync_folder(self.final.parent)
        return sha256


def _write_all(out: FileIO, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[out.write(view) :]


class _Synced:
    """Brings a growing part to the disk every now and then."""

    def __init__(self, part: Part, file: RemoteFile, out: FileIO, length: int) -> None:
        self._part, self._file, self._out = part, file, out
        self.length = self._on_disk = length
        self._since_s = time.monotonic()
        part.remember(file, length)

    def grown(self, count: int) -> None:
        self.length += count
        if self.length - self._on_disk >= SYNC_BYTES or time.monotonic() - self._since_s >= SYNC_S:
            self.now()

    def now(self) -> None:
        self._since_s = time.monotonic()
        if self.length > self._on_disk:
            os.fsync(self._out.fileno())
            self._part.remember(self._file, self.length)
            self._on_disk = self.length

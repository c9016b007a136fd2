"""A package in a tar, or in a tar that was packed with gzip: read from its beginning to its end, once."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from compliance.package.archive import Entry, UnreadableError, too_large

KINDS = {
    tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "a link",
    tarfile.LNKTYPE: "a link to another member",
}  # fmt: skip

HEADER_BYTES = 1 << 18
"""What may stand between two files: headers and names, and the padding of the file before."""

BLOCK_BYTES = 10240
END_BYTES = 1 << 17
"""Zeros that may follow the end."""


class StrictInfo(tarfile.TarInfo):
    """A header, where the library would take a damaged one for the end of the archive."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> StrictInfo:
        """Read a header.

        Raises:
            tarfile.ReadError: it is none.
        """
        if len(buf) != tarfile.BLOCKSIZE:
            raise tarfile.ReadError("the archive was cut off")
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError:
            if any(buf):
                raise tarfile.ReadError("a header that is damaged") from None
            raise  # a block of zeros: the end


class Tar:
    """A tar archive."""

    def __init__(self, path: Path, *, packed: bool, at_most_bytes: int) -> None:
        self._path = path
        self._packed = packed
        self._at_most_bytes = at_most_bytes

    def entries(self) -> Iterator[tuple[Entry, BinaryIO | None]]:
        """Yield each entry in its order.

        Raises:
            tarfile.TarError, OSError, EOFError, zlib.error: the archive is damaged.
            ValueError: it holds what no package holds.
            UnreadableError: more comes out of it than may.
        """
        with self._path.open("rb") as file:
            packed = cast(BinaryIO, gzip.GzipFile(fileobj=file)) if self._packed else file
            source = _Source(packed, self._at_most_bytes)
            with tarfile.open(
                fileobj=cast(BinaryIO, source), mode="r|", bufsize=BLOCK_BYTES, tarinfo=StrictInfo
            ) as archive:
                while (info := archive.next()) is not None:
                    archive.members = []  # type: ignore[attr-defined] # the library would keep them all
                    source.allow(info.size)
                    plain = info.isfile() and not info.issparse()
                    yield _entry(info), cast(BinaryIO, archive.extractfile(info)) if plain else None
                _expect_end(cast(BinaryIO, archive.fileobj))


def _entry(info: tarfile.TarInfo) -> Entry:
    kind = "a file with holes" if info.issparse() else KINDS.get(info.type, "a device, a pipe or another oddity")
    return Entry(info.name, kind, info.size)


def _expect_end(stream: BinaryIO) -> None:
    """Read to the end of the file, where only zeros may stand.

    Raises:
        ValueError: something else follows the archive.
    """
    read = 0
    while data := stream.read(BLOCK_BYTES):
        read += len(data)
        if data.strip(b"\0") or read > END_BYTES:
            raise ValueError("bytes behind the end of the archive")


class _Source:
    """The bytes of the archive: bounded as a whole, and between two files to what headers need."""

    def __init__(self, stream: BinaryIO, at_most_bytes: int) -> None:
        self._stream = stream
        self._at_most_bytes = at_most_bytes
        self._left_bytes = at_most_bytes
        self._left_here = HEADER_BYTES

    def allow(self, file_bytes: int) -> None:
        """Allow a file of so many bytes to be read from here on, and the headers of the next one."""
        self._left_here = file_bytes + HEADER_BYTES

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes.

        Raises:
            ValueError: a header claims to be longer than any is.
            UnreadableError: more comes out of the archive than may.
        """
        data = self._stream.read(size)
        self._left_here -= len(data)
        self._left_bytes -= len(data)
        if self._left_here < 0:
            raise ValueError(f"a header of more than {HEADER_BYTES} bytes")
        if self._left_bytes < 0:
            raise UnreadableError(too_large("package", f"at most {self._at_most_bytes} bytes inside", "more"))
        return data

"""A package in a zip."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from compliance.package.archive import Entry

END = b"PK\x05\x06"
END_OF_LARGE = b"PK\x06\x07"
LARGEST_END_BYTES = 22 + 65535
DIRECTORY_BYTES_PER_MEMBER = 1024
UNIX = 3
ENCRYPTED = 1


class Zip:
    """A zip archive."""

    def __init__(self, path: Path, members: int) -> None:
        self._path = path
        _require_small_directory(path, members)

    def entries(self) -> Iterator[tuple[Entry, BinaryIO | None]]:
        """Yield each entry in the order of the directory.

        Raises:
            zipfile.BadZipFile, OSError, NotImplementedError: the archive is damaged.
            ValueError: it holds what no package holds.
        """
        with zipfile.ZipFile(self._path) as archive:
            for info in archive.infolist():
                entry = _entry(info)
                if entry.kind != "file":
                    yield entry, None
                    continue
                with archive.open(info) as stream:
                    yield entry, cast(BinaryIO, stream)


def _entry(info: zipfile.ZipInfo) -> Entry:
    mode = info.external_attr >> 16
    kind = stat.S_IFMT(mode) if info.create_system == UNIX else 0
    if info.flag_bits & ENCRYPTED:
        return Entry(info.orig_filename, "an encrypted file", info.file_size)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return Entry(info.orig_filename, "a file that is packed in a rare way", info.file_size)
    if info.orig_filename.endswith("/"):
        return Entry(info.orig_filename.rstrip("/"), "folder" if kind in (0, stat.S_IFDIR) else "a link", 0)
    return Entry(info.orig_filename, "file" if kind in (0, stat.S_IFREG) else "a link or a device", info.file_size)


def _require_small_directory(path: Path, members: int) -> None:
    """Look at the end of the archive, before the library reads its whole directory into memory.

    Raises:
        ValueError: there is no end, or the directory is larger than that of any package.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - LARGEST_END_BYTES - 20))
        tail = file.read()
    end = tail.rfind(END)
    if end < 0 or len(tail) - end < 22:
        raise ValueError("no end of a zip archive")
    if tail[max(0, end - 20) : end].startswith(END_OF_LARGE):
        raise ValueError("a zip of the large kind, with more files or bytes than a package has")
    directory_bytes = int.from_bytes(tail[end + 12 : end + 16], "little")
    if directory_bytes > members * DIRECTORY_BYTES_PER_MEMBER:
        raise ValueError(f"a directory of {directory_bytes} bytes")

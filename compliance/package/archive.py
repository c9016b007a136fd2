"""Read a package, whether it is a folder, a tar or a zip: one file after the other, each as a stream, none unpacked.

An archive is the work of strangers. Nothing of it is written anywhere or used as a path; what is read of it is bounded,
and whatever the libraries below may raise about it is one kind of error.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from compliance.finding import Finding, clipped, name
from compliance.package.rules import PackageRules

PIECE_BYTES = 1 << 16

DAMAGED = (
    OSError, EOFError, ValueError, RuntimeError, NotImplementedError, OverflowError, struct.error, zlib.error,
    lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, zipfile.LargeZipFile,
)  # fmt: skip
"""What the libraries raise about archives that are none."""


class UnreadableError(Exception):
    """The package cannot be read on; the finding says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


class Entry(NamedTuple):
    """What an archive says of one of its files."""

    name: str
    """Name with slashes, as it stands there."""

    kind: str
    """`file`, `folder`, or words for anything else."""

    size: int
    """Bytes, as it claims."""


class Container(Protocol):
    """A folder or an archive."""

    def entries(self) -> Iterator[tuple[Entry, BinaryIO | None]]:
        """Yield each entry, and the stream of a file; a stream is over when the next entry is asked for."""


@dataclass(kw_only=True)
class Budget:
    """How much may still come out of the package."""

    left_bytes: int
    """Bytes of all that is left."""

    why: str
    """What the limit is, for a message."""


class Member:
    """A file of a package: a stream of bounded length that keeps its digest."""

    def __init__(self, entry: Entry, stream: BinaryIO, limit: int, budget: Budget) -> None:
        self.name = entry.name
        self.size = 0
        self.head = b""
        self._stream = stream
        self._limit = limit
        self._budget = budget
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Digest of what was read."""
        return self._digest.hexdigest()

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes; never more than a piece at a time.

        Raises:
            UnreadableError: the archive is damaged, or more comes out of it than may.
        """
        return self._taken(self._stream.read, PIECE_BYTES if size < 0 else min(size, PIECE_BYTES))

    def readline(self, size: int = -1) -> bytes:
        """Read up to the end of a line, up to `size` bytes, or up to a piece.

        Raises:
            UnreadableError: as `read`.
        """
        return self._taken(self._stream.readline, PIECE_BYTES if size < 0 else min(size, PIECE_BYTES))

    def whole(self, limit: int) -> bytes | None:
        """Read it all; None where it is larger than `limit`.

        Raises:
            UnreadableError: as `read`.
        """
        pieces: list[bytes] = []
        while self.size <= limit and (data := self.read()):
            pieces.append(data)
        return b"".join(pieces) if self.size <= limit else None

    def drain(self) -> None:
        """Read what is left, for the digest.

        Raises:
            UnreadableError: as `read`.
        """
        while self.read():
            pass

    def _taken(self, reader: Callable[[int], bytes], size: int) -> bytes:
        try:
            data = reader(size)
        except DAMAGED as error:
            raise UnreadableError(broken(self.name, error)) from None
        self.size += len(data)
        self._budget.left_bytes -= len(data)
        if self.size > self._limit:
            raise UnreadableError(too_large(name(self.name), f"at most {self._limit} bytes", "more"))
        if self._budget.left_bytes < 0:
            raise UnreadableError(too_large("package", self._budget.why, "more"))
        if not self.head:
            self.head = data[:16]
        self._digest.update(data)
        return data


class Names:
    """The names that were seen, to refuse what is none and what meets another on some file system."""

    def __init__(self, rules: PackageRules) -> None:
        self._rules = rules
        self._seen: dict[str, tuple[str, str]] = {}
        self._files: set[str] = set()

    def refuse(self, entry: Entry) -> Finding | None:
        """Say why an entry is not read; None where it is."""
        if fault := self._fault(entry.name):
            return _finding("sciml-package-002", name(entry.name), *fault, "give it a plain name inside the package")
        if entry.kind not in ("file", "folder"):
            advice = "put the file itself into the package"
            return _finding("sciml-package-003", name(entry.name), "a file or a folder", entry.kind, advice)
        return self._met(entry)

    def _fault(self, text: str) -> tuple[str, str] | None:
        if len(text) > self._rules.at_most_characters:
            return f"at most {self._rules.at_most_characters} characters", f"{len(text)}"
        for part in text.split("/"):
            if part in ("", ".", "..") or not self._rules.component.fullmatch(part):
                return "letters, digits and a few signs between single slashes", name(part) or "an empty part"
        return None

    def _met(self, entry: Entry) -> Finding | None:
        parts = entry.name.split("/")
        above = [("/".join(parts[:count]), "folder") for count in range(1, len(parts))]
        for text, kind in [*above, (entry.name, entry.kind)]:
            key = text.casefold()
            other, before = self._seen.setdefault(key, (text, kind))
            if other != text:
                advice = "give them names that differ in more than their case"
                return _finding("sciml-package-004", name(entry.name), "one spelling of a name", name(other), advice)
            if before != kind or (kind == "file" and key in self._files):
                found = f"a {before} of that name"
                return _finding("sciml-package-004", name(entry.name), "each name once", found, "keep one of them")
        if entry.kind == "file":
            self._files.add(entry.name.casefold())
        return None


def members(path: Path, rules: PackageRules, found: list[tuple[str, Finding]]) -> Iterator[Member]:
    """Yield the files of a package in the order in which they stand there.

    Args:
        path: the folder or the archive.
        rules: what is read, and how much.
        found: takes name and finding of whatever is passed over.

    Raises:
        UnreadableError: it cannot be read on.
    """
    budget, names, count = _budget(path, rules), Names(rules), 0
    container = opened(path, rules)
    try:
        for entry, stream in container.entries():
            count += 1
            if count > rules.limits["members"]:
                raise UnreadableError(too_large("package", f"at most {rules.limits['members']} entries", "more"))
            if entry.size > rules.limits["member_bytes"]:
                expected = f"at most {rules.limits['member_bytes']} bytes"
                raise UnreadableError(too_large(name(entry.name), expected, str(entry.size)))
            # An archive of a folder may name it, and everything in it, from a dot.
            entry = entry._replace(name=entry.name.removeprefix("./"))
            refusal = None if entry[:2] == (".", "folder") else names.refuse(entry)
            if refusal is not None:
                found.append(("", refusal))
            elif stream is not None:
                yield Member(entry, stream, rules.limits["member_bytes"], budget)
    except DAMAGED as error:
        raise UnreadableError(broken("package", error)) from None


def opened(path: Path, rules: PackageRules) -> Container:
    """Open a package by what it is, whatever its name.

    Raises:
        UnreadableError: it is none, or damaged.
    """
    from compliance.package.tars import Tar
    from compliance.package.zips import Zip

    if path.is_dir():
        return Folder(path)
    try:
        with path.open("rb") as file:
            head = file.read(512)
        if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            return Zip(path, rules.limits["members"])
        return Tar(path, packed=head[:2] == b"\x1f\x8b", at_most_bytes=_budget(path, rules).left_bytes)
    except DAMAGED as error:
        raise UnreadableError(broken("package", error)) from None


class Folder:
    """A package that lies open. Its own name, or that of the folder inside, is the organisation's."""

    def __init__(self, path: Path) -> None:
        whole = path.resolve()
        self._root = whole
        self._prefix = f"{whole.name}/" if any((path / name).exists() for name in ("systems", "results")) else ""

    def entries(self) -> Iterator[tuple[Entry, BinaryIO | None]]:
        """Yield each entry below the folder, sorted; links are not followed."""
        waiting = [self._root]
        while waiting:
            folder = waiting.pop()
            for found in sorted(os.scandir(folder), key=lambda entry: entry.name):
                status = found.stat(follow_symlinks=False)
                inside = self._prefix + os.path.relpath(found.path, self._root).replace(os.sep, "/")
                if stat.S_ISDIR(status.st_mode):
                    yield Entry(inside, "folder", 0), None
                    waiting.append(Path(found.path))
                elif stat.S_ISREG(status.st_mode):
                    with open(os.open(found.path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as stream:
                        yield Entry(inside, "file", status.st_size), stream
                else:
                    yield Entry(inside, "a link" if found.is_symlink() else "a device, a pipe or a socket", 0), None


def _budget(path: Path, rules: PackageRules) -> Budget:
    total = rules.limits["total_bytes"]
    if path.is_dir():
        return Budget(left_bytes=total, why=f"at most {total} bytes in all")
    expanded = int(path.stat().st_size * rules.limits["expansion"]) + rules.limits["expansion_slack_bytes"]
    if expanded < total:
        return Budget(left_bytes=expanded, why=f"at most {rules.limits['expansion']} bytes out of each byte")
    return Budget(left_bytes=total, why=f"at most {total} bytes in all")


def broken(where: str, error: Exception) -> Finding:
    """Return the finding on a package that cannot be read."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    found = clipped(name(" ".join(text.split()) or type(error).__name__))
    return _finding("sciml-package-001", name(where), "a folder, a tar or a zip that is whole", found, "pack it anew")


def too_large(where: str, expected: str, found: str) -> Finding:
    """Return the finding on a size that no package has."""
    return _finding("sciml-package-005", where, expected, found, "take out what is no part of a submission")


def _finding(rule: str, where: str, expected: str, found: str, advice: str) -> Finding:
    return Finding(rule=rule, line=1, where=where, expected=expected, found=found, advice=advice)

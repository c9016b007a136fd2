"""The copy of a data set on one node, which the ranks of the node write together.

The copy goes with the run. A run that was killed leaves its copy behind with nobody holding its lock, by which the next
run that stages into the same folder knows that it may remove it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np

from . import prepared, sharding
from .backend import Samples
from .errors import DataError
from .manifest import MANIFEST, wanted_files
from .recompress import recompress
from .runconfig import DataSource, RunConfig, Staging
from .sharding import Indices

PREFIX = "sciml-bench-staged-"
"""Beginning of the names of folders with copies; the harness names them after the run."""

LOCK = ".in-use"
BLOCK_BYTES = 1 << 23
MEMORY = Path("/dev/shm")  # noqa: S108 - it is where a file in memory lies
FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file of the data set."""

    path: str
    """Its path in the set."""

    size: int
    """Its size in bytes."""

    sha256: str | None
    """Its hash, where the manifest has it."""


@dataclass(frozen=True, kw_only=True)
class Writer:
    """Which of a node's ranks this is."""

    index: int = 0
    """Its index among them; the first one does what only one can do."""

    count: int = 1
    """How many they are."""


class Copy:
    """What one rank writes of its node's copy: `begin`, then `share`, then `end`, each once all ranks are done before.

    All three go on block by block, and raise:

        Refused: there is no room, or the folder cannot be written to.
        DataError: a file is not what the manifest says, or a sample is bad.
    """

    def __init__(self, run: RunConfig, staging: Staging, samples: Mapping[str, Samples], writer: Writer) -> None:
        self._run, self._staging, self._writer = run, staging, writer
        self._samples = samples if staging.form == "samples" else {}
        self.folder = staging.directory / os.uname().nodename
        self._lock: BinaryIO | None = None
        self._verified_bytes = self._prepared_bytes = 0.0
        self.facts: dict[str, int | str] = {}
        """What there is to say of the whole copy; nothing on ranks that are not their node's first."""

    @property
    def first(self) -> bool:
        """Whether this is the node's first rank."""
        return self._writer.index == 0

    @property
    def done_bytes(self) -> int:
        """Bytes of the data set that this rank is done with; to verify what samples are made of is half of the work."""
        if not self._samples:
            return int(self._verified_bytes)
        return int(self._verified_bytes + self._prepared_bytes) // 2

    @property
    def source(self) -> DataSource:
        """The run's data with the copy in its place."""
        return replace(self._run.data, **{"prepared" if self._samples else "staged": self.folder})

    def begin(self) -> Iterator[None]:
        """Make room for the copy."""
        with self._refusing():
            if not self.first:
                return
            remove_stale(self._staging.directory.parent)
            self._check_room(sum(map(prepared.size, self._samples.values())) or self._total())
            self.folder.mkdir(parents=True)
            self._lock = (self.folder / LOCK).open("wb")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for split, samples in self._samples.items():
                prepared.create(samples, prepared.path_of(self.folder, split), compress=self._compress)
                yield

    def share(self) -> Iterator[None]:
        """Write this rank's share, comparing each file's hash with the manifest's on the way, or before."""
        with self._refusing():
            largest_first = sorted(self._entries, key=lambda entry: -entry.size)
            for entry in largest_first[self._writer.index :: self._writer.count]:
                yield from self._verified(entry) if self._samples else self._copy(entry)
            for split, samples in self._samples.items():
                yield from self._prepare(split, samples)

    def end(self) -> Iterator[None]:
        """Put the manifest beside what is whole now."""
        with self._refusing():
            if not self.first:
                return
            written = [path for path in self.folder.rglob("*") if path.is_file() and path.name != LOCK]
            staged_bytes = sum(path.stat().st_size for path in written)
            self.facts = {"files": len(self._entries), "bytes": self._total(), "staged_bytes": staged_bytes}
            self.facts |= {"form": self._staging.form, "compress": self._staging.compress}
            shutil.copyfile(self._source(MANIFEST), self.folder / MANIFEST)
            yield

    def remove(self) -> None:
        """Remove the copy, or what there is of it, if this is the node's first rank."""
        if not self.first:
            return
        _remove(self.folder)
        if self._lock is not None:
            self._lock.close()

    @cached_property
    def _entries(self) -> list[Entry]:
        return [Entry(**entry) for entry in wanted_files(self._run.data)]

    @property
    def _compress(self) -> bool:
        return self._staging.compress != "none"

    def _total(self) -> int:
        return sum(entry.size for entry in self._entries)

    def _source(self, path: str) -> Path:
        assert self._run.data.directory is not None
        return self._run.data.directory / path

    def _check_room(self, needed: int) -> None:
        """Refuse what cannot fit. How far compression goes is known once it is done."""
        base = self._staging.directory.parent
        if not base.is_dir():
            self._refuse("a folder that exists", f"no {base}")
        room = shutil.disk_usage(base).free
        if base == MEMORY or MEMORY in base.parents:
            room = min(room, available_memory())
        if needed > room and not self._compress:
            self._refuse(f"room for {needed / 1e9:.3f} GB", f"{room / 1e9:.3f} GB in {base}")

    def _copy(self, entry: Entry) -> Iterator[None]:
        source, target = self._source(entry.path), self.folder / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        compress = self._compress and source.suffix in (".h5", ".hdf5", ".hdf")
        with contextlib.nullcontext() if compress else target.open("wb") as out:
            for block in self._verified(entry):
                if out is not None:
                    out.write(block)
                yield
        if compress:
            yield from recompress(source, target)

    def _prepare(self, split: str, samples: Samples) -> Iterator[None]:
        everything = sum(map(len, self._samples.values()))
        for count in prepared.fill(samples, prepared.path_of(self.folder, split), self._mine(len(samples))):
            self._prepared_bytes += self._total() * count / everything
            yield

    def _mine(self, count: int) -> Indices:
        """Return which samples this rank prepares; of compressed ones the first rank all, since only one may write."""
        everything = np.arange(count, dtype=np.int64)
        if self._compress:
            return everything if self.first else everything[:0]
        return sharding.share(everything, rank=self._writer.index, size=self._writer.count)

    def _verified(self, entry: Entry) -> Iterator[bytes]:
        """Read a file block by block, and say at its end whether it is the manifest's."""
        source, digest, size = self._source(entry.path), hashlib.sha256(), 0
        with source.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
                size += len(block)
                self._verified_bytes += len(block)
                yield block
        if size != entry.size or (entry.sha256 and digest.hexdigest() != entry.sha256):
            raise DataError(
                f"{source}: expected {entry.size} bytes with SHA-256 {entry.sha256}, found {size} with "
                f"{digest.hexdigest()} — the file was changed; get it again"
            )

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in FULL:
                done = f"no room left after {self.done_bytes / 1e9:.3f} GB of the data set"
                self._refuse("room for a copy of the data set", done)
            self._refuse("a folder that can be written to", f"{error.filename or ''}: {error.strerror or error}")

    def _refuse(self, expected: str, found: str) -> None:
        remedy = "stage into another folder, compress the copy, or read the data where they are"
        self._run.refuse("$.data.staging", expected, found, remedy)


def remove_stale(base: Path) -> None:
    """Remove this node's copies of runs that were killed: those whose lock nobody holds."""
    for folder in base.glob(f"{PREFIX}*/{os.uname().nodename}"):
        with contextlib.suppress(OSError), (folder / LOCK).open("rb+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(folder)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):  # copies of other nodes may be beside it
        folder.parent.rmdir()


def available_memory(meminfo: Path = Path("/proc/meminfo")) -> int:
    """Return how many bytes of memory can still be had without swapping, as the kernel estimates."""
    lines = meminfo.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))

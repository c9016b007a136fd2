"""Copy the data set of a run to a place that is faster to read, such as a node's own disk or its memory.

Every sample may be the next one on every rank, since the order of an epoch is drawn over the whole set: so a node holds
one whole copy, which its first rank writes and all its ranks read. It has one of two forms.

* Files: readers know nothing of it. The manifest's paths lead into the copy (`manifest.load`), while the manifest
  itself, and its hash, stay those of the original.
* Samples: what the readers make of the files is kept as the network takes it (`prepared.py`), so that each epoch copies
  what the first one would have worked for. What is read once, after the training, is read from the original files.

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
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from . import prepared
from .backend import Backend, Samples
from .errors import DataError, Refused
from .lifecycle import EventLog
from .manifest import MANIFEST, wanted_files
from .recompress import recompress
from .runconfig import DataSource, RunConfig, Staging
from .stop import StopRequest

PREFIX = "sciml-bench-staged-"
"""Beginning of the names of folders with copies; the harness names them after the run."""

LOCK = ".in-use"
BLOCK_BYTES = 1 << 23
MEMORY = Path("/dev/shm")  # noqa: S108 - it is where a file in memory lies
FULL = (errno.ENOSPC, errno.EDQUOT)

TURN_S = 30.0
"""Seconds after which the ranks that write tell the others that they still do: communication that nobody answers for
minutes is taken for a rank that hangs, and so is a run that logs nothing."""

LAST_WORD_S = 1.0
"""Seconds by which the rank that knows why staging failed ends before the others, so that its words are shown."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file of the data set."""

    path: str
    """Its path in the set."""

    size: int
    """Its size in bytes."""

    sha256: str | None
    """Its hash, where the manifest has it."""


class Copy:
    """The copy of a data set on this node."""

    def __init__(self, run: RunConfig, staging: Staging, samples: Mapping[str, Samples]) -> None:
        self._run, self._staging = run, staging
        self._samples = samples if staging.form == "samples" else {}
        self.folder = staging.directory / os.uname().nodename
        self._lock: BinaryIO | None = None
        self.source_bytes = self.staged_bytes = self.files = self.samples = 0

    @property
    def done_bytes(self) -> int:
        """Bytes of the data set that are done with; of samples, half of the work is to verify what they are made of."""
        if not self._samples:
            return self.source_bytes
        share = self.samples / sum(map(len, self._samples.values()))
        return int(self.source_bytes * (1 + share) / 2)

    @property
    def source(self) -> DataSource:
        """The run's data with the copy in its place."""
        return replace(self._run.data, **{"prepared" if self._samples else "staged": self.folder})

    def steps(self) -> Iterator[None]:
        """Write the copy block by block, comparing each file's hash with the manifest's on the way, or before.

        Raises:
            Refused: there is no room, or the folder cannot be written to.
            DataError: a file is not what the manifest says, or a sample is bad.
        """
        try:
            remove_stale(self._staging.directory.parent)
            entries = [Entry(**entry) for entry in wanted_files(self._run.data)]
            self._check_room(sum(map(prepared.size, self._samples.values())) or sum(entry.size for entry in entries))
            self.folder.mkdir(parents=True)
            self._lock = (self.folder / LOCK).open("wb")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for entry in entries:
                yield from self._verified(entry) if self._samples else self._copy(entry)
            for split, samples in self._samples.items():
                yield from self._prepare(split, samples)
            shutil.copyfile(self._source(MANIFEST), self.folder / MANIFEST)
        except OSError as error:
            if error.errno in FULL:
                done = f"no room left after {self.source_bytes / 1e9:.3f} GB of the data set"
                self._refuse("room for a copy of the data set", done)
            self._refuse("a folder that can be written to", f"{error.filename or ''}: {error.strerror or error}")

    def remove(self) -> None:
        """Remove the copy, or what there is of it."""
        _remove(self.folder)
        if self._lock is not None:
            self._lock.close()

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
        if needed > room and self._staging.compress == "none":
            self._refuse(f"room for {needed / 1e9:.3f} GB", f"{room / 1e9:.3f} GB in {base}")

    def _copy(self, entry: Entry) -> Iterator[None]:
        source, target = self._source(entry.path), self.folder / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        compress = self._staging.compress != "none" and source.suffix in (".h5", ".hdf5", ".hdf")
        with contextlib.nullcontext() if compress else target.open("wb") as out:
            for block in self._verified(entry):
                if out is not None:
                    out.write(block)
                yield
        if compress:
            yield from recompress(source, target)
        self.staged_bytes += target.stat().st_size

    def _prepare(self, split: str, samples: Samples) -> Iterator[None]:
        path = prepared.path_of(self.folder, split)
        for count in prepared.write(samples, path, compress=self._staging.compress != "none"):
            self.samples += count
            yield
        self.staged_bytes += path.stat().st_size

    def _verified(self, entry: Entry) -> Iterator[bytes]:
        """Read a file block by block, and say at its end whether it is the manifest's."""
        source, digest, size = self._source(entry.path), hashlib.sha256(), 0
        with source.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
                size += len(block)
                self.source_bytes += len(block)
                yield block
        if size != entry.size or (entry.sha256 and digest.hexdigest() != entry.sha256):
            raise DataError(
                f"{source}: expected {entry.size} bytes with SHA-256 {entry.sha256}, found {size} with "
                f"{digest.hexdigest()} — the file was changed; get it again"
            )
        self.files += 1

    def _refuse(self, expected: str, found: str) -> None:
        remedy = "stage into another folder, compress the copy, or read the data where they are"
        self._run.refuse("$.data.staging", expected, found, remedy)


@contextlib.contextmanager
def staged(
    run: RunConfig,
    samples: Mapping[str, Samples],
    *,
    first_of_node: bool,
    backend: Backend,
    log: EventLog,
    stop: StopRequest,
) -> Iterator[DataSource | None]:
    """Stage the data set where the run asks for it, and remove the copy at the end. All ranks call it.

    Args:
        run: the run.
        samples: by split, those that the copy is made of where it is not one of the files.
        first_of_node: whether this is the rank of its node that writes.
        backend: by which ranks wait for one another.
        log: file that `staging_start` and `staging_stop` go to.
        stop: asked between two blocks.

    Yields:
        The data source to read from: the run's own where nothing is staged; None where the run was asked to stop.

    Raises:
        Refused: there is no room for the copy.
        DataError: a file is not what the manifest says, or a sample is bad.
    """
    if run.data.staging is None:
        yield run.data
        return
    copy = Copy(run, run.data.staging, samples)
    try:
        with log.interval("staging") as interval:
            go_on = _made_everywhere(copy if first_of_node else None, backend, log, stop)
            facts = {"files": copy.files, "bytes": copy.source_bytes, "staged_bytes": copy.staged_bytes}
            form = {"form": run.data.staging.form, "compress": run.data.staging.compress}
            interval.stop |= {**facts, **form} if first_of_node else {}
        yield copy.source if go_on else None
        backend.allreduce_sum(np.zeros(1), "staging_end")  # until here, some rank may still open a file
    finally:
        if first_of_node:
            copy.remove()


def _made_everywhere(copy: Copy | None, backend: Backend, log: EventLog, stop: StopRequest) -> bool:
    """Make the copy on each node and wait for all; false where the run was asked to stop meanwhile."""
    steps = copy.steps() if copy is not None else iter(())
    while True:
        busy, stopped, error = _turn(steps, stop)
        states = backend.allreduce_sum(np.array([busy, stopped, error is not None], np.int64), "staging")
        if error is not None:
            raise error
        some_busy, some_stopped, some_failed = states
        if some_failed:
            time.sleep(LAST_WORD_S)
            raise Refused("staging: expected a copy of the data set on each node, found that another rank made none")
        if some_stopped:
            return False
        if not some_busy:
            return True
        log.point("staging_progress", copy.done_bytes if copy is not None else 0)


def _turn(steps: Iterator[None], stop: StopRequest) -> tuple[bool, bool, Exception | None]:
    """Go on writing for a while; return whether there is more to do, whether to stop, and what went wrong."""
    deadline = time.monotonic() + TURN_S
    try:
        for _ in steps:
            if stop.reason is not None:
                return False, True, None
            if time.monotonic() >= deadline:
                return True, False, None
    except (Refused, DataError) as error:
        return False, False, error
    return False, False, None


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

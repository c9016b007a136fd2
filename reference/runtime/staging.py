"""Copy the data set of a run to a place that is faster to read, such as a node's own disk or its memory.

Every sample may be the next one on every rank, since the order of an epoch is drawn over the whole set: so a node holds
one whole copy, of which each of its ranks writes a share and which all of them read (`copies.py`). It has one of two
forms.

* Files: readers know nothing of it. The manifest's paths lead into the copy (`manifest.load`), while the manifest
  itself, and its hash, stay those of the original.
* Samples: what the readers make of the files is kept as the network takes it (`prepared.py`), so that each epoch copies
  what the first one would have worked for. What is read once, after the training, is read from the original files.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from .backend import Backend, Samples
from .copies import Copy, Writer
from .errors import DataError, Refused
from .lifecycle import EventLog
from .runconfig import DataSource, RunConfig
from .stop import StopRequest

TURN_S = 30.0
"""Seconds after which the ranks that write tell the others that they still do: communication that nobody answers for
minutes is taken for a rank that hangs, and so is a run that logs nothing."""

LAST_WORD_S = 1.0
"""Seconds by which the rank that knows why staging failed ends before the others, so that its words are shown."""

BOOT = Path("/proc/sys/kernel/random/boot_id")
"""Tells hosts of one name apart, such as nodes that are all called localhost."""


@contextlib.contextmanager
def staged(
    run: RunConfig, samples: Mapping[str, Samples], *, backend: Backend, log: EventLog, stop: StopRequest
) -> Iterator[DataSource | None]:
    """Stage the data set where the run asks for it, and remove the copy at the end. All ranks call it.

    Args:
        run: the run.
        samples: by split, those that the copy is made of where it is not one of the files; none of a task that has none
            to prepare.
        backend: by which ranks wait for one another.
        log: file that `staging_start` and `staging_stop` go to.
        stop: asked between two blocks.

    Yields:
        The data source to read from: the run's own where nothing is staged; None where the run was asked to stop.

    Raises:
        Refused: there is no room for the copy, or nothing to prepare.
        DataError: a file is not what the manifest says, or a sample is bad.
    """
    if run.data.staging is None:
        yield run.data
        return
    if run.data.staging.form == "samples" and not samples:
        expected = "files, since this benchmark names no samples that could be prepared"
        run.refuse("$.data.staging.form", expected, "samples", "stage as files")
    nodes = _nodes(backend)
    copy = Copy(run, run.data.staging, samples, _writer(nodes, backend.rank))
    with_rank_0 = bool(nodes[backend.rank] == nodes[0])
    try:
        with log.interval("staging") as interval:
            phases = (copy.begin, copy.share, copy.end)
            go_on = all(_done_everywhere(phase(), copy, with_rank_0, backend, log, stop) for phase in phases)
            interval.stop |= copy.facts
        yield copy.source if go_on else None
        backend.allreduce_sum(np.zeros(1), "staging_end")  # until here, some rank may still open a file
    finally:
        copy.remove()


def _nodes(backend: Backend) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return for each rank a number that ranks of the same node share, and no others."""
    boot = BOOT.read_text(encoding="ascii") if BOOT.is_file() else ""
    digest = hashlib.sha256(f"{os.uname().nodename} {boot}".encode()).digest()
    numbers = np.zeros(backend.facts.ranks, np.int64)
    numbers[backend.rank] = int.from_bytes(digest[:6], "big")
    return backend.allreduce_sum(numbers, "staging_nodes")


def _writer(nodes: np.ndarray[tuple[int], np.dtype[np.int64]], rank: int) -> Writer:
    peers = np.flatnonzero(nodes == nodes[rank])
    return Writer(index=int(np.searchsorted(peers, rank)), count=len(peers))


def _done_everywhere(
    steps: Iterator[None], copy: Copy, with_rank_0: bool, backend: Backend, log: EventLog, stop: StopRequest
) -> bool:
    """Take the steps and wait for those of all ranks; false where the run was asked to stop meanwhile."""
    while True:
        busy, stopped, error = _turn(steps, stop)
        done = copy.done_bytes if with_rank_0 else 0
        states = backend.allreduce_sum(np.array([busy, stopped, error is not None, done], np.int64), "staging")
        if error is not None:
            raise error
        some_busy, some_stopped, some_failed, done_of_node = states
        if some_failed:
            time.sleep(LAST_WORD_S)
            raise Refused("staging: expected a copy of the data set on each node, found that another rank made none")
        if some_stopped:
            return False
        if not some_busy:
            return True
        log.point("staging_progress", int(done_of_node))


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

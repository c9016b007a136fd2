"""Processes that descend from this one: found, however they hide, and ended, however they resist."""

from __future__ import annotations

import contextlib
import ctypes
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

RUN_ID = "SCIML_RUN_ID"
"""Environment variable that marks every process of a run."""

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - it is where Linux keeps shared memory
SEGMENTS = ("sm_segment.", "vader_segment.", "nccl-")
"""Beginnings of the names of what Open MPI 5, Open MPI 4 and NCCL keep there."""

KILL_WAIT_S = 5.0
"""Seconds that the kernel gets to carry out SIGKILL."""

POLL_S = 0.05
_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Make this process the one that orphaned descendants are given to; elsewhere than on Linux, do nothing."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def of_job(leader: int, *, run_id: str, not_ours: set[int]) -> list[psutil.Process]:
    """Every process of a job: the leader's tree, its session, orphans that came to us, and what carries the mark.

    Args:
        leader: number of the process that leads the job's session.
        run_id: the mark.
        not_ours: children of this process that were there before the job.
    """
    found = {process.pid: process for process in tree(leader)}
    for child in psutil.Process().children():
        if child.pid not in not_ours:
            found |= {process.pid: process for process in tree(child.pid)}
    for process in psutil.process_iter():
        if process.pid != os.getpid() and (_session(process.pid) == leader or _mark(process.pid) == run_id):
            found[process.pid] = process
    return [process for process in found.values() if not has_ended(process)]


def end(processes: Sequence[psutil.Process], *, grace_s: float) -> None:
    """Terminate processes, and kill those that are still there after `grace_s` seconds."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in _still_there(processes, grace_s):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _still_there(processes, KILL_WAIT_S)
    # Orphans that came to us are ours to reap.
    psutil.wait_procs(processes, timeout=0)


def segments(processes: Sequence[psutil.Process]) -> set[Path]:
    """Files in shared memory through which ranks speak, as far as these processes map them. Ranks that end and their
    launcher remove them; where both are killed, they fill a node's memory until it is booted."""
    found = set()
    for process in processes:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{process.pid}/maps").read_text(errors="replace").splitlines():
                path = Path(line.partition(" /")[2] and f"/{line.partition(' /')[2]}")
                if path.parent == SHARED_MEMORY and path.name.startswith(SEGMENTS):
                    found.add(path)
    return found


def has_ended(process: psutil.Process) -> bool:
    """Whether a process is gone, or waits for its parent to notice."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def describe(process: psutil.Process) -> str:
    """Number and command line of a process, for people."""
    try:
        return f"{process.pid} {' '.join(process.cmdline())[:200]}"
    except psutil.Error:
        return str(process.pid)


def _still_there(processes: Sequence[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that have not ended after so many seconds."""
    deadline = time.monotonic() + seconds
    left = [process for process in processes if not has_ended(process)]
    while left and time.monotonic() < deadline:
        time.sleep(POLL_S)
        left = [process for process in left if not has_ended(process)]
    return left


def tree(pid: int) -> Iterator[psutil.Process]:
    """A process and all that descend from it; nothing where it is gone."""
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        yield root
        yield from root.children(recursive=True)


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _mark(pid: int) -> str | None:
    """The run's mark in a process's environment, as it was when the process started."""
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    prefix = f"{RUN_ID}=".encode()
    return next(
        (entry[len(prefix) :].decode("ascii", "replace") for entry in variables if entry.startswith(prefix)), None
    )

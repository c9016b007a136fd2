"""The tie between a process and the one that it must not outlive. Standard library only; the rank wrapper uses it."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HARNESS = "SCIML_HARNESS"
"""Environment variable with `host:pid:start` of the harness."""

_PR_SET_PDEATHSIG = 1


def die_with(parent: int, number: signal.Signals) -> None:
    """In a child, before its program starts: get a signal when the parent dies, however it dies (prctl(2)).

    Args:
        parent: number of the parent; where it is gone already, the child ends here.
        number: the signal.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(127)


def identity() -> str:
    """`host:pid:start` of this process, by which ranks on this host notice that it is gone."""
    return f"{os.uname().nodename}:{os.getpid()}:{start_ticks(os.getpid())}"


def start_ticks(pid: int) -> int:
    """Start time of a process in clock ticks since boot, which tells apart two processes of one number; 0: gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    # Field 2 is the program's name in parentheses and may hold anything; field 3 is the state, field 22 the time.
    fields = stat.rpartition(")")[2].split()
    return 0 if fields[0] in "ZX" else int(fields[19])


@dataclass(frozen=True, kw_only=True)
class Harness:
    """The process that a rank belongs to."""

    pid: int
    """Its number on this host."""

    start: int
    """Its start time in ticks, which tells it from a later process of the same number."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Harness | None:
        """None where it is on another host or was never visible from here; then nothing can be watched."""
        host, _, rest = environment.get(HARNESS, "").partition(":")
        pid, _, start = rest.partition(":")
        if host != os.uname().nodename or not (pid.isdigit() and start.isdigit()):
            return None
        found = cls(pid=int(pid), start=int(start))
        return found if found.alive() else None

    def alive(self) -> bool:
        """Whether it still runs."""
        return start_ticks(self.pid) == self.start

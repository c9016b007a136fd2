"""Launchers: each is a pure function from a plan to a command line, tried by comparing whole command lines."""

from __future__ import annotations

from collections.abc import Callable

from harness.launchers import local, mpich, openmpi, srun
from harness.launchers.plan import LaunchPlan

LAUNCHERS: dict[str, Callable[[LaunchPlan], list[str]]] = {
    "local": local.command,
    "openmpi": openmpi.command,
    "mpich": mpich.command,
    "srun": srun.command,
}

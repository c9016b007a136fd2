"""Which of how many ranks this process is: one table of the environment variables that launchers set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .errors import Refused

LAUNCHERS: tuple[tuple[str, tuple[str, str], tuple[str, str]], ...] = (
    ("Open MPI", ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
     ("OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE")),
    ("PMIx", ("PMIX_RANK", "PMIX_SIZE"), ("PMIX_LOCAL_RANK", "PMIX_LOCAL_SIZE")),
    ("PMI", ("PMI_RANK", "PMI_SIZE"), ("MPI_LOCALRANKID", "MPI_LOCALNRANKS")),
    ("Slurm", ("SLURM_PROCID", "SLURM_NTASKS"), ("SLURM_LOCALID", "SLURM_NTASKS_PER_NODE")),
)  # fmt: skip
"""Launcher, its variables for rank and world size, and for local rank and local size, in order of precedence."""


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """Place of this process among all."""

    rank: int = 0
    """Index of this process, from 0."""

    size: int = 1
    """Number of processes."""

    local_rank: int = 0
    """Index among the processes of this host."""

    local_size: int = 1
    """Processes on this host."""

    launcher: str = "none"
    """Whose variables were found."""

    def __post_init__(self) -> None:
        if not (0 <= self.rank < self.size and 0 <= self.local_rank < self.local_size):
            raise Refused(
                f"{self.launcher} environment: expected 0 <= rank < size, found rank {self.rank} of {self.size}, "
                f"local {self.local_rank} of {self.local_size} — start the ranks with one launcher only"
            )


def from_environment(environment: Mapping[str, str]) -> Ranks:
    """Read the first launcher's variables that are all there; without any, this is rank 0 of 1.

    A batch system sets its variables for a single process too, so that rank and size have to come from the same one.

    Raises:
        Refused: a variable does not hold an integer, or the numbers contradict each other.
    """
    for launcher, world, local in LAUNCHERS:
        if all(name in environment for name in world):
            rank, size = (_integer(environment, name) for name in world)
            here = all(name in environment for name in local)
            local_rank, local_size = (_integer(environment, name) for name in local) if here else (0, 1)
            return Ranks(rank=rank, size=size, local_rank=local_rank, local_size=local_size, launcher=launcher)
    return Ranks()


def _integer(environment: Mapping[str, str], name: str) -> int:
    try:
        return int(environment[name])
    except ValueError:
        message = f"{name}: expected an integer, found {environment[name]!r} — start the ranks with mpirun or srun"
        raise Refused(message) from None

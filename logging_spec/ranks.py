"""Which of how many ranks a process is (SPEC.md, section 5.1): one table of the variables that launchers set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LAUNCHERS: tuple[tuple[str, str, str, str], ...] = (
    ("Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
    ("PMIx", "PMIX_RANK", "PMIX_SIZE", "PMIX_LOCAL_RANK"),
    ("PMI", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"),
    ("Slurm", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"),
)
"""Launcher, its variables for rank, world size and rank on this host, in order of precedence."""


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """Place of this process among all."""

    rank: int = 0
    """Index of this process, from 0."""

    size: int = 1
    """Number of processes."""

    local_rank: int = 0
    """Index among the processes of this host."""

    launcher: str = "none"
    """Whose variables were found."""

    def __post_init__(self) -> None:
        if not (0 <= self.rank < self.size and 0 <= self.local_rank < self.size):
            raise ValueError(
                f"{self.launcher} environment: expected 0 <= rank < size, found rank {self.rank} of {self.size}, "
                f"rank {self.local_rank} on this host — start the ranks with one launcher only"
            )


def from_environment(environment: Mapping[str, str]) -> Ranks:
    """Read the variables of the first launcher that states rank and size; without any, this is rank 0 of 1.

    A batch system sets its variables for a single process too, so that rank and size have to come from the same one.

    Raises:
        ValueError: a variable does not hold an integer, or the numbers contradict each other; the message is fit to be
            shown.
    """
    for launcher, rank, size, local_rank in LAUNCHERS:
        if rank in environment and size in environment:
            return Ranks(
                rank=_integer(environment, rank),
                size=_integer(environment, size),
                local_rank=_integer(environment, local_rank) if local_rank in environment else 0,
                launcher=launcher,
            )
    return Ranks()


def _integer(environment: Mapping[str, str], name: str) -> int:
    try:
        return int(environment[name])
    except ValueError:
        message = f"{name}: expected an integer, found {environment[name]!r} — start the ranks with mpirun or srun"
        raise ValueError(message) from None

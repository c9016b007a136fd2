"""The rank table: which launcher's variables are believed, and that the specification says the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from logging_spec.ranks import LAUNCHERS, Ranks, from_environment

SPEC = Path(__file__).parents[3] / "logging_spec" / "SPEC.md"
OPEN_MPI = {"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_LOCAL_RANK": "1"}


def test_alone_without_a_launcher() -> None:
    assert from_environment({"PATH": "/bin"}) == Ranks(rank=0, size=1, local_rank=0, launcher="none")


def test_open_mpi_wins_over_the_batch_job_around_it() -> None:
    slurm = {"SLURM_PROCID": "0", "SLURM_NTASKS": "1"}
    assert from_environment(slurm | OPEN_MPI) == Ranks(rank=3, size=4, local_rank=1, launcher="Open MPI")


@pytest.mark.parametrize("row", LAUNCHERS, ids=lambda row: row[0])
def test_every_launcher(row: tuple[str, str, str, str]) -> None:
    launcher, rank, size, local_rank = row
    environment = {rank: "1", size: "3", local_rank: "1"}
    assert from_environment(environment) == Ranks(rank=1, size=3, local_rank=1, launcher=launcher)


def test_rank_without_size_is_not_believed() -> None:
    """As under `srun --mpi=pmix`, where PMIx states the rank and Slurm all of it."""
    slurm = {"SLURM_PROCID": "5", "SLURM_NTASKS": "6", "SLURM_LOCALID": "2"}
    assert from_environment({"PMIX_RANK": "5"}).size == 1
    assert from_environment({"PMIX_RANK": "5"} | slurm) == Ranks(rank=5, size=6, local_rank=2, launcher="Slurm")


@pytest.mark.parametrize(
    "change",
    [{"OMPI_COMM_WORLD_RANK": "4"}, {"OMPI_COMM_WORLD_SIZE": "two"}, {"OMPI_COMM_WORLD_LOCAL_RANK": "-1"}],
)
def test_nonsense_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"(Open MPI|OMPI_COMM_WORLD_SIZE).*: expected .*, found .* — start the ranks"):
        from_environment(OPEN_MPI | change)


def test_the_specification_has_the_same_table() -> None:
    rows = re.findall(r"^\| ([^|]+) \| `(\w+)` \| `(\w+)` \| `(\w+)` \|$", SPEC.read_text(encoding="utf-8"), re.M)
    assert tuple(rows) == LAUNCHERS

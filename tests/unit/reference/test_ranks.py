"""The rank table: which launcher's variables are believed."""

from __future__ import annotations

import pytest

from reference.runtime.errors import Refused
from reference.runtime.ranks import Ranks, from_environment

OPEN_MPI = {
    "OMPI_COMM_WORLD_RANK": "3",
    "OMPI_COMM_WORLD_SIZE": "4",
    "OMPI_COMM_WORLD_LOCAL_RANK": "1",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
}


def test_alone_without_a_launcher() -> None:
    assert from_environment({"PATH": "/bin"}) == Ranks(rank=0, size=1, local_rank=0, local_size=1, launcher="none")


def test_open_mpi_wins_over_the_batch_job_around_it() -> None:
    slurm = {"SLURM_PROCID": "0", "SLURM_NTASKS": "1"}
    assert from_environment(slurm | OPEN_MPI) == Ranks(rank=3, size=4, local_rank=1, local_size=2, launcher="Open MPI")


@pytest.mark.parametrize(
    ("environment", "launcher"),
    [
        ({"PMI_RANK": "1", "PMI_SIZE": "2", "MPI_LOCALRANKID": "1", "MPI_LOCALNRANKS": "2"}, "PMI"),
        (
            {"SLURM_PROCID": "1", "SLURM_NTASKS": "2", "SLURM_LOCALID": "1", "SLURM_NTASKS_PER_NODE": "2"},
            "Slurm",
        ),
    ],
)
def test_other_launchers(environment: dict[str, str], launcher: str) -> None:
    assert from_environment(environment) == Ranks(rank=1, size=2, local_rank=1, local_size=2, launcher=launcher)


def test_rank_without_size_is_not_believed() -> None:
    assert from_environment({"PMIX_RANK": "5"}).size == 1


@pytest.mark.parametrize("change", [{"OMPI_COMM_WORLD_RANK": "4"}, {"OMPI_COMM_WORLD_SIZE": "two"}])
def test_nonsense_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(Refused, match=r"Open MPI|OMPI_COMM_WORLD_SIZE"):
        from_environment(OPEN_MPI | change)

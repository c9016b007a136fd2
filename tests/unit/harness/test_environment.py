"""What ranks see of the environment, and what the launcher sets."""

from __future__ import annotations

import pytest

from harness import environment


def test_secrets_stay_here():
    given = {"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "x", "GITHUB_TOKEN": "x", "OMP_NUM_THREADS": "3", "LC_ALL": "C"}
    assert environment.passed(given) == {"PATH": "/bin", "OMP_NUM_THREADS": "3", "LC_ALL": "C"}


def test_the_place_of_the_harness_in_a_job_stays_here():
    place = {
        "OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4", "PMIX_RANK": "3", "PMIX_NAMESPACE": "slurm.7",
        "PMIX_SERVER_URI4": "x", "SLURM_PROCID": "3", "SLURM_LOCALID": "1",
    }  # fmt: skip
    tuned = {"OMPI_MCA_btl": "self", "PMIX_MCA_gds": "hash", "SLURM_JOB_ID": "7", "SLURM_NTASKS": "4"}
    assert environment.passed({**place, **tuned}) == tuned


def variables(**changes):
    defaults = {"threads": 3, "seed": 2**32 + 5, "deterministic": False, "family": "openmpi", "root": False}
    return environment.for_ranks(**{**defaults, **changes})


def test_what_the_launcher_sets():
    assert variables() == {
        "PYTHONHASHSEED": "5", "PYTHONUNBUFFERED": "1", "HDF5_USE_FILE_LOCKING": "FALSE",
        "HOROVOD_STALL_CHECK_TIME_SECONDS": "60", "HOROVOD_STALL_SHUTDOWN_TIME_SECONDS": "600",
        "OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3", "TF_NUM_INTRAOP_THREADS": "3",
        "TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2", "MALLOC_MMAP_THRESHOLD_": "4294967296",
        "MALLOC_TRIM_THRESHOLD_": "17179869184", "MALLOC_TOP_PAD_": "268435456", "OMPI_MCA_mpi_yield_when_idle": "1",
    }  # fmt: skip


def test_only_root_under_open_mpi_says_so():
    assert variables(root=True)["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] == "1"
    assert not [name for name in variables(family="mpich", root=True) if name.startswith("OMPI_")]


def test_a_single_rank_gets_no_shared_memory():
    assert variables(family="local")["OMPI_MCA_btl"] == "self"
    assert "OMPI_MCA_btl" not in variables()


def test_determinism_is_asked_for_only_when_wanted():
    names = set(variables(deterministic=True)) - set(variables())
    assert names == {
        "TF_DETERMINISTIC_OPS", "TF_CUDNN_DETERMINISTIC", "CUBLAS_WORKSPACE_CONFIG", "NCCL_ALGO",
        "HOROVOD_FUSION_THRESHOLD",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "cores"), [("150000 100000\n", 1), ("400000 100000\n", 4), ("50000 100000", 1), ("max 100000\n", None)]
)
def test_a_containers_quota(tmp_path, content, cores):
    (tmp_path / "cpu.max").write_text(content)
    assert environment.cgroup_cores(tmp_path / "cpu.max") == cores


def test_no_quota_file(tmp_path):
    assert environment.cgroup_cores(tmp_path / "absent") is None


@pytest.mark.parametrize(
    ("cpuinfo", "gpus", "precision"),
    [
        ("flags : fpu avx512_bf16", [], "fp32"),
        ("flags : fpu avx512_bf16 amx_bf16 amx_tile", [], "bf16"),
        ("flags : fpu", [8.0, 9.0], "bf16"),
        ("flags : fpu", [7.5, 9.0], "fp32"),
        ("", [], "fp32"),
    ],
)
def test_precision_follows_the_matrix_units(cpuinfo, gpus, precision):
    assert environment.default_precision(cpuinfo, gpus)[0] == precision

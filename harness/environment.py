"""The environment of the ranks: what is passed on, and what the launcher sets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import psutil

from logging_spec.ranks import LAUNCHERS

PASSED = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TERM", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV",
    "LD_LIBRARY_PATH", "LD_PRELOAD", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "CUDA_HOME", "CUDA_PATH",
    "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "LOADEDMODULES", "SSL_CERT_FILE",
})  # fmt: skip
"""Variables that ranks may see. All others stay here: an environment holds secrets, and unlogged influences."""

PASSED_PREFIXES = (
    "LC_", "OMPI_", "PMIX_", "PRTE_", "OPAL_", "HYDRA_", "MPICH_", "I_MPI_", "UCX_", "FI_", "NCCL_", "HOROVOD_",
    "NVIDIA_", "OMP_", "KMP_", "MKL_", "GOMP_", "OPENBLAS_", "ONEDNN_", "DNNL_", "MALLOC_", "TF_", "XLA_", "TORCH_",
    "PYTORCH_", "HDF5_", "SLURM_", "SLURMD_", "SCIML_", "APPTAINER_", "SINGULARITY_",
)  # fmt: skip
"""Beginnings of names that are passed as well."""

PLACE = frozenset(
    {name for _, rank, _, local_rank in LAUNCHERS for name in (rank, local_rank)}
    | {"PMIX_NAMESPACE", "PMIX_SIZE", "SLURM_NODEID", "SLURM_TASK_PID"}
)
PLACE_PREFIXES = ("OMPI_COMM_WORLD_", "PMIX_SERVER_URI")
"""Variables that state the place of one process in a parallel job, which an interactive shell of an allocation holds
for its own task. Those of the allocation itself are passed: mpirun reads the nodes there."""

# Keeping the heap spares PyTorch a page fault for every activation of every step: 1.3 to 1.9 times as fast on CPUs.
MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": str(4 * 1024**3),
    "MALLOC_TRIM_THRESHOLD_": str(16 * 1024**3),
    "MALLOC_TOP_PAD_": str(256 * 1024**2),
}

STALL_WARNING_S = 60
STALL_SHUTDOWN_S = 600


def passed(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that ranks may see, without the place that the harness itself has in a parallel job:
    each launcher tells its own ranks theirs, and one rank that is started without a launcher has none."""
    return {
        name: value
        for name, value in environment.items()
        if (name in PASSED or name.startswith(PASSED_PREFIXES))
        and not (name in PLACE or name.startswith(PLACE_PREFIXES))
    }


def for_ranks(*, threads: int, seed: int, deterministic: bool, family: str, root: bool) -> dict[str, str]:
    """The variables that the launcher sets for every rank.

    Args:
        threads: compute threads of one rank.
        seed: of the run; Python's hash seed is made from it.
        deterministic: ask for kernels and reductions whose result does not depend on timing.
        family: the launcher's.
        root: whether we are root, which Open MPI refuses to work for unless told twice.
    """
    count = str(threads)
    variables = {
        "PYTHONHASHSEED": str(seed % 2**32),
        "PYTHONUNBUFFERED": "1",
        "HDF5_USE_FILE_LOCKING": "FALSE",
        "HOROVOD_STALL_CHECK_TIME_SECONDS": str(STALL_WARNING_S),
        "HOROVOD_STALL_SHUTDOWN_TIME_SECONDS": str(STALL_SHUTDOWN_S),
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "TF_NUM_INTRAOP_THREADS": count,
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        **MALLOC,
    }
    if family == "local":
        # One rank speaks to nobody. Open MPI 5 gives it 16 MiB of shared memory though, which only mpirun removes.
        variables["OMPI_MCA_btl"] = "self"
    if family == "openmpi":
        # With a rank on every core, Horovod's background thread otherwise spins on the core that computes.
        variables["OMPI_MCA_mpi_yield_when_idle"] = "1"
        if root:
            variables |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    if deterministic:
        variables |= {
            "TF_DETERMINISTIC_OPS": "1",
            "TF_CUDNN_DETERMINISTIC": "1",
            "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
            "NCCL_ALGO": "Ring",
            "HOROVOD_FUSION_THRESHOLD": "0",
        }
    return variables


def usable_cores() -> int:
    """Physical cores that this process may use: those of the machine, less what affinity and cgroup take away."""
    allowed = len(os.sched_getaffinity(0))
    physical = psutil.cpu_count(logical=False) or allowed
    return max(1, min(allowed, physical, cgroup_cores(Path("/sys/fs/cgroup/cpu.max")) or allowed))


def cgroup_cores(path: Path) -> int | None:
    """Whole cores that the cgroup's CPU quota allows (cgroup v2, cpu.max: quota and period); None without a quota."""
    try:
        quota, period = path.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return None
    return None if quota == "max" else max(1, int(quota) // int(period))


def default_ranks() -> int:
    """Two ranks where there are two cores, so that a plain run takes the distributed path; else one."""
    return min(2, usable_cores())


def default_precision(cpuinfo: str, gpu_capabilities: list[float]) -> tuple[str, str]:
    """`bf16` where a matrix unit computes in it, else `fp32`; and why.

    Args:
        cpuinfo: content of /proc/cpuinfo.
        gpu_capabilities: CUDA compute capability of each visible GPU; 8.0 (Ampere) brought bfloat16.
    """
    if gpu_capabilities and min(gpu_capabilities) >= 8.0:
        return "bf16", f"every GPU has compute capability {min(gpu_capabilities)} or more"
    if " amx_bf16" in cpuinfo:
        return "bf16", "the processor has AMX matrix units for bfloat16"
    return "fp32", "neither a GPU nor the processor's matrix units compute in bfloat16"

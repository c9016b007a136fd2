"""What one node is made of: facts of its processor, memory, storage, network, accelerators and software.

Nothing is guessed: a fact that cannot be found is null, with the reason.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from harness import process
from harness.errors import RunFailed
from harness.telemetry.nvml import Nvml
from harness.telemetry.source import UnavailableError

PACKAGES = (
    "tensorflow",
    "tensorflow-cpu",
    "keras",
    "torch",
    "horovod",
    "mpi4py",
    "openmpi",
    "numpy",
    "h5py",
    "psutil",
    "nvidia-ml-py",
    "mlperf-logging",
)
MATRIX_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16", "amx_int8", "bf16", "i8mm", "sve")
SLURM_VARIABLES = ("SLURM_JOB_ID", "SLURM_JOB_PARTITION", "SLURM_JOB_NUM_NODES", "SLURM_NTASKS", "SLURM_CPUS_PER_TASK")
NUMA_LISTS = "devices/system/node/node*/cpulist"
NVIDIA_PCI_VENDOR = "0x10de"
PCI_DISPLAY_CLASSES = ("0x0300", "0x0302")


@dataclass(frozen=True)
class Fact:
    """One thing known about a machine, or why it is not."""

    value: Any
    """What was found; None with a reason."""

    found_by: str | None = None
    """Program, file or library that said so."""

    reason: str | None = None
    """Why it is not known."""

    def as_json(self) -> dict[str, Any]:
        """Return the form that system.json holds."""
        return {"value": self.value, "found_by": self.found_by, "reason": self.reason}


Facts = dict[str, Fact]


def unknown(reason: str, found_by: str | None = None) -> Fact:
    """Say why something is not known."""
    return Fact(None, found_by, reason)


def find(found_by: str, probe: Callable[[], Any]) -> Fact:
    """Probe for one fact; one that fails, or gives None or no text, gives an unknown one. An empty list is a fact."""
    try:
        value = probe()
    except (OSError, RuntimeError, ValueError, psutil.Error, RunFailed) as error:
        return unknown(f"{type(error).__name__}: {error}", found_by)
    if value is None or value == "":
        return unknown(f"{found_by} does not say", found_by)
    return Fact(value, found_by)


@dataclass(frozen=True, kw_only=True)
class Roots:
    """Where the kernel's files lie; other places than the real ones are for tests."""

    proc: Path = Path("/proc")
    """Mount point of proc."""

    sys: Path = Path("/sys")
    """Mount point of sysfs."""


def describe_node(
    data: Path, *, roots: Roots | None = None, environment: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """Describe this node.

    Args:
        data: a folder on the file system that matters to a run.
        roots: where the kernel's files lie; their usual places where None.
        environment: where the batch system and the container are looked up.
    """
    roots = roots or Roots()
    sections: dict[str, Facts] = {
        "processor": processor(roots),
        "memory": memory(roots),
        "software": software(),
        "storage": storage(data, roots),
        "network": network(roots),
        "accelerators": accelerators(roots, environment),
        "surroundings": surroundings(environment),
    }
    named = {name: {key: fact.as_json() for key, fact in facts.items()} for name, facts in sections.items()}
    return {"host": Fact(socket.gethostname(), "gethostname").as_json(), **named}


def processor(roots: Roots) -> Facts:
    """Sockets, cores, threads, caches, NUMA nodes, and the units that decide which precision is fast."""
    cpus = roots.sys / "devices/system/cpu"
    cpuinfo = str(roots.proc / "cpuinfo")
    return {
        "model": find(cpuinfo, lambda: _cpuinfo(roots, "model name")),
        "architecture": find("uname", platform.machine),
        "sockets": find(f"{cpus}/cpu*/topology", lambda: len(_distinct(cpus, "physical_package_id")) or None),
        "cores": find("psutil", lambda: psutil.cpu_count(logical=False)),
        "logical_cpus": find("psutil", psutil.cpu_count),
        "usable_cpus": find("sched_getaffinity", lambda: len(os.sched_getaffinity(0))),
        "frequency_mhz": find("psutil", _frequency_mhz),
        "caches": find(f"{cpus}/cpu*/cache", lambda: _caches(cpus) or None),
        "numa_nodes": find(
            str(roots.sys / "devices/system/node"),
            lambda: {path.parent.name: _text(path) for path in _sorted(roots.sys, NUMA_LISTS)} or None,
        ),
        "matrix_flags": find(cpuinfo, lambda: _matrix_flags(roots)),
    }


def memory(roots: Roots) -> Facts:
    """Capacity; the modules themselves are known to the firmware, which tells root only."""
    return {
        "total_bytes": find(str(roots.proc / "meminfo"), lambda: _kibibytes(roots, "MemTotal")),
        "swap_bytes": find("psutil", lambda: psutil.swap_memory().total),
        "limit_bytes": find(
            str(roots.sys / "fs/cgroup/memory.max"), lambda: _limit(roots.sys / "fs/cgroup/memory.max")
        ),
        "modules": unknown("only root can read the memory modules from the firmware (dmidecode)"),
    }


def software() -> Facts:
    """Operating system, kernel, MPI, Python and its packages."""
    versions = {name: version for name in PACKAGES if (version := _version(name)) is not None}
    return {
        "operating_system": find("/etc/os-release", lambda: platform.freedesktop_os_release().get("PRETTY_NAME")),
        "kernel": find("uname", platform.release),
        "c_library": find("platform.libc_ver", lambda: " ".join(platform.libc_ver()).strip()),
        "python": find("sys", platform.python_version),
        "mpi": find("mpirun --version", _mpi_version),
        "packages": find("importlib.metadata", lambda: versions),
    }


def storage(data: Path, roots: Roots) -> Facts:
    """The file system that a run's data lie on, and the disks of the node."""
    return {
        "data_filesystem": find("psutil", lambda: _filesystem(data)),
        "data_capacity_bytes": find("statvfs", lambda: shutil.disk_usage(data).total),
        "data_free_bytes": find("statvfs", lambda: shutil.disk_usage(data).free),
        "disks": find(str(roots.sys / "block"), lambda: _disks(roots)),
    }


def network(roots: Roots) -> Facts:
    """Network devices with their speed, and InfiniBand or RoCE adapters."""
    return {
        "interfaces": find("psutil", _interfaces),
        "infiniband": find(
            str(roots.sys / "class/infiniband"),
            lambda: [path.name for path in _sorted(roots.sys, "class/infiniband/*")],
        ),
    }


def accelerators(roots: Roots, environment: Mapping[str, str]) -> Facts:
    """The NVIDIA boards that this job may use; without NVML, at least whether the PCI bus holds any."""
    on_bus = find(str(roots.sys / "bus/pci/devices"), lambda: _nvidia_on_bus(roots))
    try:
        boards = Nvml(environment)
    except UnavailableError as error:
        return {
            "nvidia_on_pci_bus": on_bus,
            "boards": unknown(str(error), "nvml"),
            "driver": unknown(str(error), "nvml"),
        }
    facts = boards.facts()
    boards.close()
    return {
        "nvidia_on_pci_bus": on_bus,
        "boards": Fact(facts["boards"], "nvml"),
        "driver": find("nvml", lambda: facts["driver"]),
    }


def surroundings(environment: Mapping[str, str]) -> Facts:
    """Container and batch job around this process."""
    slurm = {name: environment[name] for name in SLURM_VARIABLES if name in environment}
    return {
        "container": find("environment and /", lambda: _container(environment)),
        "slurm": Fact(slurm, "environment") if slurm else unknown("not inside a Slurm job", "environment"),
    }


def _cpuinfo(roots: Roots, name: str) -> str | None:
    found = re.search(rf"^{name}\s*:\s*(.+)$", _text(roots.proc / "cpuinfo"), re.MULTILINE)
    return found.group(1).strip() if found else None


def _matrix_flags(roots: Roots) -> list[str] | None:
    flags = _cpuinfo(roots, "flags") or _cpuinfo(roots, "Features")
    return None if flags is None else [flag for flag in MATRIX_FLAGS if flag in flags.split()]


def _distinct(cpus: Path, name: str) -> set[str]:
    return {_text(path) for path in cpus.glob(f"cpu[0-9]*/topology/{name}")}


def _frequency_mhz() -> float | None:
    """Return the highest frequency; in a virtual machine that hides it, the present one."""
    frequency = psutil.cpu_freq()
    return None if frequency is None else frequency.max or frequency.current or None


def _caches(cpus: Path) -> list[dict[str, Any]]:
    """Count caches by level, kind and size; processors that share one name the same list of each other."""
    shared = {
        tuple(_text(index / name) for name in ("level", "type", "size", "shared_cpu_list"))
        for index in cpus.glob("cpu[0-9]*/cache/index[0-9]*")
    }
    kinds = sorted({kind[:3] for kind in shared})
    return [
        {
            "level": int(level),
            "type": kind,
            "size": size,
            "count": sum(one[:3] == (level, kind, size) for one in shared),
        }
        for level, kind, size in kinds
    ]


def _kibibytes(roots: Roots, name: str) -> int | None:
    found = re.search(rf"^{name}:\s+(\d+) kB$", _text(roots.proc / "meminfo"), re.MULTILINE)
    return int(found.group(1)) * 1024 if found else None


def _limit(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.isdecimal() else None


def _mpi_version() -> str | None:
    answer = process.run(["mpirun", "--version"], timeout_s=20)
    return next((line.strip() for line in answer.stdout.splitlines() if line.strip()), None)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _filesystem(data: Path) -> str | None:
    """Return the type of the file system mounted nearest above a folder."""
    holding = [
        partition
        for partition in psutil.disk_partitions(all=True)
        if data.resolve().is_relative_to(partition.mountpoint)
    ]
    return max(holding, key=lambda partition: len(partition.mountpoint)).fstype if holding else None


def _disks(roots: Roots) -> list[dict[str, Any]]:
    return [
        {
            "name": block.name,
            "bytes": int(_text(block / "size")) * 512,  # sysfs counts in units of 512 bytes, whatever the disk's sector
            "rotational": _text(block / "queue/rotational") == "1",
        }
        for block in _sorted(roots.sys, "block/*")
        if not block.name.startswith(("loop", "ram", "zram"))
    ]


def _interfaces() -> list[dict[str, Any]]:
    return [
        {"name": name, "speed_mbit_per_s": status.speed or None, "up": status.isup}
        for name, status in sorted(psutil.net_if_stats().items())
        if name != "lo"
    ]


def _nvidia_on_bus(roots: Roots) -> int | None:
    devices = _sorted(roots.sys, "bus/pci/devices/*")
    boards = [
        device
        for device in devices
        if _text(device / "vendor") == NVIDIA_PCI_VENDOR and _text(device / "class").startswith(PCI_DISPLAY_CLASSES)
    ]
    return len(boards) if devices else None


def _container(environment: Mapping[str, str]) -> str | None:
    for name in ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"):
        if name in environment:
            return f"apptainer: {Path(environment[name]).name}"
    if Path("/run/.containerenv").exists():
        return "podman"
    return "docker" if Path("/.dockerenv").exists() else "none"


def _sorted(root: Path, pattern: str) -> list[Path]:
    return sorted(root.glob(pattern))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip()

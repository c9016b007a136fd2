"""The system description: MLPerf's fields, each found or null with a reason."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.documents import faults
from harness.node import Roots, describe_node
from harness.system import describe

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "logging_spec/schemas/system.schema.json").read_text())


def test_this_machine_is_described_by_the_schema(tmp_path: Path) -> None:
    description = describe(data=tmp_path)
    assert faults(description, SCHEMA) == []
    memory = description["nodes"][0]["memory"]["total_bytes"]
    assert memory["found_by"] == "/proc/meminfo"
    kibibytes = int(Path("/proc/meminfo").read_text().split()[1])
    assert memory["value"] == kibibytes * 1024


def test_the_command_prints_one_json_document() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "harness.system"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    assert faults(json.loads(done.stdout), SCHEMA) == []


def test_what_a_person_states_wins_and_what_nobody_states_is_null_with_a_reason(tmp_path: Path) -> None:
    fields = describe(data=tmp_path, stated={"submitter": "RAL", "accelerators_per_node": "4", "cooling": None})[
        "mlperf"
    ]
    assert fields["submitter"] == {"value": "RAL", "found_by": "stated in the configuration", "reason": None}
    assert fields["accelerators_per_node"]["value"] == "4"
    assert fields["cooling"]["value"] is None
    assert fields["cooling"]["reason"]


def test_a_field_that_mlperf_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="colour: expected a field of the MLPerf system description, known: number_of"):
        describe(data=tmp_path, stated={"colour": "red"})


def test_nodes_are_kept_apart_and_counted(tmp_path: Path) -> None:
    node = describe_node(tmp_path)
    other = node | {"host": {"value": "other", "found_by": "gethostname", "reason": None}}
    description = describe([node, other])
    assert faults(description, SCHEMA) == []
    assert description["mlperf"]["number_of_nodes"]["value"] == 2
    assert [block["host"]["value"] for block in description["nodes"]] == [node["host"]["value"], "other"]


@pytest.fixture
def machine(tmp_path: Path) -> Roots:
    """A machine of two sockets with two cores each, whose files are made up."""
    proc, sys_ = tmp_path / "proc", tmp_path / "sys"
    files = {
        proc / "cpuinfo": "model name\t: Made Up 9000\nflags\t\t: fpu avx2 avx512_bf16 amx_bf16\n",
        proc / "meminfo": "MemTotal:       1048576 kB\n",
        sys_ / "fs/cgroup/memory.max": "max",
        sys_ / "block/nvme0n1/size": "2048",
        sys_ / "block/nvme0n1/queue/rotational": "0",
        sys_ / "block/loop0/size": "8",
        sys_ / "bus/pci/devices/0000:01:00.0/vendor": "0x10de",
        sys_ / "bus/pci/devices/0000:01:00.0/class": "0x030200",
        sys_ / "bus/pci/devices/0000:01:00.1/vendor": "0x10de",
        sys_ / "bus/pci/devices/0000:01:00.1/class": "0x040300",
        sys_ / "class/infiniband/mlx5_0/node_type": "1",
    }
    for cpu in range(4):
        base = sys_ / f"devices/system/cpu/cpu{cpu}"
        files[base / "topology/physical_package_id"] = str(cpu // 2)
        for index, (level, size, shared) in enumerate((("1", "48K", str(cpu)), ("3", "32M", f"{cpu // 2 * 2}-"))):
            cache = {"level": level, "type": "Data", "size": size, "shared_cpu_list": shared}
            files |= {base / f"cache/index{index}" / name: text for name, text in cache.items()}
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Roots(proc=proc, sys=sys_)


def test_sockets_caches_units_disks_and_adapters_are_counted_once(machine: Roots, tmp_path: Path) -> None:
    node = describe_node(tmp_path, roots=machine, environment={"APPTAINER_CONTAINER": "/images/suite.sif"})
    processor = {name: fact["value"] for name, fact in node["processor"].items()}
    assert (processor["model"], processor["sockets"]) == ("Made Up 9000", 2)
    assert processor["matrix_flags"] == ["avx2", "avx512_bf16", "amx_bf16"]
    assert [(cache["level"], cache["size"], cache["count"]) for cache in processor["caches"]] == [
        (1, "48K", 4),
        (3, "32M", 2),
    ]
    assert node["storage"]["disks"]["value"] == [{"name": "nvme0n1", "bytes": 2048 * 512, "rotational": False}]
    assert node["network"]["infiniband"]["value"] == ["mlx5_0"]
    assert node["accelerators"]["nvidia_on_pci_bus"]["value"] == 1
    assert node["surroundings"]["container"]["value"] == "apptainer: suite.sif"
    fields = describe([node])["mlperf"]
    assert fields["host_storage_type"]["value"] == "NVMe SSD"
    assert fields["host_memory_capacity"]["value"] == "1.0 GiB"


def test_boards_that_the_driver_does_not_show_are_not_called_none(machine: Roots, tmp_path: Path) -> None:
    node = describe_node(tmp_path, roots=machine, environment={"CUDA_VISIBLE_DEVICES": ""})
    fact = describe([node])["mlperf"]["accelerators_per_node"]
    assert fact["value"] is None
    assert fact["reason"]


def test_a_machine_without_these_files_is_described_by_reasons(tmp_path: Path) -> None:
    description = describe(
        [describe_node(tmp_path, roots=Roots(proc=tmp_path / "no", sys=tmp_path / "no"), environment={})]
    )
    assert faults(description, SCHEMA) == []
    assert description["mlperf"]["host_processor_model_name"]["value"] is None
    assert "No such file" in description["mlperf"]["host_processor_model_name"]["reason"]
    assert description["nodes"][0]["surroundings"]["slurm"]["reason"] == "not inside a Slurm job"

"""The system description of a run, system.json: MLPerf's 33 fields, as far as the machine tells, and a block per node.

    python -m harness.system            # print the description of this machine
    python -m harness.system --node     # print this node's block only, to be combined with those of other nodes

Source of the fields: mlperf_logging/system_desc_checker. What only a person knows (who submits, what cools the room) is
null with that reason, until the configuration states it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.node import Fact, describe_node, unknown

FORMAT_VERSION = 1
GIB = 1024**3

PERSON = {
    "submitter": "only a person knows who submits",
    "division": "only a person knows to which division the result goes",
    "status": "only a person knows whether the system can be bought",
    "system_name": "only a person knows what the system is called",
    "host_processor_interconnect": "no portable interface tells how the processors are connected",
    "host_networking_topology": "one node does not see the network's topology",
    "accelerator_interconnect": "not asked of the driver yet",
    "accelerator_interconnect_topology": "not asked of the driver yet",
    "accelerator_on-chip_memories": "the driver does not tell",
    "accelerator_memory_configuration": "the driver does not tell the kind of memory",
    "cooling": "only a person knows how the system is cooled",
    "hw_notes": "nobody wrote a note",
    "sw_notes": "nobody wrote a note",
}
"""Fields that no probe fills, and why."""


def describe(
    nodes: Sequence[dict[str, Any]] | None = None,
    *,
    stated: Mapping[str, str | None] | None = None,
    data: Path | None = None,
) -> dict[str, Any]:
    """Describe the system of a run (schema `logging_spec/schemas/system.schema.json`).

    Args:
        nodes: a block per node, as `describe_node` returns it; this machine alone where None.
        stated: MLPerf fields that a person filled in, such as `submitter`; they win over what was found, save for None.
        data: a folder on the file system that matters to the run; the working directory where None.

    Raises:
        ValueError: a stated field is none of MLPerf's.
    """
    nodes = list(nodes) if nodes else [describe_node(data or Path.cwd())]
    fields = _fields(nodes)
    for name, value in (stated or {}).items():
        if name not in fields:
            raise ValueError(f"{name}: expected a field of the MLPerf system description, known: {', '.join(fields)}")
        if value is not None:
            fields[name] = Fact(value, "stated in the configuration")
    return {
        "format_version": FORMAT_VERSION,
        "captured_ms": time.time_ns() // 1_000_000,
        "mlperf": {name: fact.as_json() for name, fact in fields.items()},
        "nodes": nodes,
    }


def _fields(nodes: Sequence[dict[str, Any]]) -> dict[str, Fact]:
    """Fill the 33 fields from the first node; MLPerf takes all nodes of a system for equal."""
    node = nodes[0]
    return {
        "number_of_nodes": Fact(len(nodes), "the launch"),
        **_processor_fields(node),
        **_storage_and_network_fields(node),
        **_accelerator_fields(node),
        "framework": _as_text(node, "software", "packages", _frameworks),
        "other_software_stack": _as_text(node, "software", "packages", lambda packages: _stack(node, packages)),
        "operating_system": _as_text(node, "software", "operating_system", lambda name: f"{name}{_kernel(node)}"),
        **{name: unknown(reason) for name, reason in PERSON.items()},
    }


def _processor_fields(node: dict[str, Any]) -> dict[str, Fact]:
    return {
        "host_processors_per_node": _as_text(node, "processor", "sockets", int),
        "host_processor_model_name": _as_text(node, "processor", "model", str),
        "host_processor_core_count": _as_text(node, "processor", "cores", int),
        "host_processor_vcpu_count": _as_text(node, "processor", "logical_cpus", int),
        "host_processor_frequency": _as_text(node, "processor", "frequency_mhz", lambda mhz: f"{mhz:.0f} MHz"),
        "host_processor_caches": _as_text(node, "processor", "caches", _caches),
        "host_memory_capacity": _as_text(node, "memory", "total_bytes", lambda count: f"{count / GIB:.1f} GiB"),
        "host_memory_configuration": _as_text(node, "memory", "modules", str),
    }


def _storage_and_network_fields(node: dict[str, Any]) -> dict[str, Fact]:
    return {
        "host_storage_type": _as_text(node, "storage", "disks", _disk_kinds),
        "host_storage_capacity": _as_text(
            node, "storage", "disks", lambda disks: f"{sum(disk['bytes'] for disk in disks) / GIB:.0f} GiB"
        ),
        "host_networking": _as_text(
            node, "network", "interfaces", lambda all_: ", ".join(one["name"] for one in all_ if one["up"]) or None
        ),
    }


def _accelerator_fields(node: dict[str, Any]) -> dict[str, Fact]:
    def of_boards(value: Any) -> Fact:
        return _as_text(node, "accelerators", "boards", value)

    count = of_boards(len)
    if count.value is None and node["accelerators"]["nvidia_on_pci_bus"]["value"] == 0:
        count = Fact(0, node["accelerators"]["nvidia_on_pci_bus"]["found_by"])
    return {
        "accelerators_per_node": count,
        "accelerator_model_name": of_boards(lambda boards: boards[0]["name"]),
        "accelerator_memory_capacity": of_boards(lambda boards: _gib(boards[0]["memory_bytes"])),
        "accelerator_frequency": of_boards(lambda boards: _suffixed(boards[0]["max_sm_clock_mhz"], " MHz")),
        "accelerator_host_interconnect": of_boards(lambda boards: _pcie(boards[0])),
    }


def _as_text(node: dict[str, Any], section: str, name: str, form: Any) -> Fact:
    """Turn one fact of a node into a field; an unknown one keeps its reason."""
    fact = node[section][name]
    if fact["value"] is None:
        return unknown(fact["reason"], fact["found_by"])
    value = form(fact["value"])
    return (
        unknown(f"{fact['found_by']} does not say", fact["found_by"])
        if value is None
        else Fact(value, fact["found_by"])
    )


def _caches(caches: list[dict[str, Any]]) -> str:
    return ", ".join(f"L{cache['level']} {cache['type']} {cache['count']} x {cache['size']}" for cache in caches)


def _disk_kinds(disks: list[dict[str, Any]]) -> str | None:
    kinds = {_disk_kind(disk) for disk in disks}
    return ", ".join(sorted(kinds)) or None


def _disk_kind(disk: dict[str, Any]) -> str:
    if disk["name"].startswith(("vd", "xvd")):
        return "virtual disk"  # it reports itself as rotating, whatever lies behind it
    if disk["name"].startswith("nvme"):
        return "NVMe SSD"
    return "hard disk" if disk["rotational"] else "SSD"


def _frameworks(packages: dict[str, str]) -> str | None:
    named = [f"{name} {packages[name]}" for name in ("tensorflow", "tensorflow-cpu", "torch") if name in packages]
    return ", ".join(named) or None


def _stack(node: dict[str, Any], packages: dict[str, str]) -> str:
    named = [f"{name} {packages[name]}" for name in ("horovod", "mpi4py", "numpy", "h5py") if name in packages]
    mpi, driver = node["software"]["mpi"]["value"], node["accelerators"]["driver"]["value"]
    python = f"Python {node['software']['python']['value']}"
    return ", ".join([python, *([mpi] if mpi else []), *named, *([f"NVIDIA driver {driver}"] if driver else [])])


def _kernel(node: dict[str, Any]) -> str:
    release = node["software"]["kernel"]["value"]
    return f", Linux {release}" if release else ""


def _gib(count: int | None) -> str | None:
    return None if count is None else f"{count / GIB:.0f} GiB"


def _suffixed(value: int | None, suffix: str) -> str | None:
    return None if value is None else f"{value}{suffix}"


def _pcie(board: dict[str, Any]) -> str | None:
    generation, width = board["pcie_generation"], board["pcie_width"]
    return None if generation is None or width is None else f"PCIe {generation}.0 x{width}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the description of this machine as JSON."""
    parser = argparse.ArgumentParser(prog="python -m harness.system", description="Describe this machine as JSON.")
    parser.add_argument("--node", action="store_true", help="print this node's block only")
    parser.add_argument("--data", type=Path, default=Path.cwd(), metavar="DIR", help="folder on the data's file system")
    options = parser.parse_args(arguments)
    node = describe_node(options.data)
    description = node if options.node else describe([node])
    sys.stdout.write(json.dumps(description, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

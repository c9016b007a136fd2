"""What the tests of packages share: run directories that cost nothing, a valid package of them, and ways to pack it."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from checking import GOLDEN

sys.path.insert(0, str(GOLDEN))

from chaining import chained
from log_edits import cut_short, status
from make_corpus import CONFIG
from run_story import Plan, tell

from compliance import rules as rule_sets
from compliance.package.build import Request, build
from compliance.package.system import fields

RULES = rule_sets.load()
RUNS = 5
ORG, SYSTEM = "Example_Observatory", "four_gpus"
RESULTS = f"{ORG}/results/{SYSTEM}/slstr_cloud"
CODE = f"{ORG}/benchmarks/slstr_cloud/implementations/pt"
DESCRIPTION = f"{ORG}/systems/{SYSTEM}.json"
MANIFEST = f"{ORG}/MANIFEST.sha256"
SIGNATURE = f"{MANIFEST}.minisig"

SLOW = Plan(speed=41.25)
"""Runs that take long enough for sixty readings of power."""

Package = dict[str, bytes]
"""Files by name."""


def system_document() -> dict[str, Any]:
    """Return the system.json of a node that never was."""
    stated = {
        "submitter": "Example Observatory", "division": "closed", "status": "onprem",
        "system_name": "one node, four GPUs", "number_of_nodes": 1, "accelerators_per_node": 4,
        "host_processors_per_node": 2,
    }  # fmt: skip
    facts = {name: fact(stated.get(name, f"some {name}")) for name in fields()}
    blocks = ("processor", "memory", "software", "storage", "network", "accelerators", "surroundings")
    node = {"host": fact("node01"), **{name: {"something": fact(1)} for name in blocks}}
    return {"format_version": 1, "captured_ms": 1785000000000, "mlperf": facts, "nodes": [node]}


def fact(value: Any, reason: str | None = None) -> dict[str, Any]:
    """Return a fact as system.json has it."""
    return {"value": value, "found_by": None if reason else "a test", "reason": reason}


def make_run(folder: Path, plan: Plan, *, power: bool = False, aborted: bool = False) -> Path:
    """Write the run directory of a plan, with its chain, and return it."""
    run_id = f"20260725T172000Z-{plan.seed:04x}"
    path = folder / run_id
    path.mkdir(parents=True)
    records = tell(plan)
    if aborted:
        cut_short(records)
        status("aborted", reason="out of reach", samples_count=3072)(records)
    log = b"".join(chained(records))
    (path / "result_0.txt").write_bytes(log)
    config = {**CONFIG, "run_id": run_id, "seed": plan.seed}
    (path / "run.json").write_text(json.dumps(config), encoding="utf-8")
    (path / "system.json").write_text(json.dumps(system_document()), encoding="utf-8")
    if power:
        (path / "power" / "result_0").mkdir(parents=True)
        (path / "power" / "result_0" / "node_0.txt").write_bytes(power_log(*window(log)))
    return path


def window(log: bytes) -> tuple[int, int]:
    """Return the times of run_start and run_stop."""
    records = [json.loads(line[9:]) for line in log.splitlines()]
    times = {record["key"]: record["time_ms"] for record in records}
    return times["run_start"], times["run_stop"]


def power_log(start_ms: int, stop_ms: int) -> bytes:
    """Return the power log of a node: a reading each second."""
    events = [("power_measurement_start", None, start_ms - 500), ("conversion_eff", 0.94, start_ms - 400)]
    events += [("power_reading", 612.5, time_ms) for time_ms in range(start_ms, stop_ms, 1000)]
    events += [("power_reading", 610.0, stop_ms), ("power_measurement_stop", None, stop_ms + 100)]
    return b"".join(power_line(*event) for event in events)


def power_line(key: str, value: Any, time_ms: int, **metadata: Any) -> bytes:
    """Return a line of a power log."""
    kind = {"start": "INTERVAL_START", "stop": "INTERVAL_END"}.get(key.rpartition("_")[2], "POINT_IN_TIME")
    record = {"namespace": "", "time_ms": time_ms, "event_type": kind, "key": key, "value": value}
    return (
        b":::MLLOG "
        + json.dumps({**record, "metadata": {"file": "meter.py", "lineno": 7, **metadata}}).encode()
        + b"\n"
    )


def make_code(folder: Path) -> Path:
    """Write the code of an implementation, without its scripts."""
    folder.mkdir()
    (folder / "train.py").write_text("print('training')\n", encoding="utf-8")
    (folder / "pt.json").write_text('{"argv": ["{python}", "train.py"]}\n', encoding="utf-8")
    return folder


def request_for(folder: Path, out: Path, **more: Any) -> Request:
    """Return the request to package the runs in `folder`, whose code is made beside them."""
    code = folder.parent / "code"
    if not code.exists():
        make_code(code)
    defaults: dict[str, Any] = {"system": SYSTEM, "stated": {}, "code": {"": code}, "password": lambda: ""}
    return Request(runs=(folder,), out=out, **{**defaults, **more})


def make_runs(folder: Path, count: int = RUNS, *, power: bool = False, plan: Plan = SLOW) -> Path:
    """Write run directories with seeds from 1 on, and return their folder."""
    for seed in range(1, count + 1):
        make_run(folder, replace(plan, seed=seed), power=power)
    return folder


def valid_package(folder: Path, *, power: bool) -> Package:
    """Build a package, and return its files."""
    runs = make_runs(folder / "runs", power=power)
    build(request_for(runs, folder / "package"), RULES)
    return read_folder(folder / "package")


def read_folder(folder: Path) -> Package:
    """Return the files of a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def with_manifest(files: Package) -> Package:
    """Return a package whose manifest fits it."""
    rest = {name: content for name, content in files.items() if name not in (MANIFEST, SIGNATURE)}
    lines = [f"{hashlib.sha256(rest[name]).hexdigest()}  {name.removeprefix(f'{ORG}/')}\n" for name in sorted(rest)]
    return {**files, MANIFEST: "".join(lines).encode()}


def as_tar(files: Package, more: Callable[[tarfile.TarFile], None] | None = None, mode: str = "w") -> bytes:
    """Return a tar of files, and of whatever else a test puts in."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name in sorted(files):
            info = tarfile.TarInfo(name)
            info.size = len(files[name])
            archive.addfile(info, io.BytesIO(files[name]))
        if more:
            more(archive)
    return stream.getvalue()


def as_zip(files: Package, more: Callable[[zipfile.ZipFile], None] | None = None) -> bytes:
    """Return a zip of files, and of whatever else a test puts in."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(name, files[name])
        if more:
            more(archive)
    return stream.getvalue()

"""Start implementations as a user would, on a data set of three small scenes in the real layout."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from logging_spec.events import Event, parse_line

ROOT = Path(__file__).resolve().parents[2]
LAYOUT = ROOT / "datasets" / "slstr_cloud" / "layout.json"
SIDE = 256

OPTIONS = {
    "batch_size": 2, "learning_rate": 0.001, "learning_rate_scaling": "none", "warmup_steps": 5, "epsilon": 1e-7,
    "channels": "all", "labels": "bayes", "normalisation": "fixed", "threshold": 0.5,
}  # fmt: skip


def make_data(folder: Path) -> Path:
    """Write two training scenes, of two tiles and of one, a test scene of one tile, and their manifest."""
    splits: dict[str, list[str]] = {"train": [], "test": []}
    files = []
    for number, (split, tiles) in enumerate((("train", 2), ("train", 1), ("test", 1))):
        name = f"{split}/S3A_SL_1_RBT____2019100{number}T113221.hdf"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_scene(path, SIDE, SIDE * tiles, np.random.default_rng(number))
        splits[split].append(name)
        content = path.read_bytes()
        files.append({"path": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()})
    manifest = {
        "manifest_version": 1, "dataset": "slstr_cloud", "dataset_id": "micro", "simulated": True, "licence": "none",
        "layout": json.loads(LAYOUT.read_text(encoding="utf-8")), "splits": splits, "files": files,
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def _write_scene(path: Path, rows: int, columns: int, rng: np.random.Generator) -> None:
    depth = np.kron(rng.normal(size=(rows // 32, columns // 32)), np.ones((32, 32)))[..., None]
    bts = 285 - 20 * np.maximum(depth, 0) + rng.normal(size=(rows, columns, 3))
    refs = 0.2 + 0.2 * np.maximum(depth, 0) + 0.05 * rng.normal(size=(rows, columns, 6))
    bts[rng.random((rows, columns)) < 0.02] = np.nan
    with h5py.File(path, "w") as file:
        file["bts"], file["refs"] = bts.astype("f4"), refs
        file["bayes"], file["summary"] = (depth > 0.3).astype("u1") * 2, (depth > 0.1).astype("i8")


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A run that has ended."""

    folder: Path
    """Its directory."""

    code: int
    """Exit code of mpirun."""

    output: str
    """stdout and stderr of all ranks."""

    def events(self, rank: int = 0) -> list[Event]:
        """Return the events of a rank."""
        text = (self.folder / "events" / f"rank{rank:05d}.mllog").read_text(encoding="utf-8")
        return [event for line in text.splitlines() if (event := parse_line(line))]

    def values(self, key: str) -> list[Any]:
        """Return the values that rank 0 logged under a key."""
        return [event.value for event in self.events() if event.key == key]

    def state(self, epoch: int) -> dict[str, np.ndarray]:
        """Return the arrays of a checkpoint."""
        with np.load(self.folder / "checkpoints" / f"epoch-{epoch:04d}.npz") as archive:
            return {name: archive[name] for name in archive.files if name != "metadata_json"}


def write_run(folder: Path, twin: str, **changes: Any) -> Path:
    """Write the run.json of a run in `folder`; `changes` replace its members."""
    run = {
        "contract_version": 1, "run_id": folder.name, "benchmark": "slstr_cloud", "implementation": twin,
        "mode": "train", "scale": "tiny", "seed": 3, "deterministic": True, "precision": "fp32",
        "world_size_expected": 1, "threads_per_rank": 1,
        "data": {"directory": None, "dataset_id": None, "manifest_sha256": None, "simulated": None},
        "hyperparameters": OPTIONS,
        "target": {"metric": "accuracy", "direction": "max", "value": 1.0},
        "limits": {"max_epochs": 1, "max_seconds": None},
        "output": {name: str(folder / name) for name in ("events", "checkpoints", "artifacts")},
        "checkpoint": {"every_epochs": 1, "keep": 5}, "resume_from": None, "log_every_steps": 1,
    } | changes  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "run.json"
    path.write_text(json.dumps(run), encoding="utf-8")
    return path


def environment() -> dict[str, str]:
    """Return the environment in which several ranks share two cores well, also as root."""
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(ROOT),
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_mpi_yield_when_idle": "1",
        "MALLOC_MMAP_THRESHOLD_": "4294967296",
        "MALLOC_TRIM_THRESHOLD_": "17179869184",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "OMP_NUM_THREADS": "1",
    }


def start(run_file: Path, twin: str, ranks: int) -> subprocess.Popen[str]:
    """Start an implementation on some ranks."""
    command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", str(ranks)]
    program = [sys.executable, "-m", f"reference.slstr_cloud.{twin}", "--run-config", str(run_file)]
    return subprocess.Popen(
        [*command, *program], cwd=ROOT, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def finish(process: subprocess.Popen[str], folder: Path) -> Finished:
    """Wait for the end of a run, and never leave its processes behind."""
    try:
        output, _ = process.communicate(timeout=400)
    finally:
        process.terminate()
        process.wait(30)
    return Finished(folder=folder, code=process.returncode, output=output)


def train(folder: Path, data: Path, twin: str, ranks: int, **changes: Any) -> Finished:
    """Do a training on some ranks."""
    source = {"directory": str(data), "dataset_id": "micro", "manifest_sha256": None, "simulated": True}
    run_file = write_run(folder, twin, data=source, world_size_expected=ranks, **changes)
    return finish(start(run_file, twin, ranks), folder)

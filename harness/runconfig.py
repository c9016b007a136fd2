"""run.json: what an implementation is told, fully resolved (logging_spec/schemas/run_config.schema.json)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness import dataset
from harness.configuration import Configuration
from harness.rundir import RunDirectory

CONTRACT_VERSION = 1


def training(configuration: Configuration, directory: RunDirectory, data: dataset.DataSet | None) -> dict[str, Any]:
    """run.json of a training run; without a data set, as a dry run shows it."""
    scale = configuration.benchmark.scales[configuration.scale]
    source: dict[str, Any] = {
        "directory": str(data.directory if data else dataset.folder(configuration)),
        "dataset_id": data.dataset_id if data else scale.dataset_id,
        "manifest_sha256": data.manifest_sha256 if data else None,
        "simulated": data.simulated if data else scale.simulated,
    }
    if configuration.stage is not None:
        folder = staging_folder(configuration.stage, directory.run_id)
        how = {"compress": configuration.stage_compress, "form": configuration.stage_as}
        source["staging"] = {"directory": str(folder), **how}
    return _document(configuration, directory, mode="train", data=source)


def staging_folder(base: Path, run_id: str) -> Path:
    """Where the copies of a run's data set are, one folder for each node."""
    return base / f"sciml-bench-staged-{run_id}"


def prediction(configuration: Configuration, directory: RunDirectory, inputs: Sequence[Path]) -> dict[str, Any]:
    """run.json of a prediction from files, with the model that `resume_from` names."""
    source = {
        "directory": None,
        "dataset_id": None,
        "manifest_sha256": None,
        "simulated": None,
        "inputs": [str(path) for path in inputs],
    }
    return _document(configuration, directory, mode="predict", data=source)


def _document(configuration: Configuration, directory: RunDirectory, *, mode: str, data: Any) -> dict[str, Any]:
    """In the order of the schema, which people read from top to bottom."""
    benchmark = configuration.benchmark
    return {
        "contract_version": CONTRACT_VERSION,
        "run_id": directory.run_id,
        "benchmark": benchmark.name,
        "implementation": configuration.implementation.name,
        "mode": mode,
        "scale": configuration.scale,
        "seed": configuration.seed,
        "deterministic": configuration.deterministic,
        "precision": configuration.precision,
        "world_size_expected": configuration.ranks,
        "threads_per_rank": configuration.threads,
        "data": data,
        "hyperparameters": dict(configuration.hyperparameters),
        "target": {"metric": benchmark.metric, "direction": benchmark.direction, "value": configuration.target},
        "limits": {"max_epochs": configuration.max_epochs, "max_seconds": configuration.max_seconds},
        "output": directory.output(),
        "checkpoint": {"every_epochs": configuration.checkpoint_every, "keep": configuration.checkpoint_keep},
        "resume_from": str(configuration.resume_from) if configuration.resume_from else None,
        "log_every_steps": configuration.log_every_steps,
    }

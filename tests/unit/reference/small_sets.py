"""Small sets of micrographs and scattering patterns as the readers of reference/ take them, with a manifest."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from reference.em_denoise.facts import BENCHMARK_FILE as EM
from reference.runtime.runconfig import ROOT

Files = dict[str, dict[str, Any]]
"""Path in the set → key → array."""

EM_STATISTICS = {"clean": {"mean": 1.0, "standard_deviation": 0.05}, "data_range": 0.4}
DMS_STATISTICS = {"images": {"root_mean": 4.0, "root_standard_deviation": 2.0}}


def write_set(root: Path, files: Files, statistics: dict[str, Any] | None) -> Path:
    """Write the files and their manifest; the folder `training` is in both splits."""
    entries: list[dict[str, Any]] = []
    splits: dict[str, list[str]] = {"train": [], "test": []}
    for name, arrays in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, "w") as file:
            for key, array in arrays.items():
                file.create_dataset(key, data=array)
        content = path.read_bytes()
        entries.append({"path": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()})
        for split, held in splits.items():
            held += [name] if path.parent.name in (split, "training") else []
    manifest: dict[str, Any] = {"layout": {"keys": {}}, "splits": splits, "files": entries}
    if statistics is not None:
        manifest["statistics"] = statistics
    (root / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return root


def em_images(split: str, count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return noisy and clean images, (count, 256, 256, 1)."""
    rng = np.random.default_rng([len(split), count])
    row = np.arange(256)
    phases = rng.uniform(0, 6, count)
    waves = np.sin(row[None, :, None] / 3 + phases[:, None, None]) * np.sin(row / 4)[None, None, :]
    clean = 1 + 0.1 * waves
    beam = np.linspace(0.5, 1.5, 256)[None, None, :]
    noisy = beam * clean * (1 + 0.2 * rng.standard_normal(clean.shape))
    return noisy[..., None].astype(np.float32), clean[..., None].astype(np.float32)


def em_files(train: int = 3, test: int = 2) -> Files:
    """Return the files of a set of micrographs, with the truth that simulated sets have."""
    files: Files = {}
    for split, count in (("train", train), ("test", test)):
        noisy, clean = em_images(split, count)
        files[f"{split}/graphene_img_noise.h5"] = {"images": noisy}
        files[f"{split}/graphene_img_clean.h5"] = {"images": clean}
        files[f"{split}/graphene_truth.h5"] = {"class": np.arange(count, dtype=np.uint8) % 4}
    return files


def dms_patterns(count: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return patterns, (count, 487, 195, 3), of which those of class 1 are brighter, and their labels."""
    images, labels = _drawn(count, seed)
    return images.copy(), labels.copy()


@functools.cache
def _drawn(count: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Draw them once: that takes longer than everything else that a test does with them."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(count) % 3 > 0).astype(np.int64)
    counts = rng.poisson(9 + 7 * labels[:, None, None], (count, 487, 195)).astype(np.float32)
    return np.repeat(counts[..., None], 3, -1), labels


def dms_files(generation: str = "A", train: int = 4, test: int = 3) -> Files:
    """Return the files of a set of patterns in a generation's layout."""
    made = {"train": dms_patterns(train, 1), "test": dms_patterns(test, 2)}
    if generation == "A":
        return {f"{s}/dms_phases.h5": {"images": images, "labels": labels} for s, (images, labels) in made.items()}
    keys = {
        f"{s}/{key}": array for s, pair in made.items() for key, array in zip(("images", "labels"), pair, strict=True)
    }
    return {"training/data-binary.h5": keys}


def run_of(benchmark: str, **hyperparameters: Any) -> dict[str, Any]:
    """Return the changes that make run.json one of a benchmark with its default hyperparameters."""
    document = json.loads((ROOT / "reference" / benchmark / EM.name).read_text(encoding="utf-8"))
    defaults = {name: schema["default"] for name, schema in document["hyperparameters"].items()}
    metric = document["metric"]
    return {
        "benchmark": benchmark,
        "hyperparameters": defaults | hyperparameters,
        "target": {"metric": metric["name"], "direction": metric["direction"], "value": 1.0},
    }


def prediction_of(benchmark: str, *inputs: Path | str, **hyperparameters: Any) -> dict[str, Any]:
    """Return the changes that make run.json a prediction from some files."""
    changes = {"mode": "predict", "resume_from": "/model.npz", "data.inputs": [str(path) for path in inputs]}
    return run_of(benchmark, **hyperparameters) | changes

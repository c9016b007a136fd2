"""Mode predict: whole scenes through the model, masks and pictures out, and scores beside those of trivial methods."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from logging_spec.whole import whole_file
from reference.runtime import sharding
from reference.runtime.backend import Backend
from reference.runtime.errors import DataError
from reference.runtime.runconfig import RunConfig

from . import baselines, facts, metrics
from .picture import Label, draw
from .scene import Bool, Scene
from .task import CloudTask
from .tiles import cut, inference_windows, stitch

S8 = facts.TEMPERATURES.index("S8")


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the model says of a scene."""

    probability: NDArray[np.float32]
    """Probability of cloud."""

    mask: Bool
    """Where the probability reaches the threshold."""

    windows: int
    """Windows that the model computed."""

    seconds: float
    """Time that the model took for them."""


def predict(run: RunConfig, task: CloudTask, backend: Backend) -> None:
    """Predict every input scene, spread over the ranks, and write `artifacts/predictions.json`.

    Raises:
        DataError: a scene cannot be read, or lacks the reflectances that the model needs.
    """
    if not run.data.inputs:
        run.refuse("$.data.inputs", "at least one scene, in mode predict", "none", "name the files to predict from")
    scenes = [Scene(path, channels=task.options.channels) for path in run.data.inputs]
    mine = sharding.share(np.arange(len(scenes)), rank=backend.rank, size=backend.facts.ranks)
    for index in mine:
        report = _one_scene(
            scenes[index], run.output.artifacts / f"{index:03d}-{scenes[index].path.stem}", task, backend
        )
        _write_json(run.output.artifacts / f"prediction-{index:03d}.json", report)
    done = backend.allreduce_sum(np.array([len(mine)], np.int64), "predicted")
    if backend.rank == 0:
        parts = [run.output.artifacts / f"prediction-{index:03d}.json" for index in range(int(done[0]))]
        reports = [json.loads(part.read_text(encoding="utf-8")) for part in parts]
        model = {
            "checkpoint": str(run.resume_from),
            "channels": task.options.channels,
            "threshold": task.options.threshold,
        }
        document = {"run_id": run.run_id, "model": model, "predictions": reports}
        _write_json(run.output.artifacts / "predictions.json", document)
        for part in parts:
            part.unlink()


def predict_scene(scene: Scene, task: CloudTask, backend: Backend) -> Prediction:
    """Compute the scene's windows in batches and put their inner parts together."""
    images_HWC = scene.images(0, 0, scene.rows, scene.columns)
    corners = inference_windows(scene.rows, scene.columns)
    logits, started = [], time.perf_counter()
    for start in range(0, len(corners), task.batch_size):
        windows = np.stack([cut(images_HWC, corner) for corner in corners[start : start + task.batch_size]])
        logits.append(backend.forward({"images_NHWC": windows}))
    seconds = time.perf_counter() - started
    whole = stitch(np.concatenate(logits), scene.rows, scene.columns)
    mask = whole >= metrics.logit(task.options.threshold)
    return Prediction(probability=metrics.probability(whole), mask=mask, windows=len(corners), seconds=seconds)


def write_mask(path: Path, prediction: Prediction, valid: Bool, source: str) -> None:
    """Write `probability` (f4), `mask` and `valid` (u1 of 0 and 1), each (rows, columns)."""
    with whole_file(path) as file, h5py.File(file, "w") as target:
        target.create_dataset("probability", data=prediction.probability.astype("f4"))
        target.create_dataset("mask", data=prediction.mask.astype("u1"))
        target.create_dataset("valid", data=valid.astype("u1"))
        target.attrs["source"] = source
        target.attrs["mask"] = "1 is cloud; where valid is 0, the instrument saw nothing and the mask means nothing"


def _one_scene(scene: Scene, stem: Path, task: CloudTask, backend: Backend) -> dict[str, Any]:
    prediction = predict_scene(scene, task, backend)
    whole = (0, 0, scene.rows, scene.columns)
    valid, images = scene.valid(None, *whole), scene.images(*whole)
    labels = {plane: whole_label(scene, plane) for plane in scene.planes()}
    mask_file, picture_file = (stem.with_name(stem.name + ending) for ending in (".mask.h5", ".png"))
    write_mask(mask_file, prediction, valid, scene.path.name)
    shown = labels.get(task.options.labels)
    with whole_file(picture_file) as file:
        picture = draw(scene.kelvins(S8), prediction.mask, valid, shown if isinstance(shown, Label) else None)
        picture.save(file, format="PNG", optimize=True)
    return {
        "input": str(scene.path),
        "mask": mask_file.name,
        "picture": picture_file.name,
        "rows": scene.rows,
        "columns": scene.columns,
        "valid_pixels": int(valid.sum()),
        "cloud_share": float(prediction.mask[valid].mean()) if valid.any() else None,
        "windows": prediction.windows,
        "windows_per_second": prediction.windows / prediction.seconds,
        "scores": {
            plane: score(prediction.mask, label, images, task.channels)
            if isinstance(label, Label)
            else {"model": None, "reason": label}
            for plane, label in labels.items()
        },
    }


def whole_label(scene: Scene, plane: str) -> Label | str:
    """Read a label plane of a whole scene, or return why there is nothing to compare with."""
    whole = (0, 0, scene.rows, scene.columns)
    try:
        label = Label(plane=plane, cloud=scene.label(plane, *whole), valid=scene.valid(plane, *whole))
    except DataError as error:
        return str(error)
    return label if label.valid.any() else f"{scene.path}: {plane}: no pixel is valid"


def score(
    mask: Bool, label: Label, images_HWC: NDArray[np.float32], channels: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    """Score a mask against a label plane, and beside it what trivial methods make of the same pixels.

    The threshold is the best one for this very scene and label: no fair method, but a bar.
    """
    cloud, valid = label.cloud, label.valid
    rule = baselines.fit([{"images_NHWC": images_HWC[None], "label_NHW": cloud[None], "valid_NHW": valid[None]}])
    by_rule = metrics.confusion(metrics.count(rule.predict(images_HWC), cloud, valid))
    return {
        "model": metrics.confusion(metrics.count(mask, cloud, valid)).as_scores(),
        **{name: confusion.as_scores() for name, confusion in baselines.trivial(by_rule).items()},
        "best_threshold": {**by_rule.as_scores(), "rule": rule.describe(channels), "fitted_on": "this scene"},
    }


def _write_json(path: Path, document: dict[str, Any]) -> None:
    with whole_file(path) as file:
        file.write(json.dumps(document, indent=2, allow_nan=False).encode() + b"\n")

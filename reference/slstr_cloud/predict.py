"""Mode predict: whole scenes through the model, masks and pictures out, and scores beside those of trivial methods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from logging_spec.whole import whole_file
from reference.runtime.backend import Backend
from reference.runtime.errors import DataError
from reference.runtime.latency import Latency
from reference.runtime.predicting import Prediction, predict_inputs
from reference.runtime.runconfig import RunConfig

from . import baselines, facts, metrics
from .inference import CloudMask, predict_scene
from .picture import Label, draw
from .scene import Bool, Scene
from .task import CloudTask

S8 = facts.TEMPERATURES.index("S8")


def predict(run: RunConfig, task: CloudTask, backend: Backend) -> None:
    """Predict every input scene, spread over the ranks.

    Raises:
        DataError: a scene cannot be read, or lacks the reflectances that the model needs.
    """
    if not run.data.inputs:
        run.refuse("$.data.inputs", "at least one scene, in mode predict", "none", "name the files to predict from")
    scenes = [Scene(path, channels=task.options.channels) for path in run.data.inputs]
    options = task.options
    model = {"channels": options.channels, "normalisation": task.normalisation, "threshold": options.threshold}

    def one(index: int, path: Path, latency: Latency) -> Prediction:
        if not latency.seconds:
            predict_scene(scenes[index], task, backend)
        mask = latency.timed(lambda: predict_scene(scenes[index], task, backend))
        return _report(scenes[index], mask, run.output.artifacts / f"{index:03d}-{path.stem}", task)

    predict_inputs(run, backend, one, model=model, unit="scenes", warmup=1)


def write_mask(path: Path, prediction: CloudMask, valid: Bool, source: str) -> None:
    """Write `probability` (f4), `mask` and `valid` (u1 of 0 and 1), each (rows, columns)."""
    with whole_file(path) as file, h5py.File(file, "w") as target:
        target.create_dataset("probability", data=prediction.probability.astype("f4"))
        target.create_dataset("mask", data=prediction.mask.astype("u1"))
        target.create_dataset("valid", data=valid.astype("u1"))
        target.attrs["source"] = source
        target.attrs["mask"] = "1 is cloud; where valid is 0, the instrument saw nothing and the mask means nothing"


def _report(scene: Scene, found: CloudMask, stem: Path, task: CloudTask) -> Prediction:
    """Write mask and picture of a scene, and score the mask against every label plane that the scene has."""
    whole = (0, 0, scene.rows, scene.columns)
    valid, images = scene.valid(None, *whole), scene.images(*whole)
    labels = {plane: whole_label(scene, plane) for plane in scene.planes()}
    mask_file, picture_file = (stem.with_name(stem.name + ending) for ending in (".mask.h5", ".png"))
    write_mask(mask_file, found, valid, scene.path.name)
    shown = labels.get(task.options.labels)
    with whole_file(picture_file) as file:
        picture = draw(scene.kelvins(S8), found.mask, valid, shown if isinstance(shown, Label) else None)
        picture.save(file, format="PNG", optimize=True)
    share = float(found.mask[valid].mean()) if valid.any() else None
    return Prediction(
        input=str(scene.path),
        summary="no valid pixel" if share is None else f"{share:.1%} of the valid pixels are cloud",
        files={"mask": mask_file.name, "picture": picture_file.name},
        scores={
            plane: score(found.mask, label, images, task.channels) if isinstance(label, Label) else {"reason": label}
            for plane, label in labels.items()
        },
        details={
            "rows": scene.rows,
            "columns": scene.columns,
            "valid_pixels": int(valid.sum()),
            "cloud_share": share,
            "windows": found.windows,
        },
    )


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

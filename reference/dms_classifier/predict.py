"""Mode predict: patterns through the model; classes, probabilities and a picture out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from logging_spec.whole import whole_file
from reference.runtime.backend import Backend
from reference.runtime.latency import Latency
from reference.runtime.predicting import Prediction, predict_inputs
from reference.runtime.runconfig import RunConfig

from . import metrics
from .facts import CLASSES, NAMED
from .inputs import Input, read
from .picture import draw
from .task import PhaseTask


def predict(run: RunConfig, task: PhaseTask, backend: Backend) -> None:
    """Classify the patterns of every input file, spread over the ranks.

    Raises:
        DataError: an input cannot be read.
    """
    if not run.data.inputs:
        run.refuse("$.data.inputs", "at least one file, in mode predict", "none", "name the files of patterns")

    def one(index: int, path: Path, latency: Latency) -> Prediction:
        found = read(path)
        if not latency.seconds:
            classify(found.counts[0], task, backend)
        logits = [latency.timed(lambda counts=counts: classify(counts, task, backend)) for counts in found.counts]
        return _report(path, found, np.array(logits), run.output.artifacts / f"{index:03d}-{path.stem}")

    predict_inputs(run, backend, one, model={"model": task.options.model}, unit="patterns", warmup=1)


def classify(counts_HW: NDArray[Any], task: PhaseTask, backend: Backend) -> float:
    """Return the log-odds of class 1 for one pattern."""
    batch = task.without_dropout({"images_NHWC": task.scale.normalise(counts_HW)[None, :, :, None]})
    return float(backend.forward(batch)[0])


def _report(path: Path, found: Input, logits: NDArray[np.float64], stem: Path) -> Prediction:
    """Write classes and probabilities, and a picture of the first patterns, and score what has labels."""
    probability = np.exp(-np.logaddexp(0.0, -logits))
    said = (logits >= 0).astype(np.uint8)
    table, picture = (stem.with_name(stem.name + ending) for ending in (".classes.h5", ".png"))
    with whole_file(table) as file, h5py.File(file, "w") as target:
        target.create_dataset("class", data=said)
        target.create_dataset("probability", data=probability.astype("f4"))
        target.attrs["class"] = NAMED
        target.attrs["probability"] = f"of {CLASSES[1]}"
    titles = [f"{CLASSES[c]} {p if c else 1 - p:.2f}" for c, p in zip(said, probability, strict=True)]
    with whole_file(picture) as file:
        draw(found.counts, titles).save(file, format="PNG", optimize=True)
    return Prediction(
        input=str(path),
        summary=f"{len(said)} patterns, {int(said.sum())} of them {CLASSES[1]}" if len(said) > 1 else titles[0],
        files={"classes": table.name, "picture": picture.name},
        scores=_scores(found, logits),
        details={"patterns": len(said)},
    )


def _scores(found: Input, logits: NDArray[np.float64]) -> dict[str, Any]:
    """Score against the labels, where the file has them."""
    if found.labels is None:
        return {}
    labels = found.labels
    commoner = np.full(len(labels), 1.0 if labels.mean() >= 0.5 else -1.0)
    return {"labels": {"model": metrics.scores(logits, labels), "commoner class": metrics.scores(commoner, labels)}}

"""Facts of a set that its manifest states: the scale of the images, class shares, and what trivial methods score."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.common.failures import DataError
from datasets.common.files import reading
from datasets.dms_classifier.files import Place, places

BIN = 16
"""Rows and columns of pixels that the linear model sees as one number."""

RIDGE = 10.0
"""Weight of the penalty of the linear model, whose inputs are standardised."""


def statistics(root: Path, *, scores: bool) -> dict[str, Any]:
    """Return what the manifest states of a finished set; holds one pattern at a time.

    Args:
        root: folder of the set.
        scores: whether the linear model is fitted too, which reads each pattern once more.

    Raises:
        DataError: a file is missing or damaged, or a value is not finite.
    """
    where = places(root)
    labels = {split: _labels(root, place) for split, place in where.items()}
    majority = int(np.bincount(labels["train"]).argmax())
    baselines: dict[str, Any] = {
        "majority": {"accuracy": float((labels["test"] == majority).mean()), "label": majority}
    }
    if scores:
        baselines["linear_model"] = {"accuracy": linear_accuracy(root, where, labels)}
    return {
        "images": image_statistics(root, where["train"]),
        "class_shares": {split: _shares(found) for split, found in labels.items()},
        "baselines": baselines,
    }


def image_statistics(root: Path, place: Place) -> dict[str, float]:
    """Return mean and standard deviation of the square root of the training counts, which has even noise."""
    count, total, squares = 0, 0.0, 0.0
    for image in patterns(root, place):
        values = np.sqrt(np.maximum(image, 0), dtype=np.float64)
        count, total, squares = count + values.size, total + values.sum(), squares + (values**2).sum()
    mean = total / count
    return {"root_mean": float(mean), "root_standard_deviation": float(np.sqrt(squares / count - mean**2))}


def linear_accuracy(root: Path, where: dict[str, Place], labels: dict[str, NDArray[np.int64]]) -> float:
    """Return the test accuracy of ridge regression onto the classes, on patterns binned to large pixels."""
    features = {split: np.stack([_binned(image) for image in patterns(root, place)]) for split, place in where.items()}
    mean, deviation = features["train"].mean(0), features["train"].std(0) + 1e-9
    train, test = ((features[split] - mean) / deviation for split in ("train", "test"))
    wanted = np.eye(int(labels["train"].max()) + 1)[labels["train"]]
    kernel = train @ train.T + RIDGE * np.eye(len(train))  # the dual form: fewer patterns than pixels
    weights = train.T @ np.linalg.solve(kernel, wanted - wanted.mean(0))
    found = (test @ weights + wanted.mean(0)).argmax(1)
    return float((found == labels["test"]).mean())


def patterns(root: Path, place: Place) -> Iterator[NDArray[np.float32]]:
    """Yield the patterns of a split, (rows, columns), one by one: their first channel.

    Raises:
        DataError: the file is missing or damaged, or a value is not finite.
    """
    with reading(root / place.file) as file:
        for index, image in enumerate(file[place.images]):
            if not np.isfinite(image).all():
                raise DataError(f"{root / place.file}: {place.images}: pattern {index}: expected finite counts")
            yield image[..., 0]


def _binned(image: NDArray[np.float32]) -> NDArray[np.float64]:
    rows, columns = (size // BIN * BIN for size in image.shape)
    blocks = np.sqrt(np.maximum(image[:rows, :columns], 0), dtype=np.float64)
    return blocks.reshape(rows // BIN, BIN, columns // BIN, BIN).mean(axis=(1, 3)).ravel()


def _labels(root: Path, place: Place) -> NDArray[np.int64]:
    with reading(root / place.file) as file:
        found = np.asarray(file[place.labels])
    return found.reshape(len(found), -1)[:, 0].astype(np.int64)


def _shares(labels: NDArray[np.int64]) -> dict[str, float]:
    return {str(label): float((labels == label).mean()) for label in np.unique(labels)}

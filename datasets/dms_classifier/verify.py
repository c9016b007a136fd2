"""Verify a data set: its manifest, and every file's size, SHA-256, keys, shapes, dtypes and values.

    python -m datasets.dms_classifier.verify DIR [--quick]

`--quick` compares sizes, opens the files, and reads labels but no pixel. Every fault is listed, one line each.
Exit codes: 0 sound, 2 usage, 3 faults.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import h5py
import numpy as np

from datasets.common.verifying import absent_keys, array_faults, lengths, storage_faults, verify_main
from datasets.dms_classifier.files import GENERATIONS, Place

TRUTH = "dms_truth.h5"
SHAPES = {"A": (None, 487, 195, 3), "B": (None, 385, 485, 1), "C": (None, 487, 195, 3)}
TRUTHS: dict[str, tuple[int | None, ...]] = {"lattice": (None, 6), "domains": (None,)}
"""Key → shape."""


def inside(file: h5py.File, path: str, manifest: Mapping[str, Any], quick: bool) -> Iterator[str]:
    """Yield where an open file differs from the layout of its generation."""
    if PurePosixPath(path).name == TRUTH:
        yield from truth_faults(file, path, manifest["layout"]["keys"])
        return
    known = [(name, place) for name, splits in GENERATIONS.items() for place in splits.values() if place.file == path]
    if not known:
        yield "expected a file of the layout, found this one — see layout.json"
    for generation, place in known:
        yield from split_faults(file, place, SHAPES[generation], manifest, quick=quick)


def split_faults(
    file: h5py.File, place: Place, shape: tuple[int | None, ...], manifest: Mapping[str, Any], *, quick: bool
) -> Iterator[str]:
    """Yield what is wrong with the patterns and labels of one split."""
    absent = list(absent_keys(file, (place.images, place.labels)))
    yield from absent
    if absent:
        return
    images, labels = file[place.images], file[place.labels]
    faults = list(array_faults(images, shape, ("f4", "f8")))
    # Simulated sets are made in one piece; a published set is as it is, and readers take both.
    faults += storage_faults(images) if manifest["simulated"] else []
    yield from (f"{place.images}: {fault}" for fault in faults)
    yield from (f"{place.labels}: {fault}" for fault in label_faults(images, labels, manifest["layout"]["keys"]))
    if not quick and not faults:
        for index, image in enumerate(images):
            if not np.isfinite(image).all():
                yield f"{place.images}: pattern {index}: expected finite counts, found others"


def label_faults(images: h5py.Dataset, labels: h5py.Dataset, keys: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the labels of a split: numbers of phases, one for each pattern."""
    if labels.dtype.kind not in "iuf" or not labels.shape:
        yield f"expected numbers, found {labels.dtype} of shape {labels.shape}"
        return
    if images.shape and len(labels) != len(images):
        yield f"expected {len(images)} labels, one for each pattern, found {len(labels)}"
    if not len(labels):
        yield "expected at least one pattern, found none"
        return
    values, classes = labels[...].reshape(len(labels), -1)[:, 0], len(keys["labels"]["names"])
    if not np.isin(values, np.arange(classes)).all():
        yield f"expected 0 to {classes - 1}, found {values.min()} to {values.max()}"


def truth_faults(file: h5py.File, path: str, keys: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a file of truths; it has the groups of the patterns beside it."""
    for prefix in prefixes(path):
        absent = list(absent_keys(file, [prefix + key for key in TRUTHS]))
        yield from absent
        for key, shape in TRUTHS.items() if not absent else ():
            faults = array_faults(file[prefix + key], shape, (keys[key]["dtype"],))
            yield from (f"{prefix}{key}: {fault}" for fault in faults)


def prefixes(path: str) -> list[str]:
    """Return what keys begin with in the files of a folder: nothing, or the names of the splits."""
    return ["train/", "test/"] if PurePosixPath(path).parent.name == "training" else [""]


def truth_length_faults(root: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield where truths are not as many as patterns."""
    for splits in GENERATIONS.values():
        for split, place in splits.items():
            truth = str(PurePosixPath(place.file).with_name(TRUTH))
            if truth not in manifest["splits"].get(split, []):
                continue
            prefix = place.images.removesuffix("images")
            found = lengths(root, {place.file: place.images, truth: f"{prefix}domains"})
            if len(set(found.values())) > 1:
                counts = ", ".join(f"{count} in {path}" for path, count in found.items())
                yield f"{root}: split {split}: expected as many patterns in each file, found {counts}"


def main(argv: Sequence[str] | None = None) -> int:
    """Verify a data set and list its faults. Exit codes: 0 sound, 2 usage, 3 faults."""
    return verify_main(argv, inside, truth_length_faults, program="python -m datasets.dms_classifier.verify")


if __name__ == "__main__":
    sys.exit(main())

"""Verify a data set: its manifest, and every file's size, SHA-256, keys, shapes, dtypes and values.

    python -m datasets.dms_classifier.verify DIR [--quick]

`--quick` compares sizes and opens the files, and reads no pixel. Every fault is listed, one line each.
Exit codes: 0 sound, 2 usage, 3 faults.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import h5py
import numpy as np

from datasets.common.verifying import array_faults, verify_main
from datasets.dms_classifier.files import GENERATIONS, Place

TRUTH = "dms_truth.h5"
SHAPES = {"A": (None, 487, 195, 3), "B": (None, 385, 485, 1), "C": (None, 487, 195, 3)}


def inside(file: h5py.File, path: str, manifest: Mapping[str, Any], quick: bool) -> Iterator[str]:
    """Yield where an open file differs from the layout of its generation."""
    if PurePosixPath(path).name == TRUTH:
        return
    known = [(name, place) for name, splits in GENERATIONS.items() for place in splits.values() if place.file == path]
    if not known:
        yield "expected a file of the layout, found this one — see layout.json"
    classes = len(manifest["layout"]["keys"]["labels"]["names"])
    for generation, place in known:
        yield from split_faults(file, place, SHAPES[generation], classes, quick=quick)


def split_faults(
    file: h5py.File, place: Place, shape: tuple[int | None, ...], classes: int, *, quick: bool
) -> Iterator[str]:
    """Yield what is wrong with the patterns and labels of one split."""
    absent = [key for key in (place.images, place.labels) if not isinstance(file.get(key), h5py.Dataset)]
    yield from (f"{key}: expected this data set, found none" for key in absent)
    if absent:
        return
    images, labels = file[place.images], file[place.labels]
    faults = list(array_faults(images, shape, ("f4", "f8")))
    yield from (f"{place.images}: {fault}" for fault in faults)
    if len(labels) != len(images):
        yield f"{place.labels}: expected {len(images)} labels, one for each pattern, found {len(labels)}"
    values = labels[...]
    if not np.isin(values, np.arange(classes)).all():
        yield f"{place.labels}: expected 0 to {classes - 1}, found {values.min()} to {values.max()}"
    if not quick and not faults:
        for index in range(len(images)):
            if not np.isfinite(images[index]).all():
                yield f"{place.images}: pattern {index}: expected finite counts, found others"


def main(argv: Sequence[str] | None = None) -> int:
    """Verify a data set and list its faults. Exit codes: 0 sound, 2 usage, 3 faults."""
    return verify_main(argv, inside, program="python -m datasets.dms_classifier.verify")


if __name__ == "__main__":
    sys.exit(main())

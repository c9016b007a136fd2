"""Verify a data set: its manifest, and every file's size, SHA-256, keys, shapes, dtypes and values.

    python -m datasets.em_denoise.verify DIR [--quick]

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

SHAPE = (None, 256, 256, 1)
TRUTH = "graphene_truth.h5"


def inside(file: h5py.File, path: str, manifest: Mapping[str, Any], quick: bool) -> Iterator[str]:
    """Yield where an open file differs from the layout."""
    if PurePosixPath(path).name == TRUTH:
        yield from truth_faults(file, manifest["layout"])
        return
    images = file.get("images")
    if images is None:
        yield f"images: expected this data set, found {', '.join(file) or 'nothing'}"
        return
    faults = list(array_faults(images, SHAPE, ("f4", "f8")))
    yield from (f"images: {fault}" for fault in faults)
    if not quick and not faults:
        yield from value_faults(images)


def truth_faults(file: h5py.File, layout: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a file of truths."""
    for key, rule in layout["keys"].items():
        if rule["file"] == TRUTH and key not in file:
            yield f"{key}: expected this data set, found none"
        elif rule["file"] == TRUTH:
            yield from (f"{key}: {fault}" for fault in array_faults(file[key], (None,), (rule["dtype"],)))
    if "class" in file and file["class"].size and file["class"][...].max() >= len(layout["keys"]["class"]["names"]):
        yield f"class: expected 0 to {len(layout['keys']['class']['names']) - 1}, found {file['class'][...].max()}"


def value_faults(images: h5py.Dataset) -> Iterator[str]:
    """Yield which images hold values that are no intensities: not finite, or negative."""
    for index, image in enumerate(images):
        if not np.isfinite(image).all():
            yield f"images: image {index}: expected finite values, found others"
        elif image.min() < 0:
            yield f"images: image {index}: expected intensities of at least 0, found {image.min():.4g}"


def main(argv: Sequence[str] | None = None) -> int:
    """Verify a data set and list its faults. Exit codes: 0 sound, 2 usage, 3 faults."""
    return verify_main(argv, inside, program="python -m datasets.em_denoise.verify")


if __name__ == "__main__":
    sys.exit(main())

"""Verify a data set: its manifest, and every file's size, SHA-256, keys, shapes, dtypes and values.

    python -m datasets.em_denoise.verify DIR [--quick]

`--quick` compares sizes and opens the files, and reads no pixel. Every fault is listed, one line each.
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

SHAPE = (None, 256, 256, 1)
NOISE, CLEAN, TRUTH = "graphene_img_noise.h5", "graphene_img_clean.h5", "graphene_truth.h5"
KEYS = {NOISE: "images", CLEAN: "images", TRUTH: "dose"}
"""File → the key whose length is that of the file."""


def inside(file: h5py.File, path: str, manifest: Mapping[str, Any], quick: bool) -> Iterator[str]:
    """Yield where an open file differs from the layout."""
    if PurePosixPath(path).name == TRUTH:
        yield from truth_faults(file, manifest["layout"]["keys"], quick=quick)
        return
    absent = list(absent_keys(file, ["images"]))
    yield from absent
    if absent:
        return
    images = file["images"]
    faults = list(array_faults(images, SHAPE, ("f4", "f8")))
    # Simulated sets are made in one piece; a published set is as it is, and readers take both.
    faults += storage_faults(images) if manifest["simulated"] else []
    yield from (f"images: {fault}" for fault in faults)
    if not quick and not faults:
        yield from value_faults(images, simulated=manifest["simulated"])


def truth_faults(file: h5py.File, keys: Mapping[str, Any], *, quick: bool) -> Iterator[str]:
    """Yield what is wrong with a file of truths."""
    rules = {key: rule for key, rule in keys.items() if rule.get("file") == TRUTH}
    absent = list(absent_keys(file, list(rules)))
    yield from absent
    for key, rule in rules.items() if not absent else ():
        faults = list(array_faults(file[key], (None,), (rule["dtype"],)))
        yield from (f"{key}: {fault}" for fault in faults)
        values = file[key][...] if not quick and not faults else np.zeros(0)
        if "names" in rule and (values >= len(rule["names"])).any():
            yield f"{key}: expected 0 to {len(rule['names']) - 1}, found {values.max()}"
        elif values.dtype.kind == "f" and not (np.isfinite(values) & (values > 0)).all():
            yield f"{key}: expected finite values above 0, found others"


def value_faults(images: h5py.Dataset, *, simulated: bool) -> Iterator[str]:
    """Yield which images hold values that are not finite or, in a simulated set, negative intensities."""
    for index, image in enumerate(images):
        if not np.isfinite(image).all():
            yield f"images: image {index}: expected finite values, found others"
        elif simulated and image.min() < 0:
            yield f"images: image {index}: expected intensities of at least 0, found {image.min():.4g}"


def pair_faults(root: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield where the files of a split do not belong together: image i of each file is the same specimen."""
    for split in ("train", "test"):
        files = {PurePosixPath(path).name: path for path in manifest["splits"].get(split, [])}
        for name in (NOISE, CLEAN):
            if name not in files:
                yield f"{root}: split {split}: expected {name}, found {', '.join(files) or 'no file'}"
        counts = lengths(root, {path: KEYS[name] for name, path in files.items() if name in KEYS})
        if len(set(counts.values())) > 1 or 0 in counts.values():
            found = ", ".join(f"{count} in {path}" for path, count in counts.items())
            yield f"{root}: split {split}: expected as many images in each file, found {found}"


def main(argv: Sequence[str] | None = None) -> int:
    """Verify a data set and list its faults. Exit codes: 0 sound, 2 usage, 3 faults."""
    return verify_main(argv, inside, pair_faults, program="python -m datasets.em_denoise.verify")


if __name__ == "__main__":
    sys.exit(main())

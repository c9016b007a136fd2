"""Verify a data set: its manifest, and every file's size, SHA-256, keys, shapes, dtypes and values; the truth, too.

    python -m datasets.slstr_cloud.verify DIR [--quick]

`--quick` compares sizes and opens the files, and reads no pixel. Every fault is listed, one line each.
Exit codes: 0 sound, 2 usage, 3 faults.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from datasets.common.verifying import verify_main
from datasets.slstr_cloud.verify_truth import truth_faults

UNFILLED_LABEL = 255
LABELS = ("bayes", "summary")


def scene_faults(file: h5py.File, _path: str, manifest: Mapping[str, Any], quick: bool) -> Iterator[str]:
    """Yield where an open scene differs from the layout."""
    layout = manifest["layout"]
    first = file.get("bts")
    # What is no plane tells no size; that it is none is said below.
    whole = isinstance(first, h5py.Dataset) and len(first.shape or ()) == 3
    sizes = dict(zip(("rows", "columns"), first.shape[:2], strict=True)) if whole else {}
    for axis, size in sizes.items():
        if size < layout["axes"][axis]["minimum"]:
            yield f"{axis}: expected at least {layout['axes'][axis]['minimum']}, found {size}"
    for name, rule in layout["keys"].items():
        excuse = rule["accept"].get("absent_if_attribute")
        if name in file and not (isinstance(file[name], h5py.Dataset) and file[name].shape):
            yield f"{name}: expected an array, found a group or a single value or none"
        elif name in file:
            yield from (f"{name}: {fault}" for fault in plane_faults(file[name], name, rule, sizes, quick=quick))
        elif rule["required"] and not (excuse and excuse in file.attrs):
            yield f"{name}: expected this data set, found none"


def plane_faults(
    plane: h5py.Dataset, name: str, rule: Mapping[str, Any], sizes: Mapping[str, int], *, quick: bool
) -> Iterator[str]:
    """Yield where one data set differs from its rule: shape, dtype and, unless quick, values."""
    shape = tuple(sizes.get(axis, axis) for axis in rule["shape"])
    if plane.shape != shape:
        yield f"expected shape {shape}, found {plane.shape}"
    accepted = [np.dtype(name) for name in rule["accept"]["dtypes"]]
    if not any(plane.dtype == dtype for dtype in accepted):
        yield f"expected dtype {' or '.join(map(str, accepted))}, found {plane.dtype}"
    elif not quick:
        yield from value_faults(plane[...], name, rule)


def value_faults(values: np.ndarray[Any, Any], name: str, rule: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the values of one plane."""
    if name in LABELS:
        yield from label_faults(values, rule)
        return
    finite = values[np.isfinite(values)]
    if not finite.size:
        yield "expected finite values, found none"
        return
    low, high = rule["range"]
    seen = finite[finite != 0]
    if seen.size and (seen.min() < low or seen.max() > high):
        yield f"expected values of {low} to {high} {rule['unit']}, found {seen.min():.4g} to {seen.max():.4g}"


def label_faults(values: np.ndarray[Any, Any], rule: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a label plane; 0 to 255 in floating point, and 0 and 255, are labels too."""
    if (values == UNFILLED_LABEL).all():
        yield "expected cloud flags, found 255 in every pixel — the plane was never filled, the scene has no labels"
    elif values.dtype.kind == "f" or set(np.unique(values)) <= {0, UNFILLED_LABEL}:
        if not ((values >= 0) & (values <= UNFILLED_LABEL)).all():
            yield "expected 0 to 255, found other values"
    elif values.max() > rule["range"][1]:
        most = rule["range"][1]
        share = (values > most).mean()
        yield f"expected values up to {most}, found up to {values.max()} in {share:.2%} of the pixels: no labels"


def main(argv: Sequence[str] | None = None) -> int:
    """Verify a data set and list its faults. Exit codes: 0 sound, 2 usage, 3 faults."""
    return verify_main(argv, scene_faults, beside=truth_faults, program="python -m datasets.slstr_cloud.verify")


if __name__ == "__main__":
    sys.exit(main())

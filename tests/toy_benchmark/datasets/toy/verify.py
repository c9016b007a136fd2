"""Verify a data set: its manifest, and every file's size, SHA-256, keys, shapes, dtypes and values.

    python -m datasets.toy.verify DIR [--quick]

Exit codes: 0 sound, 2 usage, 3 faults.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import h5py

from datasets.common.verifying import array_faults, verify_main

SHAPES: dict[str, tuple[int | None, ...]] = {"points": (None, 2), "labels": (None,)}


def inside(file: h5py.File, path: str, manifest: Mapping[str, Any], quick: bool) -> Iterator[str]:
    """Yield where an open file differs from the layout."""
    for key, rule in manifest["layout"]["keys"].items():
        if key not in file:
            yield f"{key}: expected this data set, found {', '.join(file) or 'nothing'}"
            continue
        faults = list(array_faults(file[key], SHAPES[key], (rule["dtype"],)))
        yield from (f"{key}: {fault}" for fault in faults)
        low, high = rule["range"]
        if not quick and not faults and not ((file[key][...] >= low) & (file[key][...] <= high)).all():
            yield f"{key}: expected values from {low} to {high}, found others"


def main(argv: Sequence[str] | None = None) -> int:
    """Verify a data set and list its faults. Exit codes: 0 sound, 2 usage, 3 faults."""
    return verify_main(argv, inside, program="python -m datasets.toy.verify")


if __name__ == "__main__":
    sys.exit(main())

"""What can be classified: patterns of the data set's own files, and single patterns in common formats."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from reference.runtime.errors import DataError
from reference.runtime.hdf5 import Stored
from reference.runtime.single_images import HDF5, read_single

from .facts import CLASSES, COLUMNS, GENERATIONS, NAMED, ROWS


@dataclass(frozen=True, kw_only=True)
class Input:
    """The patterns of one file."""

    counts: NDArray[Any]
    """(patterns, rows, columns)."""

    labels: NDArray[np.int64] | None
    """(patterns,), where the file has them."""


def read(path: Path) -> Input:
    """Read an HDF5 file of a known layout, a NumPy array, or a grey picture (PNG, TIFF).

    Raises:
        DataError: it is none of these, has another size, or has labels that are none of the classes.
    """
    found = _hdf5(path) if path.suffix.lower() in HDF5 else Input(counts=_plane(read_single(path))[None], labels=None)
    if found.counts.shape[1:] != (ROWS, COLUMNS) or not len(found.counts):
        expected = f"one or more patterns of {ROWS} × {COLUMNS}"
        raise DataError(f"{path}: expected {expected}, found shape {found.counts.shape}")
    if not np.isfinite(found.counts).all():
        raise DataError(f"{path}: expected finite counts, found others")
    if found.labels is not None and len(found.labels) != len(found.counts):
        counted = f"{len(found.labels)} labels and {len(found.counts)} patterns"
        raise DataError(f"{path}: expected a label for each pattern, found {counted}")
    return found


def _plane(values: NDArray[Any]) -> NDArray[Any]:
    """Take the first of equal channels, where there are any."""
    return values[..., 0] if values.ndim == 3 and values.shape[-1] else values


def _hdf5(path: Path) -> Input:
    places = {(place.images, place.labels) for splits in GENERATIONS.values() for place in splits.values()}
    # Of a file that holds both splits, the test patterns are the ones that a model has not seen.
    places_in_order = sorted(places, key=lambda pair: ("test" not in pair[0], pair))
    try:
        with h5py.File(path, "r") as file:
            held = [pair for pair in places_in_order if pair[0] in file]
            has_labels = bool(held) and held[0][1] in file
    except OSError as error:
        raise DataError(f"{path}: expected an HDF5 file, found: {error}") from None
    if not held:
        raise DataError(f"{path}: expected one of the keys {', '.join(i for i, _ in places_in_order)}, found none")
    images, labels = held[0]
    values = Stored(path, images)[:]
    counts = values[..., 0] if values.ndim == 4 and values.shape[-1] else values
    return Input(counts=counts, labels=_labels(path, labels) if has_labels else None)


def _labels(path: Path, key: str) -> NDArray[np.int64]:
    values = np.ravel(Stored(path, key)[:])
    strange = values[~np.isin(values, range(len(CLASSES)))]
    if len(strange):
        raise DataError(f"{path}: {key}: expected {NAMED}, found {strange[0]}")
    return values.astype(np.int64)

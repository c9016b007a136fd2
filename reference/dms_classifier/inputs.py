"""What can be classified: patterns of the data set's own files, and single patterns in common formats."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from reference.runtime.errors import DataError

from .facts import COLUMNS, GENERATIONS, ROWS

HDF5 = (".h5", ".hdf5", ".hdf")


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
        DataError: it is none of these, or has another size.
    """
    if path.suffix.lower() in HDF5:
        found = _hdf5(path)
    else:
        values = _numpy(path) if path.suffix.lower() == ".npy" else _picture(path)
        found = Input(counts=(values[..., 0] if values.ndim == 3 else values)[None], labels=None)
    if found.counts.shape[1:] != (ROWS, COLUMNS) or not len(found.counts) or not np.isfinite(found.counts).all():
        expected = f"one or more finite patterns of {ROWS} × {COLUMNS}"
        raise DataError(f"{path}: expected {expected}, found shape {found.counts.shape}")
    if found.labels is not None and len(found.labels) != len(found.counts):
        counted = f"{len(found.labels)} labels and {len(found.counts)} patterns"
        raise DataError(f"{path}: expected a label for each pattern, found {counted}")
    return found


def _hdf5(path: Path) -> Input:
    keys = {(place.images, place.labels) for splits in GENERATIONS.values() for place in splits.values()}
    try:
        with h5py.File(path, "r") as file:
            for images, labels in sorted(keys, key=lambda pair: "test" not in pair[0]):
                if images in file:
                    known = np.ravel(file[labels]).astype(np.int64) if labels in file else None
                    values = np.asarray(file[images])
                    return Input(counts=values[..., 0] if values.ndim == 4 else values, labels=known)
    except OSError as error:
        raise DataError(f"{path}: expected an HDF5 file, found: {error}") from None
    raise DataError(f"{path}: expected one of the keys {', '.join(sorted(i for i, _ in keys))}, found none")


def _numpy(path: Path) -> NDArray[Any]:
    try:
        return np.asarray(np.load(path, allow_pickle=False), np.float32)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: expected a NumPy array, found: {error}") from None


def _picture(path: Path) -> NDArray[Any]:
    try:
        with Image.open(path) as picture:
            return np.asarray(picture, np.float32)
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: expected a picture, an .npy or an .h5 file, found: {error}") from None

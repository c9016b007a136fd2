"""Single images of a set, for a look at them: one of a stack in HDF5, or a picture in a common format."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from datasets.common.failures import DataError

HDF5 = (".h5", ".hdf5", ".hdf")
PICTURES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp", ".npy")
"""Endings of files."""

DEEPEST = 3
"""Folders between a set's own and its files, at most: a look into a foreign folder ends soon."""

MOST_PIXELS = 1 << 26
"""Pixels of an image that is looked at; a small file can claim any number."""


def below(root: Path, pattern: str) -> list[Path]:
    """Return the files in a folder, or a few folders deeper, by path; nothing where `root` is no folder."""
    found = (path for depth in range(DEEPEST + 1) for path in root.glob("*/" * depth + pattern))
    return sorted({path for path in found if path.is_file()})


def holds(path: Path, *keys: str) -> bool:
    """Tell whether a file is HDF5 and has all of some keys."""
    try:
        with h5py.File(path, "r") as file:
            return all(key in file for key in keys)
    except OSError:
        return False


def stack(file: h5py.File, key: str) -> h5py.Dataset:
    """Return an array of images, (N, H, W) or (N, H, W, channels).

    Raises:
        ValueError: it is none.
    """
    if key not in file:
        raise ValueError(f"expected the key {key}, found {', '.join(sorted(file)[:9]) or 'no key'}")
    held = file[key]
    if not isinstance(held, h5py.Dataset) or held.ndim not in (3, 4) or held.dtype.kind not in "biuf":
        found = f"{held.dtype} of shape {held.shape}" if isinstance(held, h5py.Dataset) else "a group"
        raise ValueError(f"{key}: expected an array of images, found {found}")
    if 0 in held.shape[1:] or held.shape[1] * held.shape[2] > MOST_PIXELS:
        raise ValueError(f"{key}: expected images of 1 to {MOST_PIXELS} pixels, found shape {held.shape}")
    return held


def image(images: h5py.Dataset, index: int) -> NDArray[np.float64]:
    """Return an image_HW of a stack: its first channel."""
    one = images[index] if images.ndim == 3 else images[index, ..., 0]
    return np.asarray(one, np.float64)


def read_picture(path: Path) -> NDArray[np.float64]:
    """Return an image_HW of a NumPy array, or of a picture in grey.

    Raises:
        DataError: it is neither.
    """
    try:
        values = np.load(path, allow_pickle=False) if path.suffix.lower() == ".npy" else _grey(path)
        values = np.asarray(values, np.float64)
    except (
        OSError, ValueError, TypeError, EOFError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:  # fmt: skip
        raise DataError(f"{path}: expected a grey picture or a NumPy array, found: {error} — get it again") from None
    if values.ndim == 3 and values.shape[-1]:
        values = values[..., 0]
    if values.ndim != 2 or not values.size:
        raise DataError(f"{path}: expected one image of rows and columns, found shape {values.shape}")
    return values


def _grey(path: Path) -> NDArray[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path) as picture:
            # Modes of one channel that is not 8 bits wide are clipped by Pillow when it converts them.
            return np.asarray(picture if picture.mode.startswith(("I", "F")) else picture.convert("L"))

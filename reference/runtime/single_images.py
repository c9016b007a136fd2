"""Single images in common formats, for mode predict: NumPy arrays, and pictures in grey."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from .errors import DataError

HDF5 = (".h5", ".hdf5", ".hdf")
"""Endings of files that hold arrays by key, which benchmarks read themselves."""


def read_single(path: Path) -> NDArray[np.float64]:
    """Read a NumPy array (.npy), as it is, or a picture (PNG, TIFF, JPEG and others), (rows, columns).

    Raises:
        DataError: it is neither, holds no real numbers, or is a stack of frames, of which one alone would be read.
    """
    return _numpy(path) if path.suffix.lower() == ".npy" else _picture(path)


def _numpy(path: Path) -> NDArray[np.float64]:
    try:
        values: Any = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: expected a NumPy array, found: {error}") from None
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biuf":
        found = f"dtype {values.dtype}" if isinstance(values, np.ndarray) else "an archive of arrays"
        raise DataError(f"{path}: expected a NumPy array of real numbers, found {found}")
    return values.astype(np.float64)


def _picture(path: Path) -> NDArray[np.float64]:
    try:
        with Image.open(path) as picture:
            frames = getattr(picture, "n_frames", 1)
            if frames != 1:
                found = f"{frames} frames — save each by itself, or all as `images` of an .h5 file"
                raise DataError(f"{path}: expected one picture, found {found}")
            # Modes of one channel that is not 8 bits wide (I, F, and I;16 in either byte order) are clipped by Pillow
            # when it converts them, so they are taken as they are.
            grey = picture if picture.mode.startswith(("I", "F")) else picture.convert("L")
            return np.asarray(grey, np.float64)
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: expected a picture, an .npy or an .h5 file, found: {error}") from None

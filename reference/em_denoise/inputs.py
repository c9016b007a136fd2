"""What can be denoised: images of the data set's own files, and micrographs in common formats."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from skimage.filters import gaussian

from reference.runtime.errors import DataError

from .data import Scale
from .facts import CLEAN_FILE, KEY, NOISE_FILE

Images = NDArray[np.float32]

HDF5 = (".h5", ".hdf5", ".hdf")


@dataclass(frozen=True, kw_only=True)
class Input:
    """The images of one file."""

    noisy: Images
    """(images, rows, columns), in the data set's units, or brought near to them."""

    clean: Images | None
    """The same without noise, where the file's neighbour holds it."""

    brought: str | None
    """How the images were brought to the data set's units, where that was necessary."""


def read(path: Path, scale: Scale) -> Input:
    """Read an HDF5 file with the key `images`, a NumPy array, or a grey picture (PNG, TIFF, JPEG).

    Raises:
        DataError: it is none of these, or holds values that are not finite.
    """
    if path.suffix.lower() in HDF5:
        pair = path.with_name(CLEAN_FILE)
        noisy, clean = _hdf5(path), _hdf5(pair) if path.name == NOISE_FILE and pair.is_file() else None
        if clean is not None and clean.shape != noisy.shape:
            raise DataError(f"{pair}: expected the shape of its noisy images, {noisy.shape}, found {clean.shape}")
        return Input(noisy=noisy, clean=clean, brought=None)
    values = _numpy(path) if path.suffix.lower() == ".npy" else _picture(path)
    if values.ndim != 2 or not np.isfinite(values).all() or min(values.shape) < SMALLEST:
        expected = f"a grey image of at least {SMALLEST} × {SMALLEST} finite values"
        raise DataError(f"{path}: expected {expected}, found shape {values.shape}")
    return Input(noisy=_bring(values, scale)[None], clean=None, brought=BROUGHT)


SMALLEST = 32
"""Rows and columns that an image has at least: a few times those of the networks' coarsest pixels."""

SMOOTH_PIXELS = 2.0
"""Standard deviation of the filter behind which the structures of a micrograph are measured."""

BROUGHT = (
    "median and, after a Gaussian filter of 2 pixels, spread (16th to 84th percentile) set to those of clean images"
)


def _bring(values: NDArray[Any], scale: Scale) -> Images:
    """Bring a micrograph of unknown units near to those of the data set: structures as strong as the clean ones'."""
    image = values.astype(np.float64)
    low, middle, high = np.quantile(gaussian(image, SMOOTH_PIXELS), (0.16, 0.5, 0.84))
    spread = max((high - low) / 2, 1e-12)
    return ((image - middle) / spread * scale.deviation + scale.mean).astype(np.float32)


def _hdf5(path: Path) -> Images:
    try:
        with h5py.File(path, "r") as file:
            images = np.asarray(file[KEY], np.float32)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: expected an HDF5 file with the key {KEY}, found: {error}") from None
    plain = images[..., 0] if images.ndim == 4 and images.shape[-1] == 1 else images
    if plain.ndim != 3 or not len(plain) or min(plain.shape[1:]) < SMALLEST or not np.isfinite(plain).all():
        expected = f"one or more finite images of at least {SMALLEST} × {SMALLEST}, (N, rows, columns, 1)"
        raise DataError(f"{path}: {KEY}: expected {expected}, found shape {images.shape}")
    return plain


def _numpy(path: Path) -> NDArray[Any]:
    try:
        return np.asarray(np.load(path, allow_pickle=False), np.float64)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: expected a NumPy array, found: {error}") from None


def _picture(path: Path) -> NDArray[Any]:
    try:
        with Image.open(path) as picture:
            grey = picture if picture.mode in ("L", "I", "F", "I;16") else picture.convert("L")
            return np.asarray(grey, np.float64)
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: expected a picture, an .npy or an .h5 file, found: {error}") from None

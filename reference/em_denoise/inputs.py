"""What can be denoised: images of the data set's own files, and micrographs in common formats."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.filters import gaussian

from reference.runtime.errors import DataError
from reference.runtime.hdf5 import Stored
from reference.runtime.single_images import HDF5, read_single

from .data import Scale
from .facts import CLEAN_FILE, KEY, NOISE_FILE

Images = NDArray[np.float32]


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
        DataError: it is none of these, holds values that are not finite, or is a picture without structures.
    """
    if path.suffix.lower() in HDF5:
        pair = path.with_name(CLEAN_FILE)
        noisy, clean = _hdf5(path), _hdf5(pair) if path.name == NOISE_FILE and pair.is_file() else None
        if clean is not None and clean.shape != noisy.shape:
            raise DataError(f"{pair}: expected the shape of its noisy images, {noisy.shape}, found {clean.shape}")
        return Input(noisy=noisy, clean=clean, brought=None)
    values = read_single(path)
    if values.ndim != 2 or min(values.shape) < SMALLEST:
        expected = f"a grey image of at least {SMALLEST} × {SMALLEST}"
        raise DataError(f"{path}: expected {expected}, found shape {values.shape}")
    if not np.isfinite(values).all():
        raise DataError(f"{path}: expected finite values, found others")
    low, middle, high = np.quantile(gaussian(values, SMOOTH_PIXELS), (0.16, 0.5, 0.84))
    if high - low <= FLAT * np.abs(values).max():
        raise DataError(f"{path}: expected an image with structures, found one grey value nearly everywhere")
    brought = (values - middle) / ((high - low) / 2) * scale.deviation + scale.mean
    return Input(noisy=brought.astype(np.float32)[None], clean=None, brought=BROUGHT)


SMALLEST = 32
"""Rows and columns that an image has at least: a few times those of the networks' coarsest pixels."""

SMOOTH_PIXELS = 2.0
"""Standard deviation of the filter behind which the structures of a micrograph are measured."""

FLAT = 1e-9
"""Spread of a micrograph, as a share of its largest value, up to which it is rounding."""

BROUGHT = (
    "median and, after a Gaussian filter of 2 pixels, spread (16th to 84th percentile) set to those of clean images"
)


def _hdf5(path: Path) -> Images:
    images = Stored(path, KEY)[:].astype(np.float32)
    plain = images[..., 0] if images.ndim == 4 and images.shape[-1] == 1 else images
    if plain.ndim != 3 or not len(plain) or min(plain.shape[1:]) < SMALLEST:
        expected = f"one or more images of at least {SMALLEST} × {SMALLEST}, (N, rows, columns, 1)"
        raise DataError(f"{path}: {KEY}: expected {expected}, found shape {images.shape}")
    if not np.isfinite(plain).all():
        raise DataError(f"{path}: {KEY}: expected finite values, found others")
    return plain

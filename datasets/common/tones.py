"""Numbers to pixels: grey levels, limits, fewer or larger pixels, and names of colours.

Shape suffixes: H rows, W columns, 3 the parts red, green and blue.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

FILL = (150, 120, 110)
"""Colour of what is no number. No grey, so that it is never taken for a value."""

GREYS = 16
"""Levels of grey: noise shows no more, and a PNG of it is half as large as with all 256."""


def grey(image: NDArray[Any], low: float, high: float, levels: int = GREYS) -> Pixels:
    """Return an image_HW as pixels_HW3, black at `low` and white at `high`; what is no number has its own colour."""
    scaled = np.clip((np.nan_to_num(image, nan=low) - low) / max(high - low, 1e-12), 0, 1)
    level = np.rint(np.rint(scaled * (levels - 1)) * (255 / (levels - 1)))
    pixels = np.repeat(level.astype(np.uint8)[..., None], 3, axis=-1)
    pixels[~np.isfinite(image)] = FILL
    return pixels


def mixed(share: NDArray[Any], nothing: tuple[int, int, int], all_of_it: tuple[int, int, int]) -> Pixels:
    """Return shares_HW from 0 to 1 as pixels_HW3 between two colours; what is no number has its own colour."""
    part = np.nan_to_num(share)[..., None]
    pixels = np.rint((1 - part) * np.array(nothing) + part * np.array(all_of_it)).astype(np.uint8)
    pixels[~np.isfinite(share)] = FILL
    return pixels


def limits(image: NDArray[Any], low: float, high: float) -> tuple[float, float]:
    """Return two percentiles of the numbers of an image; 0 and 1 where it has none."""
    numbers = image[np.isfinite(image)]
    return (float(np.percentile(numbers, low)), float(np.percentile(numbers, high))) if numbers.size else (0.0, 1.0)


def step_to_fit(shape: tuple[int, ...], most: int) -> int:
    """Return how many rows and columns of an image become one, so that neither has more than `most`."""
    return max(1, -(-max(shape[:2]) // most))


def means(image: NDArray[Any], step: int) -> NDArray[np.float64]:
    """Return an image_HW or image_HWC with means over step × step pixels; those that are no number are left out.

    A block of which more than half is no number is none either. Rows and columns that fill no block make up one of
    their own.
    """
    if step == 1:
        return np.asarray(image, np.float64)
    rows, columns = (-(-size // step) * step for size in image.shape[:2])
    beyond = [(0, rows - image.shape[0]), (0, columns - image.shape[1]), *[(0, 0)] * (image.ndim - 2)]
    inside = np.pad(np.ones(image.shape[:2]), beyond[:2])
    blocks = _blocks(np.pad(np.asarray(image, np.float64), beyond, constant_values=np.nan), step)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's word for a block without a number
        mean: NDArray[np.float64] = np.nanmean(np.where(np.isfinite(blocks), blocks, np.nan), axis=(1, 3))
    seen, all_pixels = np.isfinite(blocks).sum(axis=(1, 3)), _blocks(inside, step).sum(axis=(1, 3))
    mean[2 * seen < all_pixels.reshape(all_pixels.shape + (1,) * (image.ndim - 2))] = np.nan
    return mean


def _blocks(image: NDArray[Any], step: int) -> NDArray[Any]:
    rows, columns = image.shape[:2]
    return image.reshape(rows // step, step, columns // step, step, *image.shape[2:])


def enlarged(pixels: Pixels, least: int) -> tuple[Pixels, int]:
    """Return pixels_HW3, each repeated until the longer side has `least` at least, and how often along each side."""
    times = max(1, least // max(pixels.shape[:2]))
    return pixels.repeat(times, axis=0).repeat(times, axis=1), times


def short(number: float) -> str:
    """Return a number with three figures, as people write it: 0.94, 1.05, 24.3, 1,250."""
    if not np.isfinite(number):
        return "none"
    if number == 0 or not 1e-3 <= abs(number) < 1e7:
        return f"{number:.2g}"
    return f"{number:,.{max(0, 2 - int(np.floor(np.log10(abs(number)))))}f}"

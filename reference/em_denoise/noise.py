"""How noisy an image is, and how it is lit, from the image itself."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray


def noise_level(image_HW: NDArray[np.float32]) -> float:
    """Estimate the standard deviation of the noise of an image.

    Immerkær 1996, "Fast noise variance estimation" (doi 10.1006/cviu.1996.0060): the mean absolute value of a second
    difference in both directions, which smooth structures hardly touch; its kernel's norm is 6.
    """
    rows = image_HW[:-2] - 2 * image_HW[1:-1] + image_HW[2:]
    curvature = rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]
    return float(np.sqrt(np.pi / 2) / 6 * np.abs(curvature).mean(dtype=np.float64))


WINDOW = 51
"""Rows and columns of the square whose mean stands for the illumination: several unit cells of any lattice."""

DARKEST = 0.05
"""Smallest illumination that is divided by, as a share of the brightest."""


def flat_field(image_HW: NDArray[np.float32]) -> NDArray[np.float32]:
    """Divide an image by its local mean over `WINDOW` × `WINDOW` pixels, of what lies inside the image.

    The beam's profile is wider than any window; afterwards the vacuum's intensity is near 1 everywhere.
    """
    window = min(WINDOW, *(size // 2 * 2 - 1 for size in image_HW.shape))
    level = _sums(image_HW.astype(np.float64), window)
    level /= _counts(*image_HW.shape, window)
    return (image_HW / np.maximum(level, DARKEST * level.max())).astype(np.float32)


@cache
def _counts(rows: int, columns: int, window: int) -> NDArray[np.float64]:
    """Return how many pixels of an image the window around each of them holds; alike for all images of a size."""
    counts = _sums(np.ones((rows, columns)), window)
    counts.flags.writeable = False
    return counts


def _sums(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Return the sum over the window around each pixel."""
    half = window // 2
    total = np.zeros([size + window for size in values.shape])
    total[half + 1 : -half, half + 1 : -half] = values
    for row in range(1, len(total)):  # whole rows at once: cumsum along the first axis goes down column by column
        total[row] += total[row - 1]
    np.cumsum(total, 1, out=total)
    sums = total[window:, window:] - total[:-window, window:]
    sums -= total[window:, :-window]
    sums += total[:-window, :-window]
    return sums

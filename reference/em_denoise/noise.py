"""How noisy an image is, and how it is lit, from the image itself."""

from __future__ import annotations

from functools import cache
from typing import Any

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


def flat_field(image_HW: NDArray[Any]) -> NDArray[np.float32]:
    """Divide an image by its local mean over `WINDOW` × `WINDOW` pixels, of what lies inside the image.

    The beam's profile is wider than any window; afterwards the vacuum's intensity is near 1 everywhere. All is computed
    in float64 and rounded once, so that the order of the sums leaves no trace.
    """
    window = min(WINDOW, *(size // 2 * 2 - 1 for size in image_HW.shape))
    level = _local_means(image_HW, window)
    limit = DARKEST * level.max()
    if level.min() < limit:
        np.maximum(level, limit, out=level)
    even = np.empty(image_HW.shape, np.float32)
    return np.divide(image_HW, level, out=even, dtype=np.float64, casting="same_kind")


def _local_means(image_HW: NDArray[Any], window: int) -> NDArray[np.float64]:
    """Return the mean over the window around each pixel, of what lies inside the image.

    Both directions are sums along one long line, in which a pixel's neighbour is `columns` values or one away: NumPy is
    slow over many short ones. Zeros stand for what lies outside.
    """
    half, (rows, columns) = window // 2, image_HW.shape
    pitch = columns + half  # the zeros after a line are those before the next one, too
    longest = max((half + rows + half) * columns, half + rows * pitch)
    line, *room = np.empty((3, longest), np.float64)
    tall = line[: (half + rows + half) * columns].reshape(-1, columns)
    tall[:half] = tall[half + rows :] = 0
    tall[half : half + rows] = image_HW
    down = _moving_sums(tall.reshape(-1), window, columns, room)[: rows * columns].reshape(rows, columns)
    wide = line[: half + rows * pitch]  # in the place of the image
    wide[:half] = 0
    lines = wide[half:].reshape(rows, pitch)
    lines[:, :columns], lines[:, columns:] = down, 0
    across = _moving_sums(wide, window, 1, room)[: rows * pitch].reshape(rows, pitch)
    means = np.ascontiguousarray(across[:, :columns])
    return np.multiply(means, _shares(rows, columns, window), out=means)


@cache
def _shares(rows: int, columns: int, window: int) -> NDArray[np.float64]:
    """Return one over the number of pixels that the window around each pixel holds; alike for all images of a size."""
    down, across = (np.convolve(np.ones(size), np.ones(window), "same") for size in (rows, columns))
    shares = (1 / np.outer(down, across)).astype(np.float64)
    shares.flags.writeable = False
    return shares


def _moving_sums(
    line: NDArray[np.float64], window: int, step: int, room: list[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return at each place the sum of `window` values, the first of them there and each a `step` after the last.

    The sums grow by doubling: that of 51 values is made of those of 1, 3, 6, 12 and 25, which is eight additions and
    not 50, and loses less by rounding than a running sum. What would reach beyond the end means nothing.

    Args:
        line: the values.
        window: how many are summed.
        step: how far they lie apart.
        room: two arrays as long as the line or longer, for the sums; the result is in one of them.
    """
    sums, width, (doubled, spare) = line, 1, room
    for digit in f"{window:b}"[1:]:
        count = len(line) - (2 * width - 1) * step
        np.add(sums[:count], sums[width * step :][:count], out=doubled[:count])
        sums, doubled, spare, width = doubled, spare, doubled, 2 * width
        if digit == "1":
            count -= step
            np.add(sums[:count], line[width * step :][:count], out=sums[:count])
            width += 1
    return sums

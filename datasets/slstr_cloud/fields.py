"""Correlated random fields: the spatial structure of clouds, land and temperature.

A field has the isotropic one-dimensional spectrum k^-beta (in two dimensions its amplitude falls as k^-((beta+1)/2)),
nothing at scales above `outer_px`, mean 0 and standard deviation 1. Sources: k^-5/3 for optical depth, Lewis, Austin
and Szczodrak 2004 (J. Geophys. Res.); models of this class, Prigarin and Marshak 2009 (J. Atmos. Sci. 66).

Shape suffixes: H rows, W columns.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]

STRIP_PX = 1 << 16
"""Pixels of a strip: some ten planes of it lie in the second-level cache of a core."""


def smooth_length(minimum: int) -> int:
    """Return the least even number >= minimum without a prime factor above 5: a fast length for the FFT."""
    length = minimum + minimum % 2
    while True:
        rest = length
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 2


@dataclass(frozen=True, kw_only=True)
class Strip:
    """Some rows of an image that are worked on at a time: what passes between the steps stays in the cache."""

    own: slice
    """Rows that are made."""

    seen: slice
    """The same rows and their neighbours, as far as the image goes."""

    inner: slice
    """Rows of `seen` that are `own`."""


def strips(shape: tuple[int, ...], *, halo: int = 0) -> Iterator[Strip]:
    """Yield the strips of images of a shape, from the first row on, with `halo` neighbours above and below."""
    rows, height = shape[0], max(1, STRIP_PX // shape[1])
    for first in range(0, rows, height):
        last, top = min(first + height, rows), max(0, first - halo)
        seen, inner = slice(top, min(last + halo, rows)), slice(first - top, last - top)
        yield Strip(own=slice(first, last), seen=seen, inner=inner)


def by_strips(work: Callable[[slice], Sequence[NDArray[Any]]], shape: tuple[int, ...]) -> list[NDArray[Any]]:
    """Return the images of a shape that `work` makes, given some rows at a time."""
    whole: list[NDArray[Any]] = []
    for strip in strips(shape):
        parts = work(strip.own)
        whole = whole or [np.empty((shape[0], *part.shape[1:]), part.dtype) for part in parts]
        for image, part in zip(whole, parts, strict=True):
            image[strip.own] = part
    return whole


def correlated_field(rng: np.random.Generator, shape: tuple[int, int], *, beta: float, outer_px: float) -> Field:
    """Draw one field_HW of float32 with mean 0 and standard deviation 1.

    The field is drawn on a grid an eighth larger and cropped, because what an inverse FFT gives is periodic and no
    scene repeats itself at its opposite edge.
    """
    rows, columns = (smooth_length(size + size // 8) for size in shape)
    spectrum = rng.standard_normal((rows, columns // 2 + 1, 2), dtype=np.float32).view(np.complex64)[..., 0]
    np.multiply(spectrum, _amplitude(rows, columns, beta, outer_px), out=spectrum)
    # As irfft2 does it, without the rows that are cropped and without copies.
    np.fft.ifft(spectrum, axis=0, out=spectrum)
    return standardise(np.fft.irfft(spectrum[: shape[0]], n=columns, axis=1)[:, : shape[1]])


@functools.lru_cache(maxsize=16)
def _amplitude(rows: int, columns: int, beta: float, outer_px: float) -> Field:
    """Return the amplitudes of a field's spectrum; a scene has twelve fields of ten kinds, and so has the next."""
    k_row = np.fft.fftfreq(rows)[:, None].astype(np.float32)
    k_column = np.fft.rfftfreq(columns)[None, :].astype(np.float32)
    k_squared = k_row**2 + k_column**2
    k_squared[0, 0] = np.inf
    amplitude = k_squared ** np.float32(-(beta + 1) / 4)
    amplitude[k_squared < outer_px**-2] = 0
    amplitude.flags.writeable = False
    return amplitude


def standardise(field: Field) -> Field:
    """Return the field shifted to mean 0 and scaled to standard deviation 1."""
    mean = field.mean(dtype=np.float64)
    square = field.astype(np.float64)
    square -= mean
    np.multiply(square, square, out=square)
    deviation = np.sqrt(square.sum() / field.size)
    shifted = field - np.float32(mean)
    shifted /= np.float32(deviation)
    return shifted


def upper_quantile(field: Field, share: float) -> float:
    """Return the level that `share` of the field lies above; share 0 gives +inf, 1 gives -inf."""
    if share <= 0:
        return float("inf")
    if share >= 1:
        return float("-inf")
    return float(np.quantile(field[::4, ::4], 1 - share))


def point_spread(image: Field) -> Field:
    """Blur image_HW, of at least two rows and columns, with the response over the neighbouring pixels.

    It is separable, 0.15 0.70 0.15; the edge pixels are repeated outwards.
    """
    down = np.empty_like(image)
    np.add(image[:-2], image[2:], out=down[1:-1])
    np.add(image[:1], image[1:2], out=down[:1])
    np.add(image[-2:-1], image[-1:], out=down[-1:])
    down *= np.float32(0.15)
    down += np.float32(0.7) * image
    across = np.empty_like(image)
    np.add(down[:, :-2], down[:, 2:], out=across[:, 1:-1])
    np.add(down[:, :1], down[:, 1:2], out=across[:, :1])
    np.add(down[:, -2:-1], down[:, -1:], out=across[:, -1:])
    across *= np.float32(0.15)
    across += np.float32(0.7) * down
    return across


def box_mean(image: Field, reach: int) -> Field:
    """Return the mean of image_HW over squares of 2 * reach + 1 pixels, the edge pixels repeated outwards."""
    width = 2 * reach + 1
    total = np.pad(image.astype(np.float64), (reach + 1, reach), mode="edge")
    for above, row in itertools.pairwise(total):  # a sum down the columns, along the rows of memory
        row += above
    np.cumsum(total, axis=1, out=total)
    mean = np.empty(image.shape, np.float32)
    for above, below, row in zip(total[:-width], total[width:], mean, strict=True):
        below = below - above
        np.divide(below[width:] - below[:-width], width**2, out=row, casting="same_kind")
    return mean

"""Correlated random fields: the spatial structure of clouds, land and temperature.

A field has the isotropic one-dimensional spectrum k^-beta (in two dimensions its amplitude falls as k^-((beta+1)/2)),
nothing at scales above `outer_px`, mean 0 and standard deviation 1. Sources: k^-5/3 for optical depth, Lewis, Austin
and Szczodrak 2004 (J. Geophys. Res.); models of this class, Prigarin and Marshak 2009 (J. Atmos. Sci. 66).

Shape suffixes: H rows, W columns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


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


def correlated_field(rng: np.random.Generator, shape: tuple[int, int], *, beta: float, outer_px: float) -> Field:
    """Draw one field_HW of float32 with mean 0 and standard deviation 1.

    The field is drawn on a grid an eighth larger and cropped, because what an inverse FFT gives is periodic and no
    scene repeats itself at its opposite edge.
    """
    rows, columns = (smooth_length(size + size // 8) for size in shape)
    k_row = np.fft.fftfreq(rows)[:, None].astype(np.float32)
    k_column = np.fft.rfftfreq(columns)[None, :].astype(np.float32)
    k_squared = k_row**2 + k_column**2
    k_squared[0, 0] = np.inf
    amplitude = k_squared ** np.float32(-(beta + 1) / 4)
    amplitude[k_squared < outer_px**-2] = 0
    noise = rng.standard_normal((*k_squared.shape, 2), dtype=np.float32).view(np.complex64)[..., 0]
    field = np.fft.irfft2(noise * amplitude, s=(rows, columns))[: shape[0], : shape[1]]
    return standardise(field)


def standardise(field: Field) -> Field:
    """Return the field shifted to mean 0 and scaled to standard deviation 1."""
    mean = field.mean(dtype=np.float64)
    return ((field - np.float32(mean)) / np.float32(field.std(dtype=np.float64))).astype(np.float32)


def upper_quantile(field: Field, share: float) -> float:
    """Return the level that `share` of the field lies above; share 0 gives +inf, 1 gives -inf."""
    if share <= 0:
        return float("inf")
    if share >= 1:
        return float("-inf")
    return float(np.quantile(field[::4, ::4], 1 - share))


def point_spread(image: Field) -> Field:
    """Blur image_HW with the instrument's response over the neighbouring pixels (separable, 0.15 0.70 0.15)."""
    out = image
    for axis in (0, 1):
        padded = np.pad(out, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        before, after = (slice(None, -2), slice(2, None))
        index = (lambda s: (s, slice(None))) if axis == 0 else (lambda s: (slice(None), s))
        out = np.float32(0.7) * out + np.float32(0.15) * (padded[index(before)] + padded[index(after)])
    return out


def box_mean(image: Field, reach: int) -> Field:
    """Return the mean of image_HW over squares of 2 * reach + 1 pixels, the edge pixels repeated outwards."""
    width = 2 * reach + 1
    total = np.pad(image, (reach + 1, reach), mode="edge").astype(np.float64).cumsum(0).cumsum(1)
    total = total[width:] - total[:-width]
    total = total[:, width:] - total[:, :-width]
    return (total / width**2).astype(np.float32)

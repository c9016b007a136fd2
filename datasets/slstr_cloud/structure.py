"""Measures of spatial structure: power spectra along rows, and what happens at the edge of a cloud.

Shape suffixes: H rows, W columns, K wavenumbers, D distances.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]
Flags = NDArray[np.bool_]

LENGTH_PX = 768
"""Pixels of a row that a spectrum is taken of; the middle of the swath, without fill in real and simulated scenes."""

BAND = (4, 200)
"""Wavenumbers, in cycles per 768 pixels, over which a slope is fitted: 192 km down to 3.8 km at 1 km a pixel."""

BINS = 15
"""Steps of the band, of equal width in log k, in which power is averaged before the fit."""

REACH_PX = 8
"""Pixels on each side of a cloud edge that a profile shows."""


@dataclass(frozen=True, kw_only=True)
class Edges:
    """What a channel does across the edges of clouds, along rows; sums, so that scenes add up."""

    pairs: int
    """Neighbouring pixels along a row, both seen."""

    crossings: int
    """Such pairs of which one is cloud and the other is not."""

    steps: Real
    """Absolute differences over the crossings, in the channel's unit."""

    profile_sum: Real
    """Sum_D over the clean edges of value minus mean of the clear side, from REACH_PX before to REACH_PX beyond."""

    profiles: int
    """Clean edges: REACH_PX pixels of one class on each side."""


def row_spectrum(image_HW: Real, length: int = LENGTH_PX) -> Real | None:
    """Return power_K of an image's rows for 0 to length / 2 cycles per `length` pixels; None where no row is whole.

    The middle `length` columns are taken (all columns of a narrower image), each row less its mean and under a Hann
    window; rows with a value that is not finite are left out. Power is the mean over rows of |FFT|^2 / length.
    """
    length = min(length, image_HW.shape[1])
    first = (image_HW.shape[1] - length) // 2
    rows = image_HW[:, first : first + length].astype(np.float64)
    rows = rows[np.isfinite(rows).all(1)]
    if not len(rows):
        return None
    rows = (rows - rows.mean(1, keepdims=True)) * np.hanning(length)
    power: Real = (np.abs(np.fft.rfft(rows, axis=1)) ** 2).mean(0) / length
    return power


def spectral_slope(power_K: Real, band: tuple[int, int] = BAND) -> float | None:
    """Return s of a spectrum that falls as k^s over a band: a straight line through log power over log k.

    Power is averaged in BINS steps of equal width in log k first, so that every octave weighs the same.
    None where the spectrum does not reach the band's upper end or has no power there.
    """
    if len(power_K) <= band[1]:
        return None
    k = np.arange(band[0], band[1] + 1)
    step = np.minimum(np.log(k / band[0]) / np.log(band[1] / band[0]) * BINS, BINS - 1).astype(int)
    count = np.bincount(step, minlength=BINS)
    filled = count > 0
    power, log_k = (np.bincount(step, values, BINS)[filled] / count[filled] for values in (power_K[k], np.log(k)))
    return float(np.polyfit(log_k, np.log(power), 1)[0]) if (power > 0).all() else None


def cloud_edges(image_HW: Real, cloud_HW: Flags, valid_HW: Flags) -> Edges:
    """Measure one channel across the cloud edges of a scene."""
    both = valid_HW[:, 1:] & valid_HW[:, :-1]
    crossing = both & (cloud_HW[:, 1:] != cloud_HW[:, :-1])
    steps = np.abs(image_HW[:, 1:] - image_HW[:, :-1])[crossing].astype(np.float64)
    profiles = [
        *_profiles(image_HW, cloud_HW, valid_HW),
        *_profiles(*(a[:, ::-1] for a in (image_HW, cloud_HW, valid_HW))),
    ]
    return Edges(
        pairs=int(both.sum()),
        crossings=int(crossing.sum()),
        steps=steps,
        profile_sum=np.sum(profiles, axis=0) if profiles else np.zeros(2 * REACH_PX),
        profiles=len(profiles),
    )


def _profiles(image_HW: Real, cloud_HW: Flags, valid_HW: Flags) -> list[Real]:
    """Return the profiles of the clean edges that are entered from the left, clear side first."""
    found: list[Real] = []
    if image_HW.shape[1] < 2 * REACH_PX:
        return found
    windows = [
        np.lib.stride_tricks.sliding_window_view(a, 2 * REACH_PX, axis=1) for a in (image_HW, cloud_HW, valid_HW)
    ]
    entering = ~cloud_HW[:, :-1] & cloud_HW[:, 1:]
    for row, column in zip(*np.nonzero(entering[:, REACH_PX - 1 : -REACH_PX + 1 or None]), strict=True):
        values, cloud, valid = (window[row, column] for window in windows)
        if valid.all() and not cloud[:REACH_PX].any() and cloud[REACH_PX:].all():
            found.append(values - values[:REACH_PX].mean())
    return found

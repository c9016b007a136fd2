"""The two label planes, with the errors that such planes have.

`bayes` stands for the Bayesian mask: a detection limit on the optical depth of the neighbourhood, five pixels square,
that varies over the scene; the real one looks at local texture, and counts a hole of a pixel in a cloud as cloud. Lakes
are taken for cloud (in a real product over East Africa 54 % of inland-water pixels carry the flag, against 4 %
elsewhere). `summary` stands for the operational threshold tests against the clear sky expected at each pixel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from datasets.slstr_cloud.fields import Field, box_mean, by_strips, correlated_field, upper_quantile
from datasets.slstr_cloud.surface import LAKE, Surface

SINGLE_LOW, SINGLE_MODERATE = 1, 2
DETECTION_LIMIT = 0.3
"""Optical depth at which cloud is as likely to be flagged as not."""

NEIGHBOURS = 2
"""Pixels on each side that a decision looks at."""

LAKES_FLAGGED = 0.5
"""Share of inland water that is taken for cloud."""


def bayes_planes(
    rng: np.random.Generator, optical_depth: Field, surface: Surface
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return bayes_HW, bit 1 from the detection limit on and bit 2 from twice that depth on, and its truth.

    The truth takes no lake for cloud. `optical_depth` is that of the column.
    """
    shape = optical_depth.shape
    variation = correlated_field(rng, shape, beta=3.0, outer_px=200)
    mistaken = correlated_field(rng, shape, beta=3.0, outer_px=200)
    level, around = upper_quantile(mistaken, LAKES_FLAGGED), box_mean(optical_depth, NEIGHBOURS)

    def of(rows: slice) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        limit = DETECTION_LIMIT * np.exp(0.35 * variation[rows])
        lakes = (surface.kind[rows] == LAKE) & (mistaken[rows] > level)
        low, moderate = around[rows] > limit, around[rows] > 2 * limit
        true = np.uint8(SINGLE_LOW) * low + np.uint8(SINGLE_MODERATE) * moderate
        return np.where(lakes, np.uint8(SINGLE_LOW | SINGLE_MODERATE), true), true

    label, true = by_strips(of, shape)
    return label, true


def summary_plane(bt11_k: Field, clear_bt11_k: Field, visible: Field, clear_visible: Field) -> NDArray[np.uint8]:
    """Return summary_HW (0 or 1): colder than the clear sky by 5 K, or brighter than it by 0.08."""
    gross = bt11_k < clear_bt11_k - 5
    bright = visible > clear_visible + 0.08
    return (gross | bright).astype(np.uint8)

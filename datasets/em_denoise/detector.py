"""From a clean image to a recorded one: the beam's profile, shot noise, dead pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DEAD_SHARES = (0.0, 0.0005, 0.002)
"""Shares of dead pixels, drawn with equal chances."""


def beam_profile(random: np.random.Generator, pixels: int) -> NDArray[np.float64]:
    """Return a Gaussian illumination of random centre and width, with a mean of 1: the dose is that of the image."""
    centre = 0.5 + random.uniform(-0.3, 0.3, 2)
    width = random.uniform(0.8, 2.0)
    places = (np.arange(pixels) + 0.5) / pixels
    rows, columns = (np.exp(-0.5 * ((places - c) / width) ** 2) for c in centre)
    profile = np.outer(rows, columns)
    return profile / profile.mean()


def record(
    random: np.random.Generator, clean: NDArray[np.float64], dose_per_ang2: float, pixel_ang: float
) -> NDArray[np.float64]:
    """Return a noisy record of a clean image on the same scale: counts over dose and pixel area."""
    electrons = dose_per_ang2 * pixel_ang**2
    counts = random.poisson(clean * beam_profile(random, len(clean)) * electrons).astype(np.float64)
    counts[random.random(clean.shape) < random.choice(DEAD_SHARES)] = 0.0
    return counts / electrons

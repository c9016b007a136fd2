"""Filters that need no training, for comparison where there is no clean image to score against.

Where there is one, the manifest of the data set has their scores (`datasets/em_denoise/baseline.py`); settings are the
same, but for the reach of non-local means, which decides how long a large micrograph takes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.filters import gaussian
from skimage.restoration import denoise_nl_means

from .noise import noise_level

Image = NDArray[np.float32]

BLUR_PIXELS = 1.5
"""Standard deviation of the Gaussian filter."""

PATCH, REACH = 7, 7
"""Side of the patches that non-local means compares, and how far it looks for them, in pixels."""

STRENGTH = 0.6
"""Cut-off of the distance of patches, in standard deviations of the noise."""


def filtered(image_HW: Image) -> dict[str, Image]:
    """Return what each filter makes of an image, by its name."""
    return {"gaussian_filter": gaussian_filter(image_HW), "non_local_means": non_local_means(image_HW)}


def gaussian_filter(image_HW: Image) -> Image:
    """Denoise by a Gaussian filter."""
    return np.asarray(gaussian(image_HW, BLUR_PIXELS, mode="reflect"), np.float32)


def non_local_means(image_HW: Image) -> Image:
    """Denoise by non-local means (Buades, Coll and Morel 2005, doi 10.1109/CVPR.2005.38)."""
    sigma = noise_level(image_HW)
    if sigma == 0:
        return image_HW.astype(np.float32)
    options = {"patch_size": PATCH, "patch_distance": REACH, "fast_mode": True}
    return np.asarray(denoise_nl_means(image_HW, h=STRENGTH * sigma, sigma=sigma, **options), np.float32)

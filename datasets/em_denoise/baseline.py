"""Facts of a set that its manifest states: the scale of the images, and what methods without training make of them.

Mean squared error, PSNR and SSIM are means over images. Their data range is `data_range`: largest minus smallest value
of the clean training images. SSIM is that of Wang et al. 2004 (doi 10.1109/TIP.2003.819861): Gaussian window, σ = 1.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.filters import gaussian
from skimage.metrics import structural_similarity
from skimage.restoration import denoise_nl_means

from datasets.common.failures import DataError
from datasets.common.files import reading

Image = NDArray[np.float32]

PATCH, REACH = 7, 15
"""Side of the patches that non-local means compares, and how far it looks for them, in pixels."""

STRENGTH = 0.6
"""Cut-off of the distance of patches, in standard deviations of the noise."""

BLUR = 1.5
"""Standard deviation of the Gaussian filter in pixels: of 0.7, 1, 1.25, 1.5 and 2 the best on training images."""

DARKEST = 0.05
"""Smallest level that is divided by, as a share of the image's highest."""

BEST_PSNR_DB = 100.0
"""PSNR of an image without any error, where the formula has no value."""

VACUUM = 1.0
"""Level of a simulated clean image."""


def images(path: Path) -> Iterator[Image]:
    """Yield the images of a file, (rows, columns), one by one.

    Raises:
        DataError: the file is missing or damaged, or a value is not finite.
    """
    with reading(path) as file:
        for index, image in enumerate(file["images"]):
            if not np.isfinite(image).all():
                raise DataError(f"{path}: images: image {index}: expected finite values, found others — get it again")
            yield image[..., 0]


def scale_statistics(train: Path) -> dict[str, Any]:
    """Return the scale of a set, given the folder of its training images; reads each clean one once.

    Raises:
        DataError: the clean images are all one grey.
    """
    path = train / "graphene_img_clean.h5"
    clean = clean_statistics(path)
    data_range = clean["maximum"] - clean["minimum"]
    if not data_range > 0:
        raise DataError(f"{path}: images: expected images that differ, found {clean['mean']:.4g} in every pixel")
    return {"clean": clean, "data_range": data_range}


def baseline_scores(
    test: Path, scale: dict[str, Any], brightness: float | None = VACUUM
) -> dict[str, dict[str, float]]:
    """Return what methods without training score on the pairs in a folder.

    Args:
        test: folder of the test images.
        scale: of the set.
        brightness: level of a clean image, to which the filters bring theirs; None where no beam dims the noisy one.
    """
    methods: dict[str, Callable[[Image], Image]] = {
        "identity": lambda noisy: noisy,
        "mean": lambda noisy: np.full_like(noisy, scale["clean"]["mean"]),
        "gaussian_filter": partial(gaussian_filter, brightness=brightness),
        "non_local_means": partial(non_local_means, brightness=brightness),
    }
    return {name: score(test, method, scale["data_range"]) for name, method in methods.items()}


def clean_statistics(path: Path) -> dict[str, float]:
    """Return mean, standard deviation and extremes of the clean training images, in float64."""
    count, total, squares, low, high = 0, 0.0, 0.0, np.inf, -np.inf
    for image in images(path):
        values = image.astype(np.float64) - 1.0  # the vacuum's intensity: keeps the sum of squares small
        count, total, squares = count + values.size, total + values.sum(), squares + (values**2).sum()
        low, high = min(low, image.min()), max(high, image.max())
    mean = total / count
    return {
        "mean": 1.0 + mean,
        "standard_deviation": float(np.sqrt(squares / count - mean**2)),
        "minimum": float(low),
        "maximum": float(high),
    }


def score(folder: Path, method: Callable[[Image], Image], data_range: float) -> dict[str, float]:
    """Return the mean scores of a method on the pairs of a split."""
    pairs = zip(images(folder / "graphene_img_noise.h5"), images(folder / "graphene_img_clean.h5"), strict=True)
    found = [compare(method(noisy), clean, data_range) for noisy, clean in pairs]
    return {name: float(np.mean([scores[name] for scores in found])) for name in found[0]}


def compare(image: Image, clean: Image, data_range: float) -> dict[str, float]:
    """Return the scores of one image."""
    mse = float(np.mean((image.astype(np.float64) - clean) ** 2))
    similarity = structural_similarity(
        image, clean, data_range=data_range, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    least = data_range**2 / 10 ** (BEST_PSNR_DB / 10)
    return {"mse": mse, "psnr": 10 * float(np.log10(data_range**2 / max(mse, least))), "ssim": float(similarity)}


def gaussian_filter(noisy: Image, brightness: float | None = VACUUM) -> Image:
    """Denoise by a Gaussian filter, then level."""
    return _levelled(gaussian(noisy, BLUR, mode="reflect"), noisy, brightness)


def non_local_means(noisy: Image, brightness: float | None = VACUUM) -> Image:
    """Denoise by non-local means (Buades, Coll and Morel 2005, doi 10.1109/CVPR.2005.38), then level."""
    sigma = noise_level(noisy)
    smooth = denoise_nl_means(
        noisy, patch_size=PATCH, patch_distance=REACH, h=STRENGTH * sigma, sigma=sigma, fast_mode=True
    )
    return _levelled(smooth, noisy, brightness)


def _levelled(smooth: Image, noisy: Image, brightness: float | None) -> Image:
    """Divide by the local mean of the noisy image, and bring to the brightness of clean images.

    The beam's profile dims the noisy image and not the clean one. The local mean over 51 pixels stands for
    that profile: without this, every classical method would be scored on the profile instead of its denoising. A scan
    has no such profile.
    """
    if brightness is None:
        return smooth.astype(np.float32)
    local = level(noisy)
    return (smooth / np.maximum(local, max(DARKEST * local.max(), 1e-30)) * brightness).astype(np.float32)


def level(noisy: Image, width: int = 51) -> NDArray[np.float64]:
    """Return the local mean over width × width pixels, of what lies inside the image."""

    def sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
        half = width // 2
        total = np.pad(values, ((half + 1, half), (half + 1, half))).cumsum(0).cumsum(1)
        return total[width:, width:] - total[:-width, width:] - total[width:, :-width] + total[:-width, :-width]

    return sums(noisy.astype(np.float64)) / sums(np.ones(noisy.shape))


def noise_level(noisy: Image) -> float:
    """Estimate the standard deviation of the noise: Immerkær 1996 (doi 10.1006/cviu.1996.0060)."""
    image = noisy.astype(np.float64)
    rows = image[:-2] - 2 * image[1:-1] + image[2:]
    curvature = rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]
    return float(np.sqrt(np.pi / 2) / 6 * np.abs(curvature).mean())

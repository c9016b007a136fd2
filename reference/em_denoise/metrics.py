"""The referee: loss and metrics in NumPy, image by image.

The data range L of PSNR and SSIM is that of the data set: largest minus smallest value of its clean training images, as
its manifest states it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

Images = NDArray[np.float32]

BEST_PSNR_DB = 100.0
"""PSNR of an image without any error, where the formula has no value."""


def sample_losses(denoised_NHW: Images, clean_NHW: Images) -> NDArray[np.float64]:
    """Return each image's mean squared error."""
    return np.square(denoised_NHW.astype(np.float64) - clean_NHW).mean(axis=(1, 2))


def psnr_db(mse: NDArray[np.float64], data_range: float) -> NDArray[np.float64]:
    """Return 10·log10(L² / mse), in dB, at most `BEST_PSNR_DB`."""
    floor = data_range**2 / 10 ** (BEST_PSNR_DB / 10)
    return 10 * np.log10(data_range**2 / np.maximum(mse, floor))


def ssim(denoised_NHW: Images, clean_NHW: Images, data_range: float) -> NDArray[np.float64]:
    """Return each image's mean structural similarity.

    Wang, Bovik, Sheikh and Simoncelli 2004 (doi 10.1109/TIP.2003.819861), section III-C: a Gaussian window of σ = 1.5,
    K1 = 0.01, K2 = 0.03, computed by scikit-image.
    """
    found = [
        structural_similarity(
            image, clean, data_range=data_range, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        for image, clean in zip(denoised_NHW, clean_NHW.astype(denoised_NHW.dtype, copy=False), strict=True)
    ]
    return np.array(found, np.float64)


def sums(denoised_NHW: Images, clean_NHW: Images, data_range: float) -> NDArray[np.float64]:
    """Return the sums over images of PSNR, SSIM and mean squared error, and the number of images."""
    mse = sample_losses(denoised_NHW, clean_NHW)
    similarity = ssim(denoised_NHW, clean_NHW, data_range)
    return np.array([psnr_db(mse, data_range).sum(), similarity.sum(), mse.sum(), len(mse)])


def means(totals: NDArray[np.float64]) -> dict[str, float]:
    """Return the means over images of what `sums` has summed."""
    *parts, count = totals
    return {name: float(part / count) for name, part in zip(("psnr", "ssim", "mse"), parts, strict=True)}

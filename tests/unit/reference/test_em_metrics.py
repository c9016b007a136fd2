"""Scores of denoised images against scikit-image, on random images and on such as have no ordinary score."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity

from reference.em_denoise import metrics

RANGE = 0.3


def pair(seed: int, count: int = 3, side: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """Return clean images around 1 and noisy ones."""
    rng = np.random.default_rng(seed)
    clean = 1 + 0.05 * rng.standard_normal((count, side, side))
    return (clean + 0.02 * rng.standard_normal(clean.shape)).astype(np.float32), clean.astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_random_images_score_as_with_scikit_image(seed) -> None:
    noisy, clean = pair(seed)
    mse = metrics.sample_losses(noisy, clean)
    assert mse == pytest.approx([mean_squared_error(a, b) for a, b in zip(clean, noisy, strict=True)], rel=1e-6)
    expected = [peak_signal_noise_ratio(b, a, data_range=RANGE) for a, b in zip(noisy, clean, strict=True)]
    assert metrics.psnr_db(mse, RANGE) == pytest.approx(expected, rel=1e-6)


def test_similarity_is_that_of_wang_2004() -> None:
    """The window of the paper is 11 × 11: a Gaussian of 1.5 pixels cut off at 5, and borders of 5 are left out."""
    noisy, clean = (images[0].astype(np.float64) for images in pair(1))
    taps = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(taps, taps) / taps.sum() ** 2

    def local(values: np.ndarray) -> np.ndarray:
        return (np.lib.stride_tricks.sliding_window_view(values, (11, 11)) * window).sum((-1, -2))

    mean_a, mean_b = local(noisy), local(clean)
    var_a, var_b = local(noisy**2) - mean_a**2, local(clean**2) - mean_b**2
    both = local(noisy * clean) - mean_a * mean_b
    c1, c2 = (0.01 * RANGE) ** 2, (0.03 * RANGE) ** 2
    expected = ((2 * mean_a * mean_b + c1) * (2 * both + c2)) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    assert metrics.ssim(noisy[None], clean[None], RANGE) == pytest.approx([expected.mean()], rel=1e-9)


def test_equal_images_have_the_best_scores_there_are() -> None:
    clean = pair(2)[1]
    totals = metrics.sums(clean, clean, RANGE)
    assert metrics.means(totals) == {"psnr": metrics.BEST_PSNR_DB, "ssim": pytest.approx(1.0), "mse": 0.0}


def test_constant_images_have_scores_too() -> None:
    """Structure is absent, so the similarity is that of the two levels alone."""
    low, high = np.full((1, 32, 32), 0.9, np.float32), np.full((1, 32, 32), 1.2, np.float32)
    found = metrics.means(metrics.sums(low, high, RANGE))
    assert found["psnr"] == pytest.approx(0.0, abs=1e-5), "the error is the whole range"
    c1 = (0.01 * RANGE) ** 2
    assert found["ssim"] == pytest.approx((2 * 0.9 * 1.2 + c1) / (0.9**2 + 1.2**2 + c1), rel=1e-4)
    assert found["mse"] == pytest.approx(0.09, rel=1e-5)


def test_a_negative_of_the_structure_is_dissimilar() -> None:
    clean = pair(3)[1]
    assert (metrics.ssim(2 - clean, clean, RANGE) < -0.5).all()


def test_scores_are_means_over_images_and_not_over_pixels_of_all() -> None:
    noisy, clean = pair(4, count=2)
    noisy[1] = clean[1] + 0.1
    parts = [metrics.sums(noisy[i : i + 1], clean[i : i + 1], RANGE) for i in range(2)]
    together = metrics.means(sum(parts))
    assert together == pytest.approx(metrics.means(metrics.sums(noisy, clean, RANGE)))
    decibels = metrics.psnr_db(metrics.sample_losses(noisy, clean), RANGE)
    assert together["psnr"] == pytest.approx(decibels.mean())
    assert together["psnr"] != pytest.approx(float(metrics.psnr_db(np.array(together["mse"]), RANGE)), abs=0.5)


def test_the_range_is_in_the_scores() -> None:
    noisy, clean = pair(5)
    ten = [metrics.means(metrics.sums(noisy, clean, scale * RANGE))["psnr"] for scale in (1, 10)]
    assert ten[1] - ten[0] == pytest.approx(20)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    expected = [
        structural_similarity(a, b, data_range=10 * RANGE, **options) for a, b in zip(noisy, clean, strict=True)
    ]
    assert metrics.ssim(noisy, clean, 10 * RANGE) == pytest.approx(expected)


def test_images_of_other_precisions_are_taken() -> None:
    noisy, clean = pair(6)
    assert metrics.ssim(noisy, clean.astype(np.float64), RANGE) == pytest.approx(metrics.ssim(noisy, clean, RANGE))

"""Statistics of micrographs and methods without training, against brute force and on real micrographs."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from skimage.filters import gaussian
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from datasets.em_denoise.baseline import BEST_PSNR_DB, compare, gaussian_filter, level, noise_level, non_local_means


def images(path: Path) -> np.ndarray:
    """Return all images of a file."""
    with h5py.File(path) as file:
        return file["images"][..., 0]


def test_the_manifest_states_the_scale_of_the_clean_training_images(em_set: Path) -> None:
    clean = images(em_set / "train" / "graphene_img_clean.h5").astype(np.float64)
    found = json.loads((em_set / "manifest.json").read_text())["statistics"]
    expected = {
        "mean": clean.mean(), "standard_deviation": clean.std(), "minimum": clean.min(), "maximum": clean.max()
    }  # fmt: skip
    assert found["clean"] == pytest.approx(expected, rel=1e-9)
    assert found["data_range"] == pytest.approx(np.ptp(clean), rel=1e-9)


def test_the_manifest_states_what_scikit_image_scores(em_set: Path) -> None:
    statistics = json.loads((em_set / "manifest.json").read_text())["statistics"]
    noisy, clean = (images(em_set / "test" / f"graphene_img_{kind}.h5") for kind in ("noise", "clean"))
    span = statistics["data_range"]
    psnr = [peak_signal_noise_ratio(c, n, data_range=span) for c, n in zip(clean, noisy, strict=True)]
    ssim = [
        structural_similarity(
            c, n, data_range=span, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        for c, n in zip(clean, noisy, strict=True)
    ]  # fmt: skip
    assert statistics["baselines"]["identity"]["psnr"] == pytest.approx(np.mean(psnr), abs=1e-4)
    assert statistics["baselines"]["identity"]["ssim"] == pytest.approx(np.mean(ssim), abs=1e-4)


def test_an_image_without_error_has_the_best_psnr() -> None:
    image = np.random.default_rng(0).random((64, 64), dtype=np.float32)
    assert compare(image, image, 1.0) == {"mse": 0.0, "psnr": pytest.approx(BEST_PSNR_DB), "ssim": pytest.approx(1.0)}


def test_the_level_is_the_mean_of_what_lies_inside() -> None:
    image = np.random.default_rng(1).random((60, 70), dtype=np.float32)
    found = level(image, 21)
    for row, column in ((0, 0), (30, 35), (59, 12)):
        inside = image[max(0, row - 10) : row + 11, max(0, column - 10) : column + 11]
        assert found[row, column] == pytest.approx(inside.mean(dtype=np.float64))


@pytest.mark.parametrize("sigma", [0.02, 0.1, 0.5])
def test_the_noise_level_of_white_noise_is_found(sigma: float) -> None:
    slope = np.linspace(0, 3, 256)[:, None] * np.ones((1, 256))
    noisy = slope + np.random.default_rng(2).normal(0, sigma, slope.shape)
    assert noise_level(noisy) == pytest.approx(sigma, rel=0.03)


@pytest.mark.parametrize("method", [gaussian_filter, non_local_means])
def test_filters_take_away_noise_and_the_beam_and_keep_the_unit(method) -> None:
    rows, columns = np.mgrid[:160, :160]
    clean = 1 + 0.1 * np.cos(2 * np.pi * rows / 16) * np.cos(2 * np.pi * columns / 16)
    beam = np.exp(-0.5 * ((rows - 40) / 200) ** 2)
    inside = np.s_[26:-26, 26:-26]  # nearer to the edge the local mean is that of one side
    for unit in (1.0, 200.0):
        noisy = unit * beam * (clean + np.random.default_rng(3).normal(0, 0.03, clean.shape))
        error = method(noisy.astype(np.float32), brightness=unit) / unit - clean
        assert error[inside].std() < 0.016
        assert error[inside].mean() == pytest.approx(0, abs=0.01)


def test_noise_added_to_real_micrographs_is_found(real_micrographs: dict[str, np.ndarray]) -> None:
    for name, image in real_micrographs.items():
        own = noise_level(image)
        assert 0 < own < image.std(), name
        noisier = image + np.random.default_rng(4).normal(0, 20.0, image.shape)
        assert noise_level(noisier) == pytest.approx(np.hypot(own, 20.0), rel=0.1), name


def test_filters_keep_the_lattice_of_real_micrographs(real_micrographs: dict[str, np.ndarray]) -> None:
    for name, image in real_micrographs.items():
        part = image[:256, :256]
        window = np.outer(np.hanning(256), np.hanning(256))
        before, after = (
            np.abs(np.fft.rfft2((a - a.mean()) * window)) for a in (part, gaussian_filter(part, brightness=part.mean()))
        )
        before[:3, :3] = before[-2:, :3] = 0
        row, column = np.unravel_index(before.argmax(), before.shape)
        near = after[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].max()
        assert near > 0.5 * before[row, column], name
        assert after[100:156, 60:].mean() < 0.1 * before[100:156, 60:].mean(), name


def test_real_micrographs_have_more_contrast_and_noise_along_their_rows(
    real_micrographs: dict[str, np.ndarray], em_set: Path
) -> None:
    simulated = images(em_set / "train" / "graphene_img_clean.h5").std()  # of a mean of 1
    streaky = 0
    for image in real_micrographs.values():
        smooth = gaussian(image, 1.5, mode="reflect")
        assert 0.2 < smooth.std() / smooth.mean() < 0.6
        assert smooth.std() / smooth.mean() > 5 * simulated
        rest = image - smooth
        along, down = ((rest * np.roll(rest, 1, axis)).mean() / rest.var() for axis in (1, 0))
        streaky += along > 0.2 and down < 0
    assert streaky >= 3

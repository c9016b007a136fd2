"""Estimates that an image gives of its own noise and illumination."""

from __future__ import annotations

import numpy as np
import pytest

from reference.em_denoise.noise import WINDOW, flat_field, noise_level


def waves(side: int, period: float) -> np.ndarray:
    """Return a pattern around 1 that repeats in both directions."""
    x = 2 * np.pi * np.arange(side) / period
    return 1 + 0.05 * np.sin(x)[:, None] * np.cos(x)[None, :]


@pytest.mark.parametrize("sigma", [0.003, 0.1, 5.0])
def test_white_noise_is_measured(sigma) -> None:
    noise = sigma * np.random.default_rng(1).standard_normal((256, 256))
    assert noise_level(noise.astype(np.float32)) == pytest.approx(sigma, rel=0.02)


def test_smooth_structure_is_hardly_taken_for_noise() -> None:
    noise = 0.02 * np.random.default_rng(2).standard_normal((256, 256))
    alone, both = noise_level(noise.astype("f4")), noise_level((waves(256, 16) + noise).astype("f4"))
    assert both == pytest.approx(alone, rel=0.03)
    assert noise_level((np.arange(64)[:, None] * np.ones(64)).astype("f4")) == 0.0, "a ramp has no curvature"


def test_a_beam_is_taken_out_and_the_lattice_is_not() -> None:
    row, column = np.mgrid[-1:1:256j, -1:1:256j]
    beam = np.exp(-(row**2 + column**2))
    lattice = waves(256, 17).astype("f4")
    found = flat_field((beam * lattice).astype("f4"))
    inside = np.s_[WINDOW:-WINDOW, WINDOW:-WINDOW]
    assert found.dtype == np.float32
    assert np.abs(found - lattice)[inside].max() < 0.03, "the pattern varies by 0.1, the beam by half"
    assert (found / lattice)[inside].std() < 0.005
    assert found.mean() == pytest.approx(1.0, abs=0.03)


def test_the_unit_of_the_counts_does_not_matter() -> None:
    image = (waves(96, 11) * np.linspace(1, 2, 96)).astype("f4")
    np.testing.assert_allclose(flat_field(1000 * image), flat_field(image), rtol=1e-4)


@pytest.mark.parametrize("shape", [(64, 200), (33, 33), (32, 256)])
def test_the_local_mean_is_of_what_lies_inside(shape) -> None:
    image = np.random.default_rng(3).uniform(1, 2, shape).astype("f4")
    half = min(WINDOW, *(size // 2 * 2 - 1 for size in shape)) // 2
    found = flat_field(image)
    for row, column in ((0, 0), (0, shape[1] - 1), (shape[0] // 2, 3), (shape[0] - 1, shape[1] // 2)):
        window = image[max(0, row - half) : row + half + 1, max(0, column - half) : column + half + 1]
        assert found[row, column] == pytest.approx(image[row, column] / window.mean(), rel=1e-5)


def test_darkness_is_not_blown_up() -> None:
    image = np.ones((256, 256), "f4")
    image[:, 128:] = 1e-6
    assert flat_field(image)[:, -1].max() < 1e-4

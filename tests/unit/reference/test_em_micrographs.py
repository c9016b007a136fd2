"""Measures of a denoised micrograph on synthetic images whose lattice and noise are known."""

from __future__ import annotations

import numpy as np
import pytest

from reference.em_denoise import micrographs
from reference.em_denoise.micrographs import lattice_peaks, measure, power_spectrum

SIDE = 256
WAVES = [(0, 25), (22, 12), (22, -12)]
"""Cycles per image along rows and columns: a hexagonal lattice, more or less."""


def lattice(amplitude: float = 1.0, shape: tuple[int, int] = (SIDE, SIDE)) -> np.ndarray:
    row, column = np.mgrid[: shape[0], : shape[1]]
    return amplitude * sum(np.cos(2 * np.pi * (a * row + b * column) / SIDE) for a, b in WAVES)


def noise(seed: int, sigma: float = 1.0) -> np.ndarray:
    return sigma * np.random.default_rng(seed).standard_normal((SIDE, SIDE))


def frequencies(peaks: list[tuple[int, int]], side: int = SIDE) -> set[tuple[int, int]]:
    return {(row - side // 2, column - side // 2) for row, column in peaks}


def test_the_peaks_are_those_of_the_lattice() -> None:
    found = lattice_peaks(power_spectrum(lattice(0.3) + noise(1)))
    assert frequencies(found) == {(0, 25), (22, 12), (22, -12)}, "one of each pair"


@pytest.mark.parametrize("seed", range(6))
def test_noise_has_no_lattice(seed) -> None:
    assert lattice_peaks(power_spectrum(noise(seed))) == []
    found = measure(noise(seed), np.zeros((SIDE, SIDE)))
    assert found.keys() == {"lattice_peaks", "residual_correlation", "residual_flatness"}
    assert found["lattice_peaks"] == 0


def test_slow_changes_of_brightness_are_no_lattice() -> None:
    row, column = np.mgrid[:SIDE, :SIDE] / SIDE
    slow = 20 * np.exp(-(row**2)) + 10 * np.cos(2 * np.pi * column)
    assert frequencies(lattice_peaks(power_spectrum(slow + lattice(0.3) + noise(2)))) == set(WAVES)


def test_a_strong_slope_of_the_spectrum_hides_no_weaker_peak() -> None:
    """Real spectra fall off by orders of magnitude; a peak counts by what it has over its ring."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE)))
    cloud = np.fft.ifft2(np.fft.fft2(noise(3)) / np.maximum(frequency, 1 / SIDE) ** 1.5).real
    cloud *= 10 / cloud.std()
    assert frequencies(lattice_peaks(power_spectrum(cloud + lattice(1.5)))) == set(WAVES)


def test_the_ring_snr_is_the_ratio_of_powers() -> None:
    """A wave of amplitude A behind a Hann window has A²/4·(Σw)² in its middle bin, noise of deviation s has s²·Σw²."""
    amplitude, sigma = 0.5, 1.0
    row = np.arange(SIDE)
    wave = amplitude * np.cos(2 * np.pi * 25 * row / SIDE)[None, :] * np.ones((SIDE, 1))
    window = np.outer(np.hanning(SIDE), np.hanning(SIDE))
    bins = np.outer([0.25, 1, 0.25], [0.25, 1, 0.25]).sum()  # power that the window spreads over its neighbours
    expected = amplitude**2 / 4 * window.sum() ** 2 * bins / (25 * sigma**2 * (window**2).sum())
    found = [
        micrographs.ring_snr(power_spectrum(wave + noise(seed, sigma)), [(SIDE // 2, SIDE // 2 + 25)])
        for seed in range(8)
    ]
    assert np.mean(found) == pytest.approx(expected, rel=0.1)


def test_noise_alone_has_a_ring_snr_of_zero() -> None:
    places = [(SIDE // 2 + a, SIDE // 2 + b) for a, b in ((0, 25), (40, 12), (70, -33), (9, 90))]
    found = [micrographs.ring_snr(power_spectrum(noise(seed)), [p]) for seed in range(20) for p in places]
    assert np.mean(found) == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("kept", [1.0, 0.7, 0.2])
def test_what_is_kept_of_the_lattice_is_an_amplitude(kept) -> None:
    found = measure(lattice() + noise(5), lattice(kept))
    assert found["lattice_peaks"] == 3
    assert found["peaks_kept"] == pytest.approx(kept, rel=0.05)


def test_the_perfect_denoiser_takes_white_noise_and_no_lattice() -> None:
    found = measure(lattice() + noise(6), lattice())
    assert found["ring_snr_denoised"] > 100 * found["ring_snr_noisy"] > 0
    assert abs(found["ring_snr_residual"]) < 0.5
    assert found["residual_correlation"] < 0.02
    assert found["residual_flatness"] == pytest.approx(1.0, abs=0.03)


def test_a_denoiser_that_dims_the_lattice_is_seen_in_the_residual() -> None:
    found = measure(lattice() + noise(7), lattice(0.5))
    assert found["ring_snr_residual"] > micrographs.SIGNIFICANT
    assert found["residual_correlation"] > 0.1
    assert found["residual_flatness"] < 0.95


def test_noise_along_the_scan_is_not_white() -> None:
    smeared = noise(8) + np.roll(noise(8), 1, axis=1)
    assert micrographs.residual_correlation(smeared) == pytest.approx(0.5, abs=0.03)
    assert micrographs.spectral_flatness(smeared) < 0.7


def test_an_image_that_is_left_alone_has_no_residual_to_speak_of() -> None:
    found = measure(lattice() + noise(9), lattice() + noise(9))
    assert found["peaks_kept"] == pytest.approx(1.0)
    assert found["ring_snr_denoised"] == pytest.approx(found["ring_snr_noisy"])
    assert (found["residual_correlation"], found["residual_flatness"]) == (0.0, 0.0)


def test_images_need_not_be_square() -> None:
    image = lattice(shape=(192, 320)) + np.random.default_rng(1).standard_normal((192, 320))
    found = measure(image.astype(np.float32), lattice(shape=(192, 320)).astype(np.float32))
    assert found["lattice_peaks"] >= 3
    assert found["peaks_kept"] == pytest.approx(1.0, rel=0.05)
    assert all(np.isfinite(value) for value in found.values())

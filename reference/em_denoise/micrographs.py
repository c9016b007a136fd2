"""What can be said of a denoised micrograph whose clean truth nobody knows.

Three questions: is there more signal over noise at the frequencies of the lattice, did the lattice survive, and is what
was taken away noise? None of them is a proof: a model that draws a lattice of its own would pass the first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.floating]

PEAKS = 6
"""Lattice peaks that are looked at: the strongest of the noisy image, one of each pair of opposite ones."""

LOWEST = 0.02
HIGHEST = 0.45
"""Range of frequencies, in cycles per pixel, in which lattice peaks are looked for."""

NEIGHBOURHOOD = 2
"""Pixels of the spectrum around a peak that belong to it."""

LAGS = 8
"""Largest shift, in pixels, at which the residual is compared with itself."""


def measure(noisy_HW: Image, denoised_HW: Image) -> dict[str, float]:
    """Return the measures of a pair: `ring_snr_noisy`, `ring_snr_denoised`, `peak_amplitude_ratio`,
    `peak_contrast_gain`, `residual_correlation`, `residual_flatness`."""
    before, after = _spectrum(noisy_HW), _spectrum(denoised_HW)
    peaks = lattice_peaks(before)
    residual = np.asarray(noisy_HW, np.float64) - denoised_HW
    return {
        "ring_snr_noisy": ring_snr(before, peaks),
        "ring_snr_denoised": ring_snr(after, peaks),
        "peak_amplitude_ratio": float(np.sqrt(np.median([_power(after, p) / _power(before, p) for p in peaks]))),
        "peak_contrast_gain": ring_snr(after, peaks) / max(ring_snr(before, peaks), 1e-12),
        "residual_correlation": residual_correlation(residual),
        "residual_flatness": spectral_flatness(residual),
    }


def lattice_peaks(spectrum: Image) -> list[tuple[int, int]]:
    """Return the places of the strongest peaks of a centred power spectrum, one of each opposite pair."""
    rows, columns = spectrum.shape
    fy, fx = np.fft.fftshift(np.fft.fftfreq(rows)), np.fft.fftshift(np.fft.fftfreq(columns))
    radius = np.hypot(fy[:, None], fx[None, :])
    half = (fy[:, None] > 0) | ((fy[:, None] == 0) & (fx[None, :] > 0))
    left = np.where(half & (radius > LOWEST) & (radius < HIGHEST), spectrum, 0.0)
    peaks = []
    for _ in range(PEAKS):
        row, column = (int(i) for i in np.unravel_index(int(left.argmax()), left.shape))
        peaks.append((row, column))
        reach = 2 * NEIGHBOURHOOD
        left[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1] = 0.0
    return peaks


def ring_snr(spectrum: Image, peaks: list[tuple[int, int]]) -> float:
    """Return the median over peaks of their power over that of the ring of equal frequency, less one.

    The ring holds what does not belong to the lattice: its median power stands for the noise at that frequency
    (Fourier-ring statistics as in Saxton and Baumeister 1982, doi 10.1111/j.1365-2818.1982.tb00405.x).
    """
    rows, columns = spectrum.shape
    fy, fx = np.fft.fftshift(np.fft.fftfreq(rows)), np.fft.fftshift(np.fft.fftfreq(columns))
    radius = np.hypot(fy[:, None], fx[None, :])
    width, found = 2 / min(rows, columns), []
    for row, column in peaks:
        ring = np.abs(radius - radius[row, column]) < width
        background = float(np.median(spectrum[ring]))
        area = (2 * NEIGHBOURHOOD + 1) ** 2
        found.append(_power(spectrum, (row, column)) / max(area * background, 1e-300) - 1)
    return float(np.median(found))


def residual_correlation(residual_HW: Image) -> float:
    """Return the largest correlation of the residual with itself, shifted by 1 to `LAGS` pixels: 0 for white noise."""
    centred = residual_HW - residual_HW.mean()
    power = np.abs(np.fft.fft2(centred)) ** 2
    correlation = np.fft.ifft2(power).real
    correlation = np.fft.fftshift(correlation / correlation[0, 0])
    row, column = (size // 2 for size in correlation.shape)
    near = np.abs(correlation[row - LAGS : row + LAGS + 1, column - LAGS : column + LAGS + 1])
    near[LAGS, LAGS] = 0.0
    return float(near.max())


def spectral_flatness(residual_HW: Image) -> float:
    """Return the geometric over the arithmetic mean of the power spectrum, divided by what white noise has (e^-γ).

    1 is white; a residual that holds structure is far below.
    """
    power = np.abs(np.fft.rfft2(residual_HW - residual_HW.mean())) ** 2
    power = power[power > 0]
    flatness = np.exp(np.mean(np.log(power))) / power.mean()
    return float(flatness / np.exp(-np.euler_gamma))


def _spectrum(image_HW: Image) -> NDArray[np.float64]:
    """Return the centred power spectrum of an image behind a Hann window."""
    image = np.asarray(image_HW, np.float64)
    window = np.outer(np.hanning(image.shape[0]), np.hanning(image.shape[1]))
    return np.abs(np.fft.fftshift(np.fft.fft2((image - image.mean()) * window))) ** 2


def _power(spectrum: Image, peak: tuple[int, int]) -> float:
    row, column = peak
    reach = NEIGHBOURHOOD
    return float(spectrum[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1].sum())

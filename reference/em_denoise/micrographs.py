"""What can be said of a denoised micrograph whose clean truth nobody knows.

Three questions: does the lattice stand out more from its surroundings, is it as strong as it was, and is what was taken
away noise? None of them is a proof. A model that draws a lattice of its own would pass the first, and real noise that
is correlated along the scan is not white even where nothing else was taken away.

Everything is said of power spectra behind a Hann window. Spectra are centred, and frequencies are in cycles per pixel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.floating]
Spectrum = NDArray[np.float64]
Peak = tuple[int, int]

MOST_PEAKS = 6
"""Lattice peaks that are looked at, one of each pair of opposite ones."""

LOWEST, HIGHEST = 0.01, 0.45
"""Frequencies between which lattice peaks are looked for."""

FIRST_BIN = 4
"""Bins of the spectrum around its middle that hold the window's own shape and slow changes of the image."""

REACH = 2
"""Bins on each side of a peak that belong to it."""

AREA = (2 * REACH + 1) ** 2

SIGNIFICANT = 5.0
"""Ring SNR from which a maximum counts as a peak; the strongest of white noise have 2 to 3."""

LAGS = 8
"""Largest shift, in pixels, at which the residual is compared with itself."""


def measure(noisy_HW: Image, denoised_HW: Image) -> dict[str, float]:
    """Measure what became of a noisy image.

    Returns:
        `lattice_peaks`, how many the noisy image has; where there are any, `ring_snr_noisy`, `ring_snr_denoised`,
        `ring_snr_residual` and `peaks_kept` (amplitude after over before); and of what was taken away,
        `residual_correlation` and `residual_flatness`.
    """
    residual = np.asarray(noisy_HW, np.float64) - denoised_HW
    before, after, taken = (power_spectrum(image) for image in (noisy_HW, denoised_HW, residual))
    peaks = lattice_peaks(before)
    found = {"lattice_peaks": float(len(peaks))}
    if peaks:
        found["ring_snr_noisy"] = ring_snr(before, peaks)
        found["ring_snr_denoised"] = ring_snr(after, peaks)
        found["ring_snr_residual"] = ring_snr(taken, peaks)
        found["peaks_kept"] = peaks_kept(before, after, peaks)
    return found | {
        "residual_correlation": residual_correlation(residual),
        "residual_flatness": spectral_flatness(residual),
    }


def power_spectrum(image_HW: Image) -> Spectrum:
    """Return the centred power spectrum of an image behind a Hann window."""
    image = np.asarray(image_HW, np.float64)
    window = np.outer(np.hanning(image.shape[0]), np.hanning(image.shape[1]))
    return np.abs(np.fft.fftshift(np.fft.fft2((image - image.mean()) * window))) ** 2


def ring_background(spectrum: Spectrum) -> Spectrum:
    """Return the mean power of the noise in the ring of equal frequency through each bin.

    Powers of noise are distributed exponentially, so their mean is their median over ln 2; the few bins of a ring that
    hold a lattice peak do not move a median (rings as in Saxton and Baumeister 1982,
    doi 10.1111/j.1365-2818.1982.tb00405.x).
    """
    ring = np.rint(_frequencies(spectrum.shape) * min(spectrum.shape)).astype(np.int64).ravel()
    order = np.argsort(ring, kind="stable")
    edges = np.cumsum(np.bincount(ring))[:-1]
    medians = np.array([np.median(part) if part.size else 0.0 for part in np.split(spectrum.ravel()[order], edges)])
    return (medians / np.log(2))[ring].reshape(spectrum.shape)


def lattice_peaks(spectrum: Spectrum) -> list[Peak]:
    """Return the places of the peaks that stand out most from their rings, one of each opposite pair.

    They may be none: an image without a lattice has no peak of the ring SNR `SIGNIFICANT`.
    """
    rows, columns = spectrum.shape
    row, column = np.ogrid[-(rows // 2) : rows - rows // 2, -(columns // 2) : columns - columns // 2]
    frequency = _frequencies(spectrum.shape)
    half = (row > 0) | ((row == 0) & (column > 0))
    looked_at = half & (frequency > max(LOWEST, FIRST_BIN / min(rows, columns))) & (frequency < HIGHEST)
    left = np.where(looked_at, spectrum / np.maximum(ring_background(spectrum), 1e-300), 0.0)
    peaks: list[Peak] = []
    while len(peaks) < MOST_PEAKS and left.any():
        highest = np.unravel_index(int(left.argmax()), left.shape)
        peak = (int(highest[0]), int(highest[1]))
        if ring_snr(spectrum, [peak]) < SIGNIFICANT:
            break
        peaks.append(peak)
        for place in (peak, (2 * (rows // 2) - peak[0], 2 * (columns // 2) - peak[1])):  # it and its opposite
            left[_around(place, 2 * REACH)] = 0.0
    return peaks


def ring_snr(spectrum: Spectrum, peaks: list[Peak]) -> float:
    """Return the median over peaks of the ratio of their power to their rings' noise, less one: 0 for noise alone."""
    background = ring_background(spectrum)
    ratios = [spectrum[_around(p)].sum() / max(AREA * background[p], 1e-300) for p in peaks]
    return float(np.median(ratios)) - 1


def peaks_kept(before: Spectrum, after: Spectrum, peaks: list[Peak]) -> float:
    """Return the median over peaks of the amplitude after over that before, the noise of their rings subtracted."""
    power = []
    for spectrum in (before, after):
        background = ring_background(spectrum)
        power.append([max(spectrum[_around(p)].sum() - AREA * background[p], 0.0) for p in peaks])
    return float(np.median([np.sqrt(late / early) for early, late in zip(*power, strict=True)]))


def residual_correlation(residual_HW: Image) -> float:
    """Return the largest correlation of the residual with itself, shifted by 1 to `LAGS` pixels: 0 for white noise.

    A residual that is the same everywhere has none.
    """
    centred = residual_HW - residual_HW.mean()
    correlation = np.fft.ifft2(np.abs(np.fft.fft2(centred)) ** 2).real
    if not correlation[0, 0] > 0:
        return 0.0
    correlation = np.fft.fftshift(correlation / correlation[0, 0])
    row, column = (size // 2 for size in correlation.shape)
    near = np.abs(correlation[row - LAGS : row + LAGS + 1, column - LAGS : column + LAGS + 1])
    near[LAGS, LAGS] = 0.0
    return float(near.max())


def spectral_flatness(residual_HW: Image) -> float:
    """Return the geometric over the arithmetic mean of the power spectrum, divided by what white noise has (e^-γ).

    1 is white; a residual that holds structure is far below; one that is the same everywhere has 0.
    """
    power = np.abs(np.fft.rfft2(residual_HW - residual_HW.mean())) ** 2
    power = power[power > 0]
    if not power.size:
        return 0.0
    return float(np.exp(np.mean(np.log(power))) / power.mean() / np.exp(-np.euler_gamma))


def _frequencies(shape: tuple[int, ...]) -> Spectrum:
    """Return the frequency of each bin."""
    along_rows, along_columns = (np.fft.fftshift(np.fft.fftfreq(size)) for size in shape)
    return np.hypot(along_rows[:, None], along_columns[None, :])


def _around(peak: Peak, reach: int = REACH) -> tuple[slice, slice]:
    """Return the bins around a peak, in rows and columns."""
    row, column = (slice(max(0, place - reach), place + reach + 1) for place in peak)
    return row, column

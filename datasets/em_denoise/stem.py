"""A pair as a scanning microscope with an annular dark-field detector records it: incoherent, row by row, in 8 bits.

Columns are Gaussians as high as Z^1.7 (Krivanek et al. 2010, Nature 464, 571, find 1.64 for such a detector). The
scanned record adds what a scan does, after Lobato, Friedrich and Van Aert 2023 (arXiv 2303.17025). Gain, mean and row
noise are those measured on a real frame of graphene: about 5 electrons a pixel, a variance of 12.5 times the mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.em_denoise.simulator import PAD, PIXEL_ANG, SIDE, Pair, truth_of
from datasets.em_denoise.specimen import CLASSES, Specimen, draw_specimen

Float = NDArray[np.float64]

ATOMIC_NUMBERS = np.array([6.0, 14.0])
"""Of carbon and silicon, in the order of `Specimen.species`."""

CONTRAST_EXPONENT = 1.7
"""Power of the atomic number that an atom's signal grows with."""

CARBON_ANG2 = 0.005
"""Area in which a carbon atom sends electrons to the detector, in Å²: 10⁵ e⁻/Å² give about 5 a pixel of 0.16 Å."""

PROBE_ANG = (0.35, 0.55)
"""Range of the standard deviation of a column: probe, source size and thermal motion together, in Å."""

JITTER_ANG = 0.05
"""Standard deviation of a row's place along itself, in Å."""

ROW_NOISE_COUNTS = 0.79
"""Standard deviation of a row's level beyond shot noise: rows of 512 vary by 1.46 counts where that makes 1.23."""

LARGEST_GAIN = 12.5
"""Counts per electron: what the photon transfer of the real frame gives."""

BRIGHTEST_COUNTS = 200.0
"""Level above the offset that the operator lets no column exceed, by a smaller gain."""

OFFSET_COUNTS = (0.0, 10.0)
"""Range of the black level."""

WHITE_COUNTS = 255.0
"""Largest grey level."""


@dataclass(frozen=True, kw_only=True)
class Detector:
    """How electrons become grey levels in one image."""

    gain: float
    """Counts per electron."""

    offset: float
    """Counts without any electron."""


def columns_per_dose(specimen: Specimen, pixels: int, pixel_ang: float, probe_ang: float) -> Float:
    """Return the electrons in each pixel per e⁻/Å² of dose, (pixels, pixels), in Å²: an undistorted scan.

    Args:
        specimen: atoms, in Å from the corner of the scan.
        pixels: rows and columns.
        pixel_ang: side of a pixel, in Å.
        probe_ang: standard deviation of a column, in Å.
    """
    places = np.arange(pixels) * pixel_ang
    across = (places[:, None, None] - specimen.positions_ang[None]) / probe_ang
    profiles = np.exp(-0.5 * across**2) * pixel_ang / (np.sqrt(2 * np.pi) * probe_ang)
    strengths = CARBON_ANG2 * (ATOMIC_NUMBERS[specimen.species] / ATOMIC_NUMBERS[0]) ** CONTRAST_EXPONENT
    found: Float = (profiles[..., 0] * strengths) @ profiles[..., 1].T
    return found


def jitter(random: np.random.Generator, image: Float, pixel_ang: float) -> Float:
    """Return an image whose rows are each moved along themselves, (rows, columns); ends are joined.

    The shift by a phase is exact, because columns are smooth on the scale of a pixel.
    """
    shifts_ang = random.normal(0.0, JITTER_ANG, len(image))
    frequency = np.fft.rfftfreq(image.shape[1], pixel_ang)
    phases = np.exp(-2j * np.pi * shifts_ang[:, None] * frequency)
    return np.maximum(np.fft.irfft(np.fft.rfft(image, axis=1) * phases, image.shape[1], axis=1), 0.0)


def draw_detector(random: np.random.Generator, electrons: Float) -> Detector:
    """Draw the black level, and set the gain so that the brightest column stays inside the 8 bits."""
    gain = min(LARGEST_GAIN, BRIGHTEST_COUNTS / float(electrons.max()))
    return Detector(gain=gain, offset=random.uniform(*OFFSET_COUNTS))


def record(random: np.random.Generator, electrons: Float, detector: Detector) -> Float:
    """Return grey levels, whole numbers from 0 to 255, of the electrons that each pixel expects."""
    counts = detector.gain * random.poisson(electrons) + detector.offset
    counts += random.normal(0.0, ROW_NOISE_COUNTS, len(electrons))[:, None]
    return np.clip(np.rint(counts), 0.0, WHITE_COUNTS)


def simulate_stem_pair(seed: np.random.SeedSequence, dose_range: tuple[float, float]) -> Pair:
    """Simulate a pair, both in grey levels; equal seeds give equal pairs.

    Args:
        seed: source of all random numbers.
        dose_range: of the dose that meets the specimen, in e⁻/Å²; even in its logarithm.
    """
    random = np.random.default_rng(seed)
    defect = int(random.integers(len(CLASSES)))
    pixel_ang, dose = random.uniform(*PIXEL_ANG), float(np.exp(random.uniform(*np.log(dose_range))))
    specimen = draw_specimen(random, SIDE * pixel_ang, PAD * pixel_ang, CLASSES[defect])
    padded = dose * columns_per_dose(specimen, SIDE + 2 * PAD, pixel_ang, random.uniform(*PROBE_ANG))
    electrons, scanned = (image[PAD:-PAD, PAD:-PAD] for image in (padded, jitter(random, padded, pixel_ang)))
    detector = draw_detector(random, electrons)
    clean, noisy = detector.gain * electrons + detector.offset, record(random, scanned, detector)
    truth = truth_of(specimen, defect=defect, dose=dose, pixel_ang=pixel_ang)
    return Pair(clean=clean.astype(np.float32), noisy=noisy.astype(np.float32), truth=truth)

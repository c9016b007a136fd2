"""One pair of images: a specimen, a microscope, a detector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.em_denoise.detector import record
from datasets.em_denoise.optics import draw_microscope, image, projected_potential_v_ang
from datasets.em_denoise.specimen import CLASSES, Specimen, draw_specimen

SIDE = 256
"""Rows and columns of an image."""

PAD = 32
"""Pixels around the image that are computed and cut off: the optics wrap around at the edges."""

PIXEL_ANG = (0.12, 0.20)
"""Range of the side of a pixel, in Å."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A clean image, a noisy record of it, and the truth behind them."""

    clean: NDArray[np.float32]
    """(256, 256): intensity over that of the vacuum."""

    noisy: NDArray[np.float32]
    """(256, 256): the same scale."""

    truth: dict[str, float]
    """The keys of graphene_truth.h5 for this pair."""


def truth_of(specimen: Specimen, *, defect: int, dose: float, pixel_ang: float) -> dict[str, float]:
    """Return the keys of graphene_truth.h5 for an image of a specimen; the dose in e⁻/Å²."""
    return {
        "class": defect,
        "dose": dose,
        "pixel": pixel_ang,
        "vacancies": specimen.vacancies,
        "stone_wales": specimen.stone_wales,
        "substitutions": specimen.substitutions,
    }


def simulate_pair(seed: np.random.SeedSequence, dose_range: tuple[float, float]) -> Pair:
    """Simulate a pair; equal seeds give equal pairs. Doses, in e⁻/Å², are drawn evenly in their logarithm."""
    random = np.random.default_rng(seed)
    defect = int(random.integers(len(CLASSES)))
    pixel_ang, dose = random.uniform(*PIXEL_ANG), float(np.exp(random.uniform(*np.log(dose_range))))
    pixels = SIDE + 2 * PAD
    specimen = draw_specimen(random, SIDE * pixel_ang, PAD * pixel_ang, CLASSES[defect])
    potential = projected_potential_v_ang(specimen.positions_ang, specimen.species, pixels, pixel_ang)
    clean = image(potential, pixel_ang, draw_microscope(random))[PAD:-PAD, PAD:-PAD]
    truth = truth_of(specimen, defect=defect, dose=dose, pixel_ang=pixel_ang)
    noisy = record(random, clean, dose, pixel_ang)
    return Pair(clean=clean.astype(np.float32), noisy=noisy.astype(np.float32), truth=truth)

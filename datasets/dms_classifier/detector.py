"""The detector, and the lines that diffuse multiple scattering draws on it.

X-rays that a crystal scatters diffusely go in all directions, and those that meet a plane G at its Bragg angle are
scattered once more. What leaves along u then obeys u·Ĝ = λ/(2d): a cone about G, a line on the detector
(Nisbet et al. 2015, Acta Cryst. A71, 20, doi 10.1107/S2053273314026515; Kossel's geometry).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

ROWS, COLUMNS = 487, 195
PIXEL_MM = 0.172
DISTANCE_MM = 450.0
ENERGY_KEV = 8.0
HC_KEV_ANG = 12.39842
TWO_THETA_DEG = 60.0
"""Angle of the detector's middle to the beam, in degrees."""

CUT = 4.0
"""Half-widths of a line at which it is taken to end."""


@dataclass(frozen=True, kw_only=True)
class Detector:
    """Where each pixel lies, as seen from the crystal."""

    directions: Float
    """(rows, columns, 3): unit vectors."""

    half_diagonal_rad: float
    """Angle between the middle and a corner."""

    @property
    def centre(self) -> Float:
        """Direction of the middle pixel."""
        middle: Float = self.directions[ROWS // 2, COLUMNS // 2]
        return middle


def place(two_theta_deg: float) -> Detector:
    """Return the detector at an angle to the beam, which runs along x; its rows lie in the scattering plane."""
    angle = np.radians(two_theta_deg)
    towards = np.array([np.cos(angle), 0.0, np.sin(angle)])
    along_rows, along_columns = np.array([-np.sin(angle), 0.0, np.cos(angle)]), np.array([0.0, 1.0, 0.0])
    rows = (np.arange(ROWS) - (ROWS - 1) / 2) * PIXEL_MM
    columns = (np.arange(COLUMNS) - (COLUMNS - 1) / 2) * PIXEL_MM
    points = DISTANCE_MM * towards + rows[:, None, None] * along_rows + columns[None, :, None] * along_columns
    directions = points / np.linalg.norm(points, axis=-1, keepdims=True)
    corner = float(np.arccos(directions[0, 0] @ directions[ROWS // 2, COLUMNS // 2]))
    return Detector(directions=directions, half_diagonal_rad=corner)


def wavelength_ang(energy_kev: float = ENERGY_KEV) -> float:
    """Return the wavelength of the beam, in Å."""
    return HC_KEV_ANG / energy_kev


def lines(detector: Detector, vectors: Float, strengths: Float, width_px: float) -> Float:
    """Return the lines of reflections, (rows, columns): each a Gaussian across its cone, as high as its strength.

    Args:
        detector: where the pixels are.
        vectors: (n, 3), G in Å⁻¹ in the laboratory's frame.
        strengths: (n,), heights of the lines.
        width_px: standard deviation across a line, in pixels.
    """
    lengths = np.linalg.norm(vectors, axis=1)
    sine = wavelength_ang() * lengths / 2
    reachable = sine < 1
    vectors, strengths, lengths, sine = (part[reachable] for part in (vectors, strengths, lengths, sine))
    units = vectors / lengths[:, None]
    width_rad = width_px * PIXEL_MM / DISTANCE_MM
    margin = detector.half_diagonal_rad + CUT * width_rad
    off = np.abs(np.arccos(np.clip(units @ detector.centre, -1, 1)) - np.arccos(sine))
    total = np.zeros((ROWS, COLUMNS))
    for unit, strength, angle in zip(units[off < margin], strengths[off < margin], sine[off < margin], strict=True):
        across = (detector.directions @ unit - angle) / (np.sqrt(1 - angle**2) * width_rad)
        near = np.abs(across) < CUT
        total[near] += strength * np.exp(-0.5 * across[near] ** 2)
    return total


def background(random: np.random.Generator) -> Float:
    """Return a smooth background of random height and centre, in counts."""
    centre = random.uniform(-0.5, 0.5, 2)
    rows, columns = np.linspace(-1, 1, ROWS) - centre[0], np.linspace(-1, 1, COLUMNS) * COLUMNS / ROWS - centre[1]
    squared = rows[:, None] ** 2 + columns[None, :] ** 2
    return random.uniform(15.0, 45.0) * np.exp(-0.4 * squared)

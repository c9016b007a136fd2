"""From atoms to an image: projected potential, phase object, contrast transfer (HRTEM in the weak-lens textbook form).

Equations: Kirkland, Advanced Computing in Electron Microscopy (2nd edition, 2010), chapters 2, 3 and appendix C.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

REST_ENERGY_EV = 510_998.95
"""Rest energy of the electron."""

POTENTIAL_V_ANG2 = 47.878
"""h² / (2π m₀ e), in V·Å²: turns an electron scattering factor in Å into a potential."""

ENERGY_EV = 80_000.0
"""Energy of the beam: below the threshold at which it knocks carbon out of graphene."""

SCATTERING = (
    (
        (0.212080767, 0.199811865, 0.168254385), (0.208605417, 0.208610186, 5.57870773),
        (0.14204836, 0.363830672, 0.000835012), (1.33311887, 3.80800263, 0.040398262),
    ),
    (
        (1.06543892, 0.120143691, 0.180915263), (1.04118455, 68.7113368, 0.0887533926),
        (1.1206562, 0.0305452816, 1.59963502), (3.70062619, 0.214097897, 9.99096638),
    ),
)  # fmt: skip
"""Kirkland's parameters a, b, c, d of carbon and of silicon: f(q) = Σ a/(q² + b) + c·exp(−d q²), in Å."""


@dataclass(frozen=True, kw_only=True)
class Microscope:
    """Imaging conditions of one image."""

    overfocus_ang: float
    """Defocus, positive for a lens too strong, in Å: it balances a negative spherical aberration."""

    spherical_ang: float
    """Spherical aberration C_s, in Å."""

    focal_spread_ang: float
    """Standard deviation δ of the defocus, in Å: temporal coherence."""

    convergence_rad: float
    """Half-angle α of the illumination: spatial coherence."""


def draw_microscope(random: np.random.Generator) -> Microscope:
    """Draw the conditions of an aberration-corrected microscope at small negative C_s."""
    return Microscope(
        overfocus_ang=random.normal(70.0, 20.0),
        spherical_ang=random.normal(-15e4, 3e4),
        focal_spread_ang=random.uniform(25.0, 45.0),
        convergence_rad=random.uniform(0.1e-3, 0.3e-3),
    )


def wavelength_ang(energy_ev: float) -> float:
    """Return the relativistic wavelength of electrons, in Å."""
    return float(12.2643 / np.sqrt(energy_ev * (1 + 0.978476e-6 * energy_ev)))


def interaction_per_v_ang(energy_ev: float) -> float:
    """Return the interaction parameter σ, in rad/(V·Å)."""
    ratio = (REST_ENERGY_EV + energy_ev) / (2 * REST_ENERGY_EV + energy_ev)
    return float(2 * np.pi / (wavelength_ang(energy_ev) * energy_ev) * ratio)


def projected_potential_v_ang(positions_ang: Float, species: NDArray[np.int64], pixels: int, pixel_ang: float) -> Float:
    """Return the projected potential on a periodic grid of pixels × pixels, in V·Å."""
    q2 = _frequencies_squared(pixels, pixel_ang)
    spectrum = np.zeros(q2.shape, np.complex128)
    for kind in range(len(SCATTERING)):
        atoms = _splat(positions_ang[species == kind] / pixel_ang, pixels)
        spectrum += np.fft.rfft2(atoms) * scattering_factor_ang(q2, kind)
    return np.fft.irfft2(spectrum, (pixels, pixels)) * POTENTIAL_V_ANG2 / pixel_ang**2


def scattering_factor_ang(q2: Float, kind: int) -> Float:
    """Return the electron scattering factor of a species at squared frequencies q² in Å⁻²."""
    a, b, c, d = (np.array(part) for part in SCATTERING[kind])
    total = np.zeros_like(q2)
    for i in range(3):
        total += a[i] / (q2 + b[i]) + c[i] * np.exp(-d[i] * q2)
    return total


def image(potential_v_ang: Float, pixel_ang: float, microscope: Microscope) -> Float:
    """Return the intensity of the image over that of the vacuum, of the potential's shape."""
    wavelength, pixels = wavelength_ang(ENERGY_EV), len(potential_v_ang)
    frequency = np.fft.fftfreq(pixels, pixel_ang)
    q2 = frequency[:, None] ** 2 + frequency[None, :] ** 2
    spherical, overfocus = microscope.spherical_ang, microscope.overfocus_ang
    phase = np.pi * wavelength * q2 * (0.5 * spherical * wavelength**2 * q2 + overfocus)
    temporal = np.exp(-0.5 * (np.pi * wavelength * microscope.focal_spread_ang * q2) ** 2)
    slope = spherical * wavelength**3 * q2 + overfocus * wavelength
    spatial = np.exp(-((np.pi * microscope.convergence_rad / wavelength * slope) ** 2) * q2)
    wave = np.exp(1j * interaction_per_v_ang(ENERGY_EV) * potential_v_ang)
    wave = np.fft.ifft2(np.fft.fft2(wave) * np.exp(-1j * phase) * temporal * spatial)
    return wave.real**2 + wave.imag**2


def _frequencies_squared(pixels: int, pixel_ang: float) -> Float:
    return np.fft.fftfreq(pixels, pixel_ang)[:, None] ** 2 + np.fft.rfftfreq(pixels, pixel_ang)[None, :] ** 2


def _splat(places: Float, pixels: int) -> Float:
    """Share each atom among the four pixels around it, in proportion to their nearness."""
    corner = np.floor(places).astype(np.int64)
    part = places - corner
    grid = np.zeros(pixels * pixels)
    for row in (0, 1):
        for column in (0, 1):
            weight = np.abs(1 - row - part[:, 0]) * np.abs(1 - column - part[:, 1])
            index = (corner[:, 0] + row) % pixels * pixels + (corner[:, 1] + column) % pixels
            grid += np.bincount(index, weight, pixels * pixels)
    return grid.reshape(pixels, pixels)

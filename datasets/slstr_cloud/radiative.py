"""Radiative transfer of the simulator: closed forms, one function per process, all pixel by pixel.

Units: reflectance 1, radiance W m-2 sr-1 um-1, temperature K, wavelength um, water vapour cm; mu = cosine of an angle
to the vertical. All arrays have shape HW and type float32.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from datasets.slstr_cloud.fields import Field

SOLAR_UM = (0.555, 0.659, 0.865, 1.375, 1.61, 2.25)
"""Band centres of S1 to S6."""

THERMAL_UM = (3.742, 10.854, 12.0225)
"""Band centres of S7 to S9, from the quality files of a real product."""

SOLAR_IRRADIANCE = (1801.99, 1491.08, 938.53, 358.74, 240.61, 75.95)
"""E0 of S1 to S6 in mW m-2 nm-1, from a real product's `viscal.nc`."""

SOLAR_IRRADIANCE_S7 = 10.8
"""E0 at 3.74 um in W m-2 um-1."""

PLANCK_C1 = 1.191042972e8
PLANCK_C2 = 14387.769
ASYMMETRY = 0.85
WATER_CO_ALBEDO = (0.0, 0.0, 0.0, 0.0005, 0.005, 0.02)
"""1 - single-scattering albedo of water droplets, S1 to S6."""

ICE_CO_ALBEDO = (0.0, 0.0, 0.0, 0.01, 0.06, 0.08)
"""1 - single-scattering albedo of ice crystals, S1 to S6."""

GAS_ABSORPTION = (0.03, 0.10, 0.17)
"""Absorption of S7 to S9 per centimetre of water vapour."""

S4_ABSORPTION = 6.0
"""Absorption of S4 (the 1.375 um water-vapour band) per centimetre of water vapour."""

CLOUD_EMISSION = (0.8, 0.5, 0.55)
"""Absorption optical depth of cloud in S7 to S9 over its optical depth in the visible."""

AEROSOL_EXPONENT = 0.6
"""Angstrom exponent of haze: its optical depth falls as wavelength^-0.6, between dust (0.2) and smoke (1.5)."""

AEROSOL_CO_ALBEDO = 0.03
"""1 - single-scattering albedo of haze."""

AEROSOL_ASYMMETRY = 0.7
"""Haze scatters less forwards than droplets."""

AEROSOL_EMISSION = (0.35, 0.2, 0.15)
"""Absorption optical depth of haze in S7 to S9 over its optical depth at 0.55 um."""

VAPOUR_SCALE_KM = 2.0
"""Height over which water vapour falls by a factor e."""


def planck(temperature_k: Field, wavelength_um: float) -> Field:
    """Return the black-body radiance of temperature_k at one wavelength."""
    exponent = np.float32(PLANCK_C2 / wavelength_um) / temperature_k
    return (np.float32(PLANCK_C1 / wavelength_um**5) / np.expm1(exponent)).astype(np.float32)


def inverse_planck(radiance: Field, wavelength_um: float) -> Field:
    """Return the brightness temperature of a radiance at one wavelength."""
    ratio = np.float32(PLANCK_C1 / wavelength_um**5) / np.maximum(radiance, np.float32(1e-6))
    return (np.float32(PLANCK_C2 / wavelength_um) / np.log1p(ratio)).astype(np.float32)


class CloudOptics:
    """A cloud layer by itself in sunlight, by two-stream similarity; what bands have in common is computed once.

    t' = 3/4 (1 - g) tau, s = sqrt((1 - w) / (1 - w g)), R = R_inf t' / (1 + t') with R_inf = (1 - s) / (1 + s),
    T = exp(-1.7 s sqrt(min(tau, 50))) / (1 + t').
    """

    def __init__(self, optical_depth: Field) -> None:
        """Take the optical depth in the visible."""
        self._scaled = np.float32(0.75 * (1 - ASYMMETRY)) * optical_depth
        self._beyond = 1 + self._scaled
        self._root = np.sqrt(np.minimum(optical_depth, 50))

    def at(self, co_albedo: Field | float) -> tuple[Field, Field]:
        """Return reflectance and squared transmission where 1 - w is `co_albedo`."""
        one_minus_wg = 1 - ASYMMETRY + ASYMMETRY * co_albedo
        similarity = np.sqrt(np.asarray(co_albedo / one_minus_wg, np.float32))
        reflection = (1 - similarity) / (1 + similarity) * self._scaled
        reflection /= self._beyond
        transmission = np.exp(np.float32(-1.7) * similarity * self._root)
        transmission /= self._beyond
        return reflection, transmission**2


def add_layer(reflection: Field, transmission_squared: Field, albedo_below: Field) -> Field:
    """Return the reflectance of a layer over a surface, by adding: rho = R + T^2 A / (1 - R A)."""
    lost = reflection * albedo_below
    np.subtract(1, lost, out=lost)
    result = transmission_squared * albedo_below
    result /= lost
    result += reflection
    return result


def add_haze(optical_depth: Field, band: int, albedo_below: Field) -> Field:
    """Return the reflectance of haze with an optical depth at 0.55 um over a surface, in solar band 0 to 5.

    t' = 3/4 (1 - g) tau, R = w t' / (1 + t'), T = exp(-5/3 (1 - w) tau) / (1 + t'); then as for cloud. The square
    root in `CloudOptics` holds for thick layers, and would absorb far too much in a thin one.
    """
    depth = np.float32((SOLAR_UM[band] / SOLAR_UM[0]) ** -AEROSOL_EXPONENT) * optical_depth
    scaled = np.float32(0.75 * (1 - AEROSOL_ASYMMETRY)) * depth
    reflection = np.float32(1 - AEROSOL_CO_ALBEDO) * scaled / (1 + scaled)
    transmission = np.exp(np.float32(-5 / 3 * AEROSOL_CO_ALBEDO) * depth) / (1 + scaled)
    return add_layer(reflection, transmission**2, albedo_below)


class Rayleigh:
    """Molecular scattering along the paths of some pixels; what bands have in common is computed once."""

    def __init__(self, mu: Field, mu0: Field, *, shielded: NDArray[np.bool_]) -> None:
        """Take the cosines, and where an opaque cloud shields most of the air."""
        self._slant = 1 / mu + 1 / mu0
        self._phase, self._spread = 1 + mu0**2, 4 * mu * mu0
        self._above = np.where(shielded, np.float32(np.exp(-0.5)), np.float32(1))

    def add(self, reflectance: Field, wavelength_um: float) -> Field:
        """Return the reflectance with scattering of the optical depth of Froehlich and Shaw 1980."""
        w = wavelength_um
        depth = np.float32(0.00864 * w ** -(3.916 + 0.074 * w + 0.05 / w))
        path = depth * np.float32(0.75) * self._phase
        path /= self._spread
        path *= self._above
        result = np.exp(np.float32(-0.5) * depth * self._slant)
        result *= reflectance
        result += path
        return result


def vapour_above(column_cm: float, height_km: Field) -> Field:
    """Return the water vapour above a height, for an exponential atmosphere."""
    return (np.float32(column_cm) * np.exp(-height_km / np.float32(VAPOUR_SCALE_KM))).astype(np.float32)


def sun_glint(mu: Field, mu0: Field, relative_azimuth_rad: float, wind_m_s: Field) -> Field:
    """Return the reflectance of the sun's image on a rough sea (Cox and Munk 1954, isotropic slopes).

    rho = pi F P / (4 mu mu0 cos^4 b), P = exp(-tan^2 b / s2) / (pi s2), s2 = 0.003 + 0.00512 U, F = 0.02 (Fresnel).
    """
    sine = np.sqrt((1 - mu**2) * (1 - mu0**2))
    cos_double = mu * mu0 + sine * np.float32(np.cos(relative_azimuth_rad))
    cos_tilt = (mu + mu0) / np.sqrt(np.maximum(2 + 2 * cos_double, np.float32(1e-6)))
    tilt = np.maximum(1 / cos_tilt**2 - 1, 0)
    variance = np.float32(0.003) + np.float32(0.00512) * wind_m_s
    slopes = np.exp(-tilt / variance) / (np.float32(np.pi) * variance)
    return (np.float32(np.pi * 0.02) * slopes / (4 * mu * mu0 * cos_tilt**4)).astype(np.float32)


def through_gas(radiance: Field, transmission: Field, gas_radiance: Field) -> Field:
    """Return radiance after an emitting, absorbing layer of water vapour."""
    return radiance * transmission + (1 - transmission) * gas_radiance


def emissivity(optical_depth: Field, mu: Field, band: int, *, aerosol: bool = False) -> Field:
    """Return the emissivity of a layer of cloud, or of haze, in thermal band 0 to 2 (S7 to S9)."""
    absorption = (AEROSOL_EMISSION if aerosol else CLOUD_EMISSION)[band]
    return (1 - np.exp(np.float32(-absorption) * optical_depth / mu)).astype(np.float32)

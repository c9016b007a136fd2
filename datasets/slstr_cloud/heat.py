"""What a scene emits: brightness temperatures of S7 to S9, and what the operational tests call cloud.

Shape suffixes: H rows, W columns, C channels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from datasets.slstr_cloud import radiative as rt
from datasets.slstr_cloud.clouds import Layer
from datasets.slstr_cloud.fields import Field, point_spread, strips
from datasets.slstr_cloud.labels import summary_plane
from datasets.slstr_cloud.sky import Sky

S2, S6 = 1, 5
"""Indices among S1 to S6."""

S7, S8 = 0, 1
"""Indices among S7 to S9."""

S7_SATURATION_K = 312.3
NOISE_K = (0.03, 0.014, 0.02)
"""Noise-equivalent temperature difference of S7 to S9, between the values of a real product at 265 K and 303 K."""


def heat(rng: np.random.Generator, sky: Sky, refs: Field) -> tuple[Field, NDArray[np.uint8]]:
    """Return bts_HWC of S7 to S9 in kelvin with noise and the saturation of S7, and summary_HW."""
    shape = sky.mu0.shape
    noise_CHW = rng.standard_normal((len(NOISE_K), *shape), dtype=np.float32)
    bts, summary = np.empty((*shape, len(NOISE_K)), np.float32), np.empty(shape, np.uint8)
    for strip in strips(shape, halo=1):
        part, own = sky.rows(strip.seen), strip.own
        radiances, clear_k = _radiances(part, refs[strip.seen, :, S6])
        for band, radiance in enumerate(radiances):
            kelvins = rt.inverse_planck(point_spread(radiance)[strip.inner], rt.THERMAL_UM[band])
            kelvins += np.float32(NOISE_K[band]) * noise_CHW[band, own]
            bts[own, :, band] = np.minimum(kelvins, np.float32(S7_SATURATION_K)) if band == S7 else kelvins
        clear_rho = part.surface.rows(strip.inner).albedo(S2)
        summary[own] = summary_plane(bts[own, :, S8], clear_k[strip.inner], refs[own, :, S2], clear_rho)
    return bts, summary


def _radiances(sky: Sky, s6_rho: Field) -> tuple[list[Field], Field]:
    """Return the radiances_HW of S7 to S9, and the brightness temperature_HW of S8 if there were no cloud.

    S7 has the reflected sun, in proportion to `s6_rho`, the reflectance of S6.
    """
    found = []
    surface_vapour = rt.vapour_above(sky.climate.vapour_cm, sky.surface.height_km)
    layer_vapour = [rt.vapour_above(sky.climate.vapour_cm, layer.height_km) for layer in sky.layers]
    for band in range(len(NOISE_K)):
        radiance = _surface_radiance(sky, band, surface_vapour)
        if band == S8:
            clear_k = rt.inverse_planck(radiance, rt.THERMAL_UM[band])
        for layer, vapour in zip(sky.layers, layer_vapour, strict=True):
            radiance = _under_layer(sky, layer, band, vapour, radiance)
        if band == S7 and not sky.climate.night:
            sun = np.float32(rt.SOLAR_IRRADIANCE_S7 / np.pi * 0.3) * sky.mu0 * np.maximum(s6_rho, 0)
            radiance = radiance + sun
        found.append(radiance)
    return found, clear_k


def _surface_radiance(sky: Sky, band: int, vapour: Field) -> Field:
    """Return the thermal radiance_HW of ground and vapour in one band."""
    wavelength, surface = rt.THERMAL_UM[band], sky.surface
    emitted = surface.emissivity(band) * rt.planck(surface.temperature_k, wavelength)
    return rt.through_gas(emitted, _gas(sky, band, vapour), rt.planck(surface.temperature_k - 12, wavelength))


def _under_layer(sky: Sky, layer: Layer, band: int, vapour: Field, radiance: Field) -> Field:
    """Return the thermal radiance_HW above a layer, with that of the vapour above it, from the one below it."""
    covered = rt.emissivity(layer.optical_depth, sky.mu[:1], band, aerosol=layer.aerosol)
    if layer.cover is not None:
        covered = covered * layer.cover
    top = rt.planck(layer.temperature_k, rt.THERMAL_UM[band])
    air = rt.planck(layer.temperature_k - 8, rt.THERMAL_UM[band])
    seen = rt.through_gas(top, _gas(sky, band, vapour), air)
    return (1 - covered) * radiance + covered * seen


def _gas(sky: Sky, band: int, vapour: Field) -> Field:
    """Return the transmission_HW of water vapour in one thermal band."""
    return np.exp(-np.float32(rt.GAS_ABSORPTION[band]) * vapour / sky.mu[:1])

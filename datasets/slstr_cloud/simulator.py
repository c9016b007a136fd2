"""One simulated scene: ground, clouds, sun and instrument put together.

Shape suffixes: H rows, W columns, C channels.
"""

from __future__ import annotations

import numpy as np

from datasets.slstr_cloud import radiative as rt
from datasets.slstr_cloud.climate import Climate, draw_climate, solar_cosine, view_cosine
from datasets.slstr_cloud.clouds import Layer, draw_high_cloud, draw_low_cloud
from datasets.slstr_cloud.extras import NO_EXTRAS, Extras, extra_layers, fill_cosmetically, mislabel
from datasets.slstr_cloud.fields import Field, point_spread
from datasets.slstr_cloud.labels import bayes_plane, summary_plane
from datasets.slstr_cloud.scene import Scene
from datasets.slstr_cloud.surface import Surface, draw_surface

S7_SATURATION_K = 312.3
NOISE_K = (0.03, 0.014, 0.02)
"""Noise-equivalent temperature difference of S7 to S9, between the values of a real product at 265 K and 303 K."""

FIRST_VALID_COLUMN, LAST_VALID_COLUMN = 37, 1479
"""Columns of the 1500 that a real nadir image fills on every row."""


def simulate_scene(
    seed: np.random.SeedSequence, *, rows: int, columns: int, night: bool, extras: Extras = NO_EXTRAS
) -> Scene:
    """Simulate one scene; the same seed and the same extras give the same scene.

    Returns bts_HWC in kelvin, refs_HWC, rads_HWC, and the label planes of shape HW1, NaN outside the swath.
    """
    rng = np.random.default_rng(seed)
    climate = draw_climate(rng, night=night)
    mu = view_cosine((rows, columns))
    mu0 = solar_cosine(climate, (rows, columns))
    surface = draw_surface(rng, climate, mu, mu0)
    low = draw_low_cloud(rng, climate, mu.shape)
    high = draw_high_cloud(rng, climate, mu.shape)
    layers = extra_layers(seed, extras, climate, [low, high])
    refs = _reflectances(rng, climate, surface, layers, mu, mu0)
    bts = _brightness_temperatures(rng, climate, surface, layers, mu, mu0, refs)
    clear_bts = _thermal(climate, surface, [], mu, 1)
    cloud_depth = sum((layer.cloud_depth() for layer in layers[1:]), layers[0].cloud_depth())
    scene = Scene(
        bts=bts,
        rads=_radiances(refs, mu0),
        refs=refs.astype(np.float64),
        bayes=mislabel(seed, extras, bayes_plane(rng, cloud_depth, surface))[..., None],
        summary=summary_plane(bts[..., 1], clear_bts, refs[..., 1], surface.albedo(1))[..., None],
        attributes={"simulated": 1, "air_k": climate.air_k, "solar_zenith_deg": climate.solar_zenith_deg},
    )
    return _outside_swath(fill_cosmetically(seed, extras, scene))


def simulate_surface(seed: np.random.SeedSequence, *, rows: int, columns: int, night: bool) -> Surface:
    """Return the ground of the scene of the same arguments, which no file holds."""
    rng = np.random.default_rng(seed)
    climate = draw_climate(rng, night=night)
    return draw_surface(rng, climate, view_cosine((rows, columns)), solar_cosine(climate, (rows, columns)))


def _reflectances(
    rng: np.random.Generator, climate: Climate, surface: Surface, layers: list[Layer], mu: Field, mu0: Field
) -> Field:
    """Return refs_HWC of S1 to S6 with noise 0.003 + 0.005 rho; 0 at night."""
    refs = np.zeros((*mu.shape, 6), np.float32)
    if climate.night:
        return refs
    shielded = np.sum([layer.cloud_depth() for layer in layers], axis=0) > 1
    airmass = np.float32(0.5) * (1 / mu + 1 / mu0)
    for band in range(6):
        rho, top = surface.albedo(band), surface.height_km
        if band == 3:
            rho = rho * np.exp(-rt.S4_ABSORPTION * airmass * rt.vapour_above(climate.vapour_cm, top))
        for layer in layers:
            below = rho
            if band == 3:
                above = np.exp(-rt.S4_ABSORPTION * airmass * rt.vapour_above(climate.vapour_cm, layer.height_km))
                rho = above * _through_layer(layer, band, np.minimum(rho / above, 1))
            else:
                rho = _through_layer(layer, band, rho)
            if layer.cover is not None:
                rho = layer.cover * rho + (1 - layer.cover) * below
        rho = rt.rayleigh(point_spread(rho), rt.SOLAR_UM[band], mu, mu0, shielded)
        noise = rng.standard_normal(mu.shape, dtype=np.float32)
        refs[..., band] = rho + (np.float32(0.003) + np.float32(0.005) * rho) * noise
    return refs


def _through_layer(layer: Layer, band: int, rho: Field) -> Field:
    """Return the reflectance_HW of a layer over what has the reflectance rho, where the layer covers all."""
    if layer.aerosol:
        return rt.add_haze(layer.optical_depth, band, rho)
    co_albedo = rt.WATER_CO_ALBEDO[band] * (1 - layer.ice) + rt.ICE_CO_ALBEDO[band] * layer.ice
    return rt.add_cloud(layer.optical_depth, co_albedo, rho)


def _radiances(refs: Field, mu0: Field) -> Field:
    """Return rads_HWC in mW m-2 sr-1 nm-1: L = rho E0 mu0 / pi."""
    irradiance = np.array(rt.SOLAR_IRRADIANCE, np.float32) / np.float32(np.pi)
    return refs * irradiance * mu0[..., None]


def _thermal(climate: Climate, surface: Surface, layers: list[Layer], mu: Field, band: int) -> Field:
    """Return the brightness temperature_HW of one thermal band without the sun."""
    radiance = _thermal_radiance(climate, surface, layers, mu, band)
    return rt.inverse_planck(radiance, rt.THERMAL_UM[band])


def _thermal_radiance(climate: Climate, surface: Surface, layers: list[Layer], mu: Field, band: int) -> Field:
    """Return the thermal radiance_HW of one band: ground, vapour, and each layer with the vapour above it."""
    wavelength = rt.THERMAL_UM[band]
    emitted = surface.emissivity(band) * rt.planck(surface.temperature_k, wavelength)
    vapour = rt.vapour_above(climate.vapour_cm, surface.height_km)
    transmission = np.exp(-np.float32(rt.GAS_ABSORPTION[band]) * vapour / mu)
    air = rt.planck(surface.temperature_k - 12, wavelength)
    radiance = rt.through_gas(emitted, transmission, air)
    for layer in layers:
        covered = rt.emissivity(layer.optical_depth, mu, band, aerosol=layer.aerosol)
        if layer.cover is not None:
            covered = covered * layer.cover
        vapour = rt.vapour_above(climate.vapour_cm, layer.height_km)
        transmission = np.exp(-np.float32(rt.GAS_ABSORPTION[band]) * vapour / mu)
        top = rt.planck(layer.temperature_k, wavelength)
        seen = rt.through_gas(top, transmission, rt.planck(layer.temperature_k - 8, wavelength))
        radiance = (1 - covered) * radiance + covered * seen
    return radiance


def _brightness_temperatures(
    rng: np.random.Generator,
    climate: Climate,
    surface: Surface,
    layers: list[Layer],
    mu: Field,
    mu0: Field,
    refs: Field,
) -> Field:
    """Return bts_HWC of S7 to S9 with the reflected sun in S7, the point spread, noise and S7's saturation."""
    bts = np.empty((*mu.shape, 3), np.float32)
    for band, noise_k in enumerate(NOISE_K):
        radiance = _thermal_radiance(climate, surface, layers, mu, band)
        if band == 0 and not climate.night:
            sun = np.float32(rt.SOLAR_IRRADIANCE_S7 / np.pi * 0.3) * mu0 * np.maximum(refs[..., 5], 0)
            radiance = radiance + sun
        noise = rng.standard_normal(mu.shape, dtype=np.float32)
        bts[..., band] = rt.inverse_planck(point_spread(radiance), rt.THERMAL_UM[band]) + np.float32(noise_k) * noise
    bts[..., 0] = np.minimum(bts[..., 0], np.float32(S7_SATURATION_K))
    return bts


def _outside_swath(scene: Scene) -> Scene:
    """Set what a full-width scene holds beside the swath to fill: NaN, and label 0."""
    columns = scene.bts.shape[1]
    first = (1500 - columns) // 2
    number = np.arange(columns) + first
    outside = (number < FIRST_VALID_COLUMN) | (number > LAST_VALID_COLUMN)
    for plane in (scene.bts, scene.rads, scene.refs):
        if plane is not None:
            plane[:, outside] = np.nan
    for label in (scene.bayes, scene.summary):
        label[:, outside] = 0
    return scene

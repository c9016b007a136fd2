"""What a scene reflects: reflectances and radiances of S1 to S6.

Shape suffixes: H rows, W columns, C channels.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from datasets.slstr_cloud import radiative as rt
from datasets.slstr_cloud.clouds import Layer
from datasets.slstr_cloud.fields import Field, point_spread, strips
from datasets.slstr_cloud.sky import Sky

BANDS = 6
S4 = 3
"""Index of the band that water vapour absorbs."""


def sunlight(rng: np.random.Generator, sky: Sky) -> tuple[Field, Field]:
    """Return refs_HWC of S1 to S6 with noise 0.003 + 0.005 rho, and rads_HWC = rho E0 mu0 / pi; 0 at night.

    Radiances are in mW m-2 sr-1 nm-1.
    """
    shape = sky.mu0.shape
    if sky.climate.night:
        return np.zeros((*shape, BANDS), np.float32), np.zeros((*shape, BANDS), np.float32)
    refs, rads = np.empty((*shape, BANDS), np.float32), np.empty((*shape, BANDS), np.float32)
    noise_CHW = rng.standard_normal((BANDS, *shape), dtype=np.float32)
    for strip in strips(shape, halo=1):
        mu0 = sky.mu0[strip.own]
        for band, rho in enumerate(_reflected(sky.rows(strip.seen), strip.inner)):
            rho += (np.float32(0.003) + np.float32(0.005) * rho) * noise_CHW[band, strip.own]
            refs[strip.own, :, band] = rho
            rho *= np.float32(rt.SOLAR_IRRADIANCE[band]) / np.float32(np.pi)
            rads[strip.own, :, band] = np.multiply(rho, mu0, out=rho)
    return refs, rads


def _reflected(sky: Sky, inner: slice) -> Iterator[Field]:
    """Yield rho_HW of S1 to S6 by daylight, for the inner rows."""
    seen = sky.rows(inner)
    rayleigh = rt.Rayleigh(seen.mu[:1], seen.mu0, shielded=seen.cloud_depth() > 1)
    through = [_Through(layer) for layer in sky.layers]
    for band in range(BANDS):
        rho = _over_layers_s4(sky, through) if band == S4 else _over_layers(sky, through, band)
        yield rayleigh.add(point_spread(rho)[inner], rt.SOLAR_UM[band])


def _over_layers(sky: Sky, through: list[_Through], band: int) -> Field:
    """Return rho_HW over all layers in a band that air does not absorb."""
    rho = sky.surface.albedo(band)
    for layer, passes in zip(sky.layers, through, strict=True):
        rho = _covering(layer, passes(band, rho), rho)
    return rho


def _over_layers_s4(sky: Sky, through: list[_Through]) -> Field:
    """Return rho_HW over all layers in S4: each is seen through the water vapour above it."""
    airmass = np.float32(0.5) * (1 / sky.mu[:1] + 1 / sky.mu0)
    rho = sky.surface.albedo(S4) * _s4_transmission(sky, airmass, sky.surface.height_km)
    for layer, passes in zip(sky.layers, through, strict=True):
        above = _s4_transmission(sky, airmass, layer.height_km)
        rho = _covering(layer, above * passes(S4, np.minimum(rho / above, 1)), rho)
    return rho


def _covering(layer: Layer, over: Field, below: Field) -> Field:
    """Return the mean rho_HW of what the layer covers and what it does not."""
    return over if layer.cover is None else layer.cover * over + (1 - layer.cover) * below


def _s4_transmission(sky: Sky, airmass: Field, height_km: Field) -> Field:
    """Return the transmission_HW of the water vapour above a height in S4."""
    return np.exp(-rt.S4_ABSORPTION * airmass * rt.vapour_above(sky.climate.vapour_cm, height_km))


class _Through:
    """The reflectance of a layer over another reflectance; bands in which it looks the same share its optics."""

    def __init__(self, layer: Layer) -> None:
        """Take a layer."""
        self._layer, self._optics = layer, rt.CloudOptics(layer.optical_depth)
        self._made: dict[tuple[float, float], tuple[Field, Field]] = {}

    def __call__(self, band: int, rho: Field) -> Field:
        """Return the reflectance_HW in a band, 0 to 5, over what reflects rho, where the layer covers all."""
        layer = self._layer
        if layer.aerosol:
            return rt.add_haze(layer.optical_depth, band, rho)
        water, ice = kind = rt.WATER_CO_ALBEDO[band], rt.ICE_CO_ALBEDO[band]
        if kind not in self._made:
            self._made = {kind: self._optics.at(water * (1 - layer.ice) + ice * layer.ice)}
        return rt.add_layer(*self._made[kind], rho)

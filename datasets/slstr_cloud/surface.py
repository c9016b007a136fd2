"""The ground: what lies where, how bright it is and how warm.

Ground and cloud overlap in every channel: ice and snow are bright and cold, deserts are bright in S5 and S6, the
sun's glint is bright everywhere. What tells them apart is structure. Land forms, snow lines and sea surface
temperature have steep spectra (k^-3 and steeper at one kilometre) and sharp outlines; cloud is rough down to the pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from datasets.slstr_cloud.climate import Climate
from datasets.slstr_cloud.fields import Field, by_strips, correlated_field, standardise, upper_quantile
from datasets.slstr_cloud.radiative import sun_glint

OCEAN, LAND, DESERT, SNOW, LAKE = range(5)

ALBEDO = np.array(
    [
        [0.03, 0.02, 0.012, 0.005, 0.008, 0.005],
        [0.10, 0.12, 0.28, 0.22, 0.26, 0.16],
        [0.25, 0.36, 0.43, 0.45, 0.50, 0.45],
        [0.82, 0.80, 0.72, 0.35, 0.16, 0.11],
        [0.05, 0.045, 0.03, 0.005, 0.008, 0.005],
    ],
    np.float32,
)
"""Albedo of S1 to S6 by surface."""

EMISSIVITY = np.array(
    [[0.97, 0.99, 0.985], [0.96, 0.97, 0.975], [0.84, 0.95, 0.965], [0.985, 0.995, 0.985], [0.97, 0.99, 0.985]],
    np.float32,
)
"""Emissivity of S7 to S9 by surface; bare sand is a poor emitter at 3.7 um."""

FIRST_GRAIN_BAND = 4
"""S5: from here on, the albedo of snow follows the size of its grains."""

LAPSE_K_PER_KM = 6.5


@dataclass(frozen=True, kw_only=True)
class Surface:
    """The ground of one scene; arrays have the shape HW."""

    kind: NDArray[np.uint8]
    """OCEAN, LAND, DESERT, SNOW or LAKE."""

    texture: Field
    """Factor on the albedo of bands 1 to 4: soils, crops, snow age."""

    grain: Field
    """Factor on the albedo of snow in S5 and S6: large grains are dark there."""

    height_km: Field
    """Height above sea level."""

    temperature_k: Field
    """Skin temperature."""

    glint: Field
    """Reflectance of the sun's image on water; 0 elsewhere."""

    def rows(self, rows: slice) -> Surface:
        """Return the ground of some rows."""
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def albedo(self, band: int) -> Field:
        """Return albedo_HW of solar band 0 to 5 (S1 to S6)."""
        factor = np.where(self.kind == SNOW, self.grain, self.texture) if band >= FIRST_GRAIN_BAND else self.texture
        albedo = ALBEDO[:, band].take(self.kind, mode="clip")
        albedo *= factor
        albedo += self.glint
        return np.clip(albedo, 0, 0.95, out=albedo)

    def emissivity(self, band: int) -> Field:
        """Return emissivity_HW of thermal band 0 to 2 (S7 to S9)."""
        return EMISSIVITY[:, band].take(self.kind, mode="clip")


def draw_surface(rng: np.random.Generator, climate: Climate, mu: Field, mu0: Field) -> Surface:
    """Draw the ground of one scene."""
    shape = mu.shape
    relief = correlated_field(rng, shape, beta=3.4, outer_px=400)
    aridity = correlated_field(rng, shape, beta=3.4, outer_px=300)
    cold = correlated_field(rng, shape, beta=3.4, outer_px=300)
    detail = correlated_field(rng, shape, beta=3.4, outer_px=120)
    kind = _kinds(climate, relief, aridity, cold, detail)
    lowest = relief.min(where=_is_land(kind), initial=np.inf)

    def of(rows: slice) -> tuple[Field, ...]:
        """Return the fields of some rows after their kind, in the order of Surface."""
        dry, rough = aridity[rows], detail[rows]
        height_km = np.where(_is_land(kind[rows]), np.clip(relief[rows] - lowest, 0, 4), 0) * np.float32(0.7)
        texture = np.clip(1 + 0.16 * rough + 0.10 * dry, 0.5, 1.6)
        grain = np.exp(0.5 * cold[rows] + 0.2 * rough)
        temperature_k = _temperature(climate, kind[rows], height_km, cold[rows], rough, mu0[rows])
        glint = _glint(climate, kind[rows], dry, mu[rows], mu0[rows])
        return texture, grain, height_km, temperature_k, glint

    texture, grain, height_km, temperature_k, glint = by_strips(of, shape)
    return Surface(
        kind=kind, texture=texture, grain=grain, height_km=height_km, temperature_k=temperature_k, glint=glint
    )


def _is_land(kind: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where there is land, that is no lake, HW."""
    return (kind == LAND) | (kind == DESERT) | (kind == SNOW)


def _glint(climate: Climate, kind: NDArray[np.uint8], aridity: Field, mu: Field, mu0: Field) -> Field:
    """Return glint_HW: on water, by day, more of it where the air is moist and calm."""
    if climate.night:
        return np.zeros_like(mu0)
    wind = np.clip(6 + 3 * aridity, 1, 14)
    shine = np.minimum(sun_glint(mu[:1], mu0, climate.relative_azimuth_rad, wind), 0.7)
    return np.where((kind == OCEAN) | (kind == LAKE), shine, 0)


def _kinds(climate: Climate, relief: Field, aridity: Field, cold: Field, detail: Field) -> NDArray[np.uint8]:
    """Return kind_HW."""
    kind = (relief >= upper_quantile(relief, 1 - climate.sea_share)).astype(np.uint8)  # OCEAN or LAND
    desert = aridity > upper_quantile(aridity, climate.desert_share)
    np.copyto(kind, DESERT, where=desert & (kind == LAND))
    chill = standardise(cold + 0.3 * relief)
    np.copyto(kind, SNOW, where=chill > upper_quantile(chill, climate.snow_share))
    lakes = standardise(detail - 0.3 * relief)
    np.copyto(kind, LAKE, where=(kind == LAND) & (lakes > upper_quantile(lakes, 0.06)))
    return kind


def _temperature(
    climate: Climate, kind: NDArray[np.uint8], height_km: Field, cold: Field, detail: Field, mu0: Field
) -> Field:
    """Return temperature_HW: sun-warmed or night-cooled land, a mild sea, snow at or below melting."""
    sun = -6.0 * np.ones_like(mu0) if climate.night else 16 * mu0
    air = climate.air_k - LAPSE_K_PER_KM * height_km - 8 * cold
    temperature_k = np.maximum(climate.air_k + 1.0 - 5.0 * cold + 0.5 * detail, 271.4)  # of the ocean
    for ground, values in (
        (LAND, air + sun + 1.2 * detail),
        (DESERT, air + 1.7 * sun + 1.5 * detail),
        (SNOW, np.minimum(air - 4 + 1.0 * detail, 273.1)),
        (LAKE, np.maximum(air + 0.4 * sun, 273.5)),
    ):
        np.copyto(temperature_k, values, where=kind == ground)
    return temperature_k

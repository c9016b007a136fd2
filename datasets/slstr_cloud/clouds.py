"""Two layers of cloud: low water cloud, often as warm as the ground, and high cloud, often too thin to see.

Three more are drawn where they are asked for: broken cloud that fills pixels in part, thin cirrus, and haze, which is
no cloud at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from datasets.slstr_cloud.climate import Climate
from datasets.slstr_cloud.fields import Field, by_strips, correlated_field, upper_quantile
from datasets.slstr_cloud.surface import LAPSE_K_PER_KM

OPTICAL_DEPTH_BETA = 5 / 3
COLDEST_K = 190.0


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer of cloud; arrays have the shape HW."""

    optical_depth: Field
    """Optical depth in the visible; 0 where there is none."""

    height_km: Field
    """Height of the top."""

    temperature_k: Field
    """Temperature of the top."""

    ice: Field
    """Share of ice, 0 at 258 K and above, 1 at 238 K and below."""

    cover: Field | None = None
    """Share of a pixel that the layer covers; None: all of it."""

    aerosol: bool = False
    """Whether it is haze, which counts as clear sky."""

    high: bool = False
    """Whether it is cirrus or a front, above all other cloud."""

    def rows(self, rows: slice) -> Layer:
        """Return the layer over some rows."""
        images = {name: getattr(self, name) for name in ("optical_depth", "height_km", "temperature_k", "ice", "cover")}
        return replace(self, **{name: image[rows] for name, image in images.items() if image is not None})

    def cloud_depth(self) -> Field:
        """Return the mean optical depth of cloud in each pixel; 0 for haze."""
        if self.aerosol:
            return np.zeros_like(self.optical_depth)
        return self.optical_depth if self.cover is None else self.optical_depth * self.cover

    def share(self) -> Field:
        """Return the share of each pixel that lies under cloud of this layer; 0 for haze."""
        there = (self.cloud_depth() > 0).astype(np.float32)
        return there if self.cover is None else there * self.cover


def _layer(optical_depth: Field, height_km: Field, air_k: float) -> Layer:
    def of(rows: slice) -> tuple[Field, Field]:
        kelvins = np.float32(air_k) - np.float32(LAPSE_K_PER_KM) * height_km[rows]
        kelvins = np.maximum(kelvins, np.float32(COLDEST_K))
        return kelvins, np.clip((258 - kelvins) / 20, 0, 1)

    temperature_k, ice = by_strips(of, height_km.shape)
    return Layer(optical_depth=optical_depth, height_km=height_km, temperature_k=temperature_k, ice=ice)


def _optical_depth(field: Field, texture: Field, *, share: float, scale: float) -> Field:
    """Return lognormal optical depth_HW over `share` of the scene, falling steeply to 0 at the outlines."""
    level = np.float32(upper_quantile(field, share))

    def of(rows: slice) -> tuple[Field]:
        excess = np.maximum(field[rows] - level, 0)
        inside = 1 - np.exp(np.float32(-6) * excess)
        return (scale * inside * np.exp(0.6 * excess + 1.0 * texture[rows]),)

    return by_strips(of, field.shape)[0]


def _height(mean_km: float, *parts: tuple[float, Field], lowest: float, highest: float) -> Field:
    """Return the height_HW of the tops in km: a mean and weighted fields, between two limits."""

    def of(rows: slice) -> tuple[Field]:
        height = mean_km
        for weight, field in parts:
            height = height + weight * field[rows]
        return (np.clip(height, lowest, highest),)

    return by_strips(of, parts[0][1].shape)[0]


def draw_low_cloud(rng: np.random.Generator, climate: Climate, shape: tuple[int, int]) -> Layer:
    """Draw fog, stratocumulus and cumulus: tops at 0.3 to 4 km, higher where a cell is thicker."""
    field = correlated_field(rng, shape, beta=OPTICAL_DEPTH_BETA, outer_px=250)
    cells = correlated_field(rng, shape, beta=OPTICAL_DEPTH_BETA, outer_px=24)
    relief = correlated_field(rng, shape, beta=2.2, outer_px=200)
    depth = _optical_depth(field, cells, share=climate.low_share, scale=rng.uniform(3, 6))
    height = _height(rng.uniform(1.6, 2.6), (0.6, relief), (0.45, cells), lowest=0.3, highest=4.0)
    return _layer(depth, height, climate.air_k)


def draw_high_cloud(rng: np.random.Generator, climate: Climate, shape: tuple[int, int]) -> Layer:
    """Draw cirrus and fronts: tops at 4 to 13 km, mostly with an optical depth below 2."""
    field = correlated_field(rng, shape, beta=OPTICAL_DEPTH_BETA, outer_px=350)
    fibres = correlated_field(rng, shape, beta=OPTICAL_DEPTH_BETA, outer_px=24)
    relief = correlated_field(rng, shape, beta=2.2, outer_px=300)
    depth = _optical_depth(field, fibres, share=climate.high_share, scale=rng.uniform(0.8, 1.6))
    height = _height(rng.uniform(6, 9), (1.5, relief), (0.4, fibres), lowest=3.5, highest=13)
    return replace(_layer(depth, height, climate.air_k), high=True)


def draw_broken_cloud(rng: np.random.Generator, climate: Climate, shape: tuple[int, int], *, share: float) -> Layer:
    """Draw fair-weather cumulus over `share` of the scene: tops at 0.4 to 1.2 km, as warm as the ground beside it.

    The clouds are smaller than a pixel: each covers a part of its pixel, and what is seen is the mean of both parts.
    """
    field = correlated_field(rng, shape, beta=OPTICAL_DEPTH_BETA, outer_px=150)
    cells = correlated_field(rng, shape, beta=OPTICAL_DEPTH_BETA, outer_px=12)
    excess = np.maximum(field - np.float32(upper_quantile(field, share)), 0)
    cover = np.clip(0.9 * (1 - np.exp(-3 * excess)) * np.exp(0.5 * cells - 0.3), 0, 1).astype(np.float32)
    depth = (4 * np.exp(0.4 * cells)).astype(np.float32) * (cover > 0)
    layer = _layer(depth, np.clip(0.8 + 0.2 * cells, 0.4, 1.2), climate.air_k)
    return replace(layer, cover=cover)


def draw_thin_cirrus(rng: np.random.Generator, climate: Climate, shape: tuple[int, int], *, share: float) -> Layer:
    """Draw ice cloud over `share` of the scene with an optical depth of at most 0.5: tops at 8 to 12 km."""
    field = correlated_field(rng, shape, beta=OPTICAL_DEPTH_BETA, outer_px=300)
    fibres = correlated_field(rng, shape, beta=OPTICAL_DEPTH_BETA, outer_px=24)
    depth = np.minimum(_optical_depth(field, 0.6 * fibres, share=share, scale=0.25), np.float32(0.5))
    return replace(_layer(depth, np.clip(rng.uniform(9, 11) + 0.4 * fibres, 8, 12), climate.air_k), high=True)


def draw_haze(rng: np.random.Generator, climate: Climate, shape: tuple[int, int], *, optical_depth: float) -> Layer:
    """Draw dust and smoke with a mean optical depth at 0.55 um: lognormal, without small structure, up to 2 km."""
    field = correlated_field(rng, shape, beta=3.4, outer_px=300)
    depth = np.float32(optical_depth) * np.exp(np.float32(0.8) * field - np.float32(0.32))
    return replace(_layer(depth, np.full(shape, 2.0, np.float32), climate.air_k), aerosol=True)

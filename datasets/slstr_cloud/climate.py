"""What differs from scene to scene: season, sun, atmosphere, and how much of what the scene holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from datasets.slstr_cloud.fields import Field, by_strips

EARTH_RADIUS_KM = 6371.0
ORBIT_HEIGHT_KM = 814.5
"""Sentinel-3's mean height above ground."""

NADIR_COLUMN = 998
SWATH_COLUMNS = 1500
"""Column of the ground track in the 1 km nadir image and the image's width."""


@dataclass(frozen=True, kw_only=True)
class Climate:
    """The numbers of one scene."""

    air_k: float
    """Air temperature at sea level."""

    vapour_cm: float
    """Column of water vapour."""

    solar_zenith_deg: float
    """Solar zenith angle at the middle of the scene."""

    relative_azimuth_rad: float
    """Azimuth between the sun and the sensor; 0 looks into the glint."""

    sea_share: float
    """Share of the scene that lies below sea level."""

    desert_share: float
    """Share of the land that is bare and bright."""

    snow_share: float
    """Share of the land and of the cold sea under snow or ice."""

    low_share: float
    """Share of the scene under low water cloud."""

    high_share: float
    """Share of the scene under high cloud, mostly thin."""

    night: bool
    """Whether the sun is down: reflectances are 0."""


def draw_climate(rng: np.random.Generator, *, night: bool) -> Climate:
    """Draw the numbers of one scene."""
    air_k = rng.uniform(284, 291)
    vapour = 4 * np.exp(0.06 * (air_k - 300)) * rng.uniform(0.6, 1.1)
    return Climate(
        air_k=air_k,
        vapour_cm=float(np.clip(vapour, 0.3, 6)),
        solar_zenith_deg=rng.uniform(30, 55),
        relative_azimuth_rad=rng.choice([0.35, 1.2, 2.6]),
        sea_share=rng.uniform(0.25, 0.45),
        desert_share=rng.uniform(0.25, 0.45),
        snow_share=rng.uniform(0.15, 0.28),
        low_share=rng.uniform(0.2, 0.34),
        high_share=rng.uniform(0.14, 0.24),
        night=night,
    )


def view_cosine(shape: tuple[int, int]) -> Field:
    """Return mu_HW of the nadir view; a scene narrower than the swath is its middle part."""
    columns = np.arange(shape[1]) + (SWATH_COLUMNS - shape[1]) // 2
    arc = np.abs(columns - NADIR_COLUMN) / EARTH_RADIUS_KM
    scan = np.arctan2(EARTH_RADIUS_KM * np.sin(arc), ORBIT_HEIGHT_KM + EARTH_RADIUS_KM * (1 - np.cos(arc)))
    return np.broadcast_to(np.cos(arc + scan).astype(np.float32), shape)


def solar_cosine(climate: Climate, shape: tuple[int, int]) -> Field:
    """Return mu0_HW: the sun sinks by one degree every 111 km along and across the track."""
    along = (np.arange(shape[0]) - shape[0] / 2)[:, None] / 111
    across = (np.arange(shape[1]) - shape[1] / 2)[None, :] / 111

    def of(rows: slice) -> tuple[Field]:
        zenith = climate.solar_zenith_deg + 0.8 * along[rows] + 0.5 * across
        return (np.cos(np.deg2rad(np.clip(zenith, 0, 80))).astype(np.float32),)

    return by_strips(of, shape)[0]

"""One simulated scene: ground, clouds, sun and instrument put together.

Shape suffixes: H rows, W columns, C channels.
"""

from __future__ import annotations

import numpy as np

from datasets.slstr_cloud.climate import draw_climate, solar_cosine, view_cosine
from datasets.slstr_cloud.clouds import draw_high_cloud, draw_low_cloud
from datasets.slstr_cloud.extras import NO_EXTRAS, Extras, extra_layers, fill_cosmetically, mislabel
from datasets.slstr_cloud.heat import heat
from datasets.slstr_cloud.labels import bayes_planes
from datasets.slstr_cloud.scene import Scene
from datasets.slstr_cloud.sky import Sky
from datasets.slstr_cloud.sunlight import sunlight
from datasets.slstr_cloud.surface import Surface, draw_surface
from datasets.slstr_cloud.truth import truth_of

FIRST_VALID_COLUMN, LAST_VALID_COLUMN = 37, 1479
"""Columns of the 1500 that a real nadir image fills on every row."""


def simulate_scene(
    seed: np.random.SeedSequence, *, rows: int, columns: int, night: bool, extras: Extras = NO_EXTRAS
) -> Scene:
    """Simulate one scene; the same seed and the same extras give the same scene.

    Returns bts_HWC in kelvin, refs_HWC, rads_HWC, and the label planes of shape HW1, NaN outside the swath; and the
    truth, which has no such fill.
    """
    rng = np.random.default_rng(seed)
    climate = draw_climate(rng, night=night)
    mu, mu0 = view_cosine((rows, columns)), solar_cosine(climate, (rows, columns))
    surface = draw_surface(rng, climate, mu, mu0)
    low = draw_low_cloud(rng, climate, (rows, columns))
    high = draw_high_cloud(rng, climate, (rows, columns))
    sky = Sky(climate=climate, mu=mu, mu0=mu0, surface=surface, layers=extra_layers(seed, extras, climate, [low, high]))
    refs, rads = sunlight(rng, sky)
    bts, summary = heat(rng, sky, refs)
    label, true_label = bayes_planes(rng, sky.cloud_depth(), surface)
    scene = Scene(
        bts=bts,
        rads=rads,
        refs=refs,
        bayes=mislabel(seed, extras, label)[..., None],
        summary=summary[..., None],
        truth=truth_of(sky, true_label),
        attributes={"simulated": 1, "air_k": climate.air_k, "solar_zenith_deg": climate.solar_zenith_deg},
    )
    return _outside_swath(fill_cosmetically(seed, extras, scene))


def simulate_surface(seed: np.random.SeedSequence, *, rows: int, columns: int, night: bool) -> Surface:
    """Return the ground of the scene of the same arguments, which no file holds."""
    rng = np.random.default_rng(seed)
    climate = draw_climate(rng, night=night)
    return draw_surface(rng, climate, view_cosine((rows, columns)), solar_cosine(climate, (rows, columns)))


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

"""What a scene may hold beyond the usual, each by an option and none of it by default.

Every extra draws from a seed of its own, a child of the scene's, so that it changes nothing else: a scene with and the
same scene without it have the same ground, the same clouds and the same noise.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from datasets.common.failures import UsageError
from datasets.slstr_cloud.climate import SWATH_COLUMNS, Climate
from datasets.slstr_cloud.clouds import Layer, draw_broken_cloud, draw_haze, draw_thin_cirrus
from datasets.slstr_cloud.fields import correlated_field, upper_quantile
from datasets.slstr_cloud.scene import Scene

COSMETIC_PROFILE = (0.37, 0.51, 0.46, 0.41, 0.32, 0.24, 0.19, 0.11, 0.06, 0.05, 0.05, 0.06, 0.12, 0.16, 0.20)
"""Share of pixels filled from a neighbour in each hundred columns of a real nadir image (S3A, 27 August 2021)."""

NEIGHBOURS = ((-1, 0), (1, 0), (0, -1), (0, 1))
"""Rows and columns from a filled pixel to the one that it is copied from."""

CLOUD_BITS = 3
"""single_low and single_moderate, which a clear pixel gets that is taken for cloud."""


@dataclass(frozen=True, kw_only=True)
class Extras:
    """How much of each extra; 0 is none."""

    haze: float = 0.0
    """Mean optical depth of dust and smoke, which is smooth, dims and brightens, and counts as clear sky; up to 2."""

    broken_cloud: float = 0.0
    """Share of the scene under low, warm clouds that are smaller than a pixel."""

    thin_cirrus: float = 0.0
    """Share of the scene under high cloud with an optical depth of at most 0.5, beside what there is anyway."""

    label_noise: float = 0.0
    """Share of the pixels whose label `bayes` is the wrong way round, in patches of some ten kilometres."""

    cosmetic_fill: float = 0.0
    """Share of the pixels that are copies of a neighbour, by column as in a real scene, which has 0.22; up to 0.4."""

    def __post_init__(self) -> None:
        most = {"haze": 2.0, "cosmetic_fill": 0.4}
        for name, value in self.given().items():
            if not 0 <= value <= most.get(name, 1.0):
                option = "--" + name.replace("_", "-")
                raise UsageError(f"{option}: expected 0 to {most.get(name, 1.0):g}, found {value:g}")

    def given(self) -> dict[str, float]:
        """Return the extras that are not 0, by name."""
        return {field.name: getattr(self, field.name) for field in fields(self) if getattr(self, field.name) != 0}


NO_EXTRAS = Extras()


def _generator(seed: np.random.SeedSequence, name: str) -> np.random.Generator:
    """Return the extra's own generator; adding a field to Extras at its end changes none of the others."""
    number = [field.name for field in fields(Extras)].index(name)
    return np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, number)))


def extra_layers(seed: np.random.SeedSequence, extras: Extras, climate: Climate, layers: list[Layer]) -> list[Layer]:
    """Return the layers with the extra ones among them, from the lowest up: haze, broken cloud, theirs, thin cirrus."""
    shape = layers[0].optical_depth.shape
    below, above = [], []
    if extras.haze:
        below.append(draw_haze(_generator(seed, "haze"), climate, shape, optical_depth=extras.haze))
    if extras.broken_cloud:
        below.append(draw_broken_cloud(_generator(seed, "broken_cloud"), climate, shape, share=extras.broken_cloud))
    if extras.thin_cirrus:
        above.append(draw_thin_cirrus(_generator(seed, "thin_cirrus"), climate, shape, share=extras.thin_cirrus))
    return [*below, *layers, *above]


def mislabel(seed: np.random.SeedSequence, extras: Extras, bayes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return bayes_HW with patches in which cloud is called clear and clear is called cloud."""
    if not extras.label_noise:
        return bayes
    field = correlated_field(_generator(seed, "label_noise"), bayes.shape, beta=2.6, outer_px=40)
    wrong = field > upper_quantile(field, extras.label_noise)
    return np.where(wrong, np.where(bayes > 0, 0, CLOUD_BITS), bayes).astype(np.uint8)


def fill_cosmetically(seed: np.random.SeedSequence, extras: Extras, scene: Scene) -> Scene:
    """Return the scene with pixels that the scan missed copied from a neighbour, values and labels alike.

    The share varies over the columns as in a real scene, where it is largest at the western edge of the swath.
    """
    if not extras.cosmetic_fill:
        return scene
    rng = _generator(seed, "cosmetic_fill")
    rows, columns = scene.bts.shape[:2]
    number = np.arange(columns) + (SWATH_COLUMNS - columns) // 2
    profile = np.interp(number, 50 + 100 * np.arange(len(COSMETIC_PROFILE)), COSMETIC_PROFILE)
    missed = rng.random((rows, columns)) < profile * extras.cosmetic_fill / profile.mean()
    step = np.array(NEIGHBOURS)[rng.integers(len(NEIGHBOURS), size=(rows, columns))]
    row, column = np.indices((rows, columns))
    at = (np.clip(row + step[..., 0], 0, rows - 1), np.clip(column + step[..., 1], 0, columns - 1))
    planes = {name: getattr(scene, name) for name in ("bts", "rads", "refs", "bayes", "summary")}
    copied = {name: np.where(missed[..., None], plane[at], plane) for name, plane in planes.items()}
    return replace(scene, **copied, attributes={**scene.attributes, "cosmetic_share": float(missed.mean())})

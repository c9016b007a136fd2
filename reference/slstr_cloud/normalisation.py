"""How a channel's values are brought to the model's scale: by fixed numbers, or by the scene's own mean and deviation.

SciML-Bench up to 1.0, and MLCommons Science, use fixed numbers (see `facts.py`). SciML-Bench 1.2 standardises each
scene: its three brightness temperatures together and its six reflectances together, which is `scene_group` here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from . import facts

Normalisation = Literal["fixed", "scene", "scene_group"]
"""Fixed numbers; mean and standard deviation of each channel of a scene; of each kind of channel of a scene."""

NORMALISATIONS: tuple[Normalisation, ...] = get_args(Normalisation)

CONSTANT = 1e-6
"""A deviation up to this, in units of `facts.NORMALISATION`, is rounding: the channel is constant, and becomes 0."""


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """x enters the model as (x − offset) / scale."""

    offsets: NDArray[np.float32]
    """Offset of each channel, in its own unit."""

    scales: NDArray[np.float32]
    """Scale of each channel, in its own unit; above 0."""


def fixed(channels: tuple[str, ...]) -> Scaling:
    """Return the numbers of `facts.NORMALISATION`, which are the same for every scene."""
    offsets, scales = np.array([facts.NORMALISATION[name] for name in channels], np.float32).T
    return Scaling(offsets=offsets, scales=scales)


def measured(blocks: Iterable[NDArray[Any]], channels: tuple[str, ...], kind: Normalisation) -> Scaling:
    """Return the scaling that gives a scene's values mean 0 and standard deviation 1.

    A channel without a finite value keeps its fixed numbers; a constant one keeps its fixed scale.

    Args:
        blocks: values_PC of the pixels that count, in the channels' own units; what is not finite is left out.
        channels: names of the channels.
        kind: `scene`, each channel by itself, or `scene_group`, reflectances together and temperatures together.
    """
    start = fixed(channels)
    offsets, scales = start.offsets.astype(np.float64), start.scales.astype(np.float64)
    sums_3C = np.zeros((3, len(channels)))
    for values_PC in blocks:
        finite = np.isfinite(values_PC)
        units = np.where(finite, (values_PC - offsets) / scales, 0.0)  # near 1, so that squares lose no digits
        sums_3C += [finite.sum(0), units.sum(0), np.einsum("pc,pc->c", units, units)]
    if kind == "scene_group":
        sums_3C = _grouped(sums_3C, channels)
    counts = np.maximum(sums_3C[0], 1.0)
    means = sums_3C[1] / counts
    deviations = np.sqrt(np.maximum(sums_3C[2] / counts - means**2, 0.0))
    factors = np.where(deviations > CONSTANT, deviations, 1.0)
    return Scaling(offsets=(offsets + means * scales).astype(np.float32), scales=(factors * scales).astype(np.float32))


def _grouped(sums_3C: NDArray[np.float64], channels: tuple[str, ...]) -> NDArray[np.float64]:
    """Give every channel the sums of all channels of its kind."""
    hot = np.array([name in facts.TEMPERATURES for name in channels])
    return np.stack([np.where(hot, line[hot].sum(), line[~hot].sum()) for line in sums_3C])

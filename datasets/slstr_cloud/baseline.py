"""What needs no learning of space: trivial and per-pixel classifiers, scored on the pixels of the test tiles.

A scene counts by its centred crop of whole 256-pixel tiles, which is what a training reads. Fill counts nowhere.
Scores are of the `bayes` label: accuracy, balanced accuracy, F1 and IoU of cloud.

The linear discriminant is Fisher's, with the pooled covariance S and the class shares p as priors:
w = S^-1 (m1 - m0), c = -w (m1 + m0) / 2 + ln(p1 / p0); cloud where w x + c > 0. Differences of channels, such as
BT11 - BT12, are linear in the channels, so adding them as features changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float64]
Flags = NDArray[np.bool_]

TILE = 256
THERMAL = ("S7", "S8", "S9")
SOLAR = ("S1", "S2", "S3", "S4", "S5", "S6")
SAMPLE_STEP = 4
"""Training pixels are sampled on every fourth row and column: 80,000 a scene fix ten numbers well."""


@dataclass(frozen=True, kw_only=True)
class LinearDiscriminant:
    """A direction and an offset; cloud where the projection is above 0."""

    weights: Pixels
    """One weight per channel."""

    offset: float
    """Added to the projection."""

    def predict(self, pixels: Pixels) -> Flags:
        """Return cloud_N for pixels_NC."""
        return pixels @ self.weights + self.offset > 0


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """The best cut of one channel."""

    channel: int
    """Index of the channel."""

    value: float
    """Where it is cut, in the channel's unit."""

    cloud_above: bool
    """Whether cloud lies above the cut."""

    def predict(self, pixels: Pixels) -> Flags:
        """Return cloud_N for pixels_NC."""
        return (pixels[:, self.channel] > self.value) == self.cloud_above


def fit_discriminant(pixels: Pixels, cloud: Flags) -> LinearDiscriminant:
    """Fit Fisher's discriminant to pixels_NC and cloud_N. Raises ValueError where a class is empty."""
    share = cloud.mean()
    if not 0 < share < 1:
        raise ValueError(f"expected clear and cloudy pixels, found a cloud share of {share:.3f}")
    clear_mean, cloud_mean = pixels[~cloud].mean(0), pixels[cloud].mean(0)
    spread = share * np.cov(pixels[cloud].T) + (1 - share) * np.cov(pixels[~cloud].T)
    weights = np.linalg.solve(spread, cloud_mean - clear_mean)
    offset = float(-weights @ (cloud_mean + clear_mean) / 2 + np.log(share / (1 - share)))
    return LinearDiscriminant(weights=weights, offset=offset)


def fit_threshold(pixels: Pixels, cloud: Flags) -> Threshold:
    """Find the cut of one channel of pixels_NC that is right most often on cloud_N."""
    best, found = -1, None
    for channel in range(pixels.shape[1]):
        order = np.argsort(pixels[:, channel])
        below = np.cumsum(np.where(cloud[order], 1, -1))
        right_if_above = cloud.sum() - below[:-1]
        for right, above in ((right_if_above, True), ((~cloud).sum() + below[:-1], False)):
            at = int(np.argmax(right))
            if right[at] > best:
                best = int(right[at])
                found = Threshold(channel=channel, value=float(pixels[order[at], channel]), cloud_above=above)
    assert found is not None
    return found


def scores(predicted: Flags, cloud: Flags) -> dict[str, float | None]:
    """Return accuracy, balanced accuracy, F1 and IoU; null where a score is not defined."""
    hit, miss = int((predicted & cloud).sum()), int((~predicted & cloud).sum())
    false, rest = int((predicted & ~cloud).sum()), int((~predicted & ~cloud).sum())

    def share(part: int, whole: int) -> float | None:
        return round(part / whole, 4) if whole else None

    balanced = (hit / (hit + miss) + rest / (rest + false)) / 2 if hit + miss and rest + false else None
    return {
        "accuracy": share(hit + rest, hit + miss + false + rest),
        "balanced_accuracy": None if balanced is None else round(balanced, 4),
        "f1": share(2 * hit, 2 * hit + miss + false),
        "iou": share(hit, hit + miss + false),
    }


def read_pixels(path: Path, step: int) -> tuple[Pixels, Flags, Flags]:
    """Return pixels_NC (S7 to S9, then S1 to S6 where present), bayes_N and summary_N of a scene's valid pixels.

    Every `step`-th row and column of the centred crop of whole tiles is read.
    """
    with h5py.File(path) as file:
        window = tuple(_crop(size, step) for size in file["bts"].shape[:2])
        planes = [file[key][window] for key in ("bts", "refs") if key in file]
        bayes, summary = (file[key][window][..., 0] > 0 for key in ("bayes", "summary"))
    pixels = np.concatenate(planes, axis=-1).astype(np.float64)
    valid = np.isfinite(pixels).all(-1) & (pixels[..., :3] > 0).all(-1)
    return pixels[valid], bayes[valid], summary[valid]


def _crop(size: int, step: int) -> slice:
    first = size % TILE // 2
    return slice(first, first + size // TILE * TILE, step)


def scene_statistics(root: Path, splits: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return class shares of both splits, and the baselines fitted on `train` and scored on `test`."""
    train = [read_pixels(root / path, SAMPLE_STEP) for path in splits["train"]]
    pixels, cloud, summary = (np.concatenate(part) for part in zip(*train, strict=True))
    test_pixels, test_cloud, test_summary = (
        np.concatenate(part) for part in zip(*_each(root, splits["test"]), strict=True)
    )
    thermal = slice(0, len(THERMAL))
    names = THERMAL + SOLAR
    cut = fit_threshold(pixels, cloud)
    majority = np.full(test_cloud.shape, bool(cloud.mean() > 0.5))
    return {
        "pixels": "Valid pixels of the centred crop of whole 256-pixel tiles; label bayes.",
        "cloud_share": {"train": round(float(cloud.mean()), 4), "test": round(float(test_cloud.mean()), 4)},
        "summary_share": {"train": round(float(summary.mean()), 4), "test": round(float(test_summary.mean()), 4)},
        "baselines": {
            "majority": scores(majority, test_cloud),
            "all_clear": scores(np.zeros_like(test_cloud), test_cloud),
            "threshold": {
                **scores(cut.predict(test_pixels), test_cloud),
                "channel": names[cut.channel],
                "value": round(cut.value, 4),
                "cloud_above": cut.cloud_above,
            },
            "linear_discriminant": scores(fit_discriminant(pixels, cloud).predict(test_pixels), test_cloud),
            "linear_discriminant_thermal": scores(
                fit_discriminant(pixels[:, thermal], cloud).predict(test_pixels[:, thermal]), test_cloud
            ),
        },
    }


def _each(root: Path, paths: Sequence[str]) -> Iterator[tuple[Pixels, Flags, Flags]]:
    for path in paths:
        yield read_pixels(root / path, 1)

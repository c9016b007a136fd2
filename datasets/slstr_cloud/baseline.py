"""What needs no learning of space: trivial and per-pixel classifiers, scored on the pixels of the test tiles.

A scene counts by its centred crop of whole 256-pixel tiles, which is what a training reads. Fill counts nowhere.
Scores are of the `bayes` label: accuracy, balanced accuracy, F1 and IoU of cloud.

The linear discriminant is Fisher's, with the pooled covariance S and the class shares p as priors:
w = S^-1 (m1 - m0), c = -w (m1 + m0) / 2 + ln(p1 / p0); cloud where w x + c > 0. Differences of channels, such as
BT11 - BT12, are linear in the channels, so adding them as features changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.common.failures import DataError
from datasets.slstr_cloud.decoding import decode

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
    """Fit Fisher's discriminant to pixels_NC and cloud_N. Raises ValueError where a class is empty.

    A channel that is constant, as reflectances are by night, has no weight.
    """
    share = cloud.mean()
    if not 0 < share < 1:
        raise ValueError(f"expected clear and cloudy pixels, found a cloud share of {share:.3f}")
    clear_mean, cloud_mean = pixels[~cloud].mean(0), pixels[cloud].mean(0)
    spread = share * np.cov(pixels[cloud].T) + (1 - share) * np.cov(pixels[~cloud].T)
    try:
        weights = np.linalg.solve(spread, cloud_mean - clear_mean)
    except np.linalg.LinAlgError:
        weights = np.linalg.pinv(spread) @ (cloud_mean - clear_mean)
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


def read_pixels(path: Path, step: int, *, solar: bool = True) -> tuple[Pixels, Flags, Flags]:
    """Return pixels_NC (S7 to S9 and, if `solar`, S1 to S6), bayes_N and summary_N of a scene's valid pixels.

    Every `step`-th row and column of the centred crop of whole tiles is read.
    """
    with h5py.File(path) as file:
        window = tuple(_crop(size, step) for size in file["bts"].shape[:2])
        planes = [file[key][window] for key in ("bts", "refs") if key == "bts" or solar]
        (bayes, labelled), (summary, _) = (decode(file[key][..., 0]) for key in ("bayes", "summary"))
        counts = file["valid"][window][..., 0] > 0 if "valid" in file else True
    pixels = np.concatenate(planes, axis=-1).astype(np.float64)
    valid = np.isfinite(pixels).all(-1) & (pixels[..., :3] > 0).all(-1) & labelled[window] & counts
    return pixels[valid], bayes[window][valid], summary[window][valid]


def has_sunlight(path: Path) -> bool:
    """Tell whether a scene has reflectances; one whose product lacked the radiances has none."""
    with h5py.File(path) as file:
        return "refs" in file


def _crop(size: int, step: int) -> slice:
    first = size % TILE // 2
    return slice(first, first + size // TILE * TILE, step)


def scene_statistics(root: Path, splits: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return class shares of both splits, and the baselines fitted on `train` and scored on `test`.

    What scenes without reflectances have, too, is all that is looked at where the set holds one.

    Raises:
        DataError: a split has no valid pixel in a whole tile.
    """
    solar = all(has_sunlight(root / path) for split in ("train", "test") for path in splits[split])
    pixels, cloud, summary = _together(root, splits, "train", SAMPLE_STEP, solar=solar)
    test_pixels, test_cloud, test_summary = _together(root, splits, "test", 1, solar=solar)
    thermal = slice(0, len(THERMAL))
    names = THERMAL + SOLAR
    cut = fit_threshold(pixels, cloud)
    majority = np.full(test_cloud.shape, bool(cloud.mean() > 0.5))

    def discriminant(channels: slice) -> dict[str, Any]:
        try:
            found = fit_discriminant(pixels[:, channels], cloud)
        except ValueError as error:
            return {"reason": str(error)}
        return scores(found.predict(test_pixels[:, channels]), test_cloud)

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
            "linear_discriminant": discriminant(slice(None)) if solar else {"reason": "a scene has no reflectances"},
            "linear_discriminant_thermal": discriminant(thermal),
        },
    }


def _together(
    root: Path, splits: Mapping[str, Sequence[str]], split: str, step: int, *, solar: bool
) -> tuple[Pixels, Flags, Flags]:
    """Return the pixels of all scenes of a split.

    Raises:
        DataError: there are fewer than two, of which no threshold can be made.
    """
    each = [read_pixels(root / path, step, solar=solar) for path in splits[split]]
    pixels, cloud, summary = (np.concatenate(part) for part in zip(*each, strict=True))
    if len(pixels) < 2:
        raise DataError(
            f"{root}: split {split}: expected valid pixels in tiles of {TILE} × {TILE}, found {len(pixels)} — "
            "leave --statistics out, or add a scene"
        )
    return pixels, cloud, summary

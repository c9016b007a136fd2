"""What methods without a network score on the test tiles: the numbers that a trained model has to beat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reference.runtime import sharding
from reference.runtime.backend import Backend, Baseline, Batch

from . import facts, metrics

if TYPE_CHECKING:
    from .task import CloudTask

FIT_TILES = 64
"""Training tiles, evenly spaced, from which the threshold is fitted."""

BINS = 512
"""Candidate thresholds of a channel."""


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """Call a pixel cloud by one channel."""

    channel: int
    """Index of the channel among the model's inputs."""

    value: float
    """Threshold, in the units of `facts.NORMALISATION`."""

    above: bool
    """Whether cloud is where the channel is above the threshold, or at most that."""

    def predict(self, images_NHWC: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return where the rule says cloud."""
        above = images_NHWC[..., self.channel] > self.value
        return above if self.above else ~above

    def describe(self, channels: tuple[str, ...]) -> str:
        """Return the rule in the channel's own unit, for example `S9 ≤ 271.3 K`."""
        name, sign = channels[self.channel], ">" if self.above else "≤"
        if name in facts.TEMPERATURES:
            return f"{name} {sign} {self.value * facts.TEMPERATURE_SCALE_K + facts.TEMPERATURE_OFFSET_K:.1f} K"
        return f"{name} {sign} {self.value + facts.REFLECTANCE_OFFSET:.3f}"


def baselines(task: CloudTask, backend: Backend) -> Iterator[Baseline]:
    """Score the baselines on all test tiles, spread over the ranks; every rank yields the same."""
    size = backend.facts.ranks
    everything = np.arange(task.eval_count, dtype=np.int64)
    mine = sharding.share(everything, rank=backend.rank, size=size)
    train, test = task.plain_tiles()
    rule = fit(train.batch(part) for part in sharding.batches(_evenly(task.train_count), 8))
    counts = np.zeros(4, np.int64)
    for part in sharding.batches(mine, 8):
        batch = test.batch(part)
        label, valid = batch["label_NHW"].astype(bool), batch["valid_NHW"].astype(bool)
        counts += metrics.count(rule.predict(batch["images_NHWC"]), label, valid)
    confusion = metrics.confusion(backend.allreduce_sum(counts, "baselines"))
    for name, scores in trivial(confusion).items():
        yield Baseline(name=name, metric="accuracy", value=scores.accuracy)
    text = rule.describe(task.channels)
    yield Baseline(name="best_threshold", metric="accuracy", value=confusion.accuracy, text=text)
    discriminant = _from_manifest(task)
    if discriminant is not None:
        text = "fitted and scored when the data set was made"
        yield Baseline(name="linear_discriminant", metric="accuracy", value=discriminant, text=text)


def _from_manifest(task: CloudTask) -> float | None:
    """Return what the manifest says of the per-pixel linear discriminant, where it speaks of the run's label."""
    name = "linear_discriminant" if task.options.channels == "all" else "linear_discriminant_thermal"
    known = task.statistics.get("baselines", {}).get(name, {}) if task.options.labels == "bayes" else {}
    accuracy = known.get("accuracy")
    return None if accuracy is None else float(accuracy)


def trivial(confusion: metrics.Confusion) -> dict[str, metrics.Confusion]:
    """Return what calling everything clear, and everything cloud, makes of the same labels."""
    cloud = confusion.true_positive + confusion.false_negative
    clear = confusion.true_negative + confusion.false_positive
    names = ("true_positive", "false_positive", "false_negative", "true_negative")
    return {
        "all_clear": metrics.Confusion(**dict(zip(names, (0, 0, cloud, clear), strict=True))),
        "all_cloud": metrics.Confusion(**dict(zip(names, (cloud, clear, 0, 0), strict=True))),
    }


def fit(batches: Iterable[Batch]) -> Threshold:
    """Return the rule of one channel that classifies most of the valid pixels right."""
    histograms: NDArray[Any] = np.zeros(0)
    for batch in batches:
        part = _histograms(batch)
        histograms = histograms + part if histograms.size else part
    clear_below, cloud_below = np.cumsum(histograms, axis=-1)
    clear, cloud = clear_below[:, -1:], cloud_below[:, -1:]
    above = clear_below + cloud - cloud_below
    right = np.stack([clear + cloud - above, above])
    best_above, channel, edge = np.unravel_index(int(right.argmax()), right.shape)
    return Threshold(channel=int(channel), value=float(_EDGES[edge + 1]), above=bool(best_above))


_EDGES = np.linspace(-6.0, 3.0, BINS + 1)


def _histograms(batch: Batch) -> NDArray[np.int64]:
    """Count values in fixed units: [clear, cloud] × channel × bin; what lies outside goes into the outermost bins."""
    images, valid = batch["images_NHWC"], batch["valid_NHW"] == 1
    width = _EDGES[1] - _EDGES[0]
    bins = np.clip(np.ceil((images - _EDGES[0]) / width).astype(np.int64) - 1, 0, BINS - 1)
    planes = [bins[valid & (batch["label_NHW"] == label)] for label in (0, 1)]
    return np.array(
        [[np.bincount(plane[:, c], minlength=BINS) for c in range(images.shape[-1])] for plane in planes], np.int64
    )


def _evenly(count: int) -> sharding.Indices:
    return np.unique(np.linspace(0, count - 1, min(count, FIT_TILES)).round().astype(np.int64))

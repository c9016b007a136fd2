"""The referee: loss and metrics in NumPy, over the valid pixels only, each exactly once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bool = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Pixels by prediction and label; cloud is positive."""

    true_positive: int
    """Cloud that was found."""

    false_positive: int
    """Clear sky that was called cloud."""

    false_negative: int
    """Cloud that was missed."""

    true_negative: int
    """Clear sky that was left clear."""

    @property
    def total(self) -> int:
        """All pixels."""
        return self.true_positive + self.false_positive + self.false_negative + self.true_negative

    @property
    def accuracy(self) -> float:
        """Share of pixels that are classified right."""
        return (self.true_positive + self.true_negative) / self.total

    @property
    def balanced_accuracy(self) -> float:
        """Mean of the recalls of the classes that occur."""
        cloud, clear = self.true_positive + self.false_negative, self.true_negative + self.false_positive
        recalls = [
            right / all_of for right, all_of in ((self.true_positive, cloud), (self.true_negative, clear)) if all_of
        ]
        return sum(recalls) / len(recalls)

    @property
    def f1(self) -> float:
        """F1 score of cloud; 1 where there is no cloud and none was found."""
        wrong = self.false_positive + self.false_negative
        return 2 * self.true_positive / (2 * self.true_positive + wrong) if self.true_positive + wrong else 1.0

    @property
    def iou(self) -> float:
        """Intersection over union of cloud; 1 where there is no cloud and none was found."""
        union = self.true_positive + self.false_positive + self.false_negative
        return self.true_positive / union if union else 1.0

    def as_scores(self) -> dict[str, float]:
        """Return the four scores by name."""
        return {name: float(getattr(self, name)) for name in ("accuracy", "balanced_accuracy", "f1", "iou")}


def count(predicted: Bool, label: Bool, valid: Bool) -> NDArray[np.int64]:
    """Count valid pixels of arrays of one shape, in the order of `Confusion`'s fields."""
    cells = (predicted & label, predicted & ~label, ~predicted & label, ~predicted & ~label)
    return np.array([np.count_nonzero(cell & valid) for cell in cells], np.int64)


def confusion(counts: NDArray[np.int64]) -> Confusion:
    """Name the counts."""
    names = ("true_positive", "false_positive", "false_negative", "true_negative")
    return Confusion(**dict(zip(names, map(int, counts), strict=True)))


def logit(probability: float) -> float:
    """Return the logit from which a pixel's probability is at least `probability`."""
    return float(np.log(probability / (1.0 - probability)))


def probability(logits: NDArray[Any]) -> NDArray[np.float32]:
    """Return 1 / (1 + exp(−x)) without overflow."""
    return (0.5 * (1.0 + np.tanh(0.5 * logits.astype(np.float64)))).astype(np.float32)


def sample_losses(logits_NHW: NDArray[Any], label_NHW: Bool, valid_NHW: Bool) -> NDArray[np.float64]:
    """Return each sample's binary cross-entropy, the mean over its valid pixels; 0 for a sample without any.

    From logits x and labels z as max(x, 0) − x·z + log(1 + exp(−|x|)), which never overflows.
    """
    x = logits_NHW.astype(np.float64)
    losses = np.maximum(x, 0.0) - x * label_NHW + np.log1p(np.exp(-np.abs(x)))
    valid = valid_NHW.astype(np.float64)
    means: NDArray[np.float64] = (losses * valid).sum((1, 2)) / np.maximum(valid.sum((1, 2)), 1.0)
    return means

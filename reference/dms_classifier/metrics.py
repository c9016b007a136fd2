"""The referee: loss and metrics of two classes in NumPy; class 1 is positive."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.floating]


def sample_losses(logits_N: Float, labels_N: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return each pattern's cross-entropy, from the log-odds of class 1."""
    signed = np.where(labels_N == 1, logits_N, -logits_N).astype(np.float64)
    return np.logaddexp(0.0, -signed)


def scores(logits_N: Float, labels_N: NDArray[np.integer]) -> dict[str, float]:
    """Return all metrics of some patterns."""
    found, truth = logits_N >= 0, labels_N == 1
    hit, false = int((found & truth).sum()), int((found & ~truth).sum())
    missed, right = int((~found & truth).sum()), int((~found & ~truth).sum())
    recalls = [part / whole for part, whole in ((hit, hit + missed), (right, right + false)) if whole]
    return {
        "accuracy": (hit + right) / len(truth),
        "balanced_accuracy": sum(recalls) / len(recalls),
        "mcc": matthews(hit, false, missed, right),
        "auroc": auroc(logits_N, labels_N),
        "loss": float(sample_losses(logits_N, labels_N).mean()),
    }


def matthews(hit: int, false: int, missed: int, right: int) -> float:
    """Return Matthews' correlation coefficient (Matthews 1975, doi 10.1016/0005-2795(75)90109-9).

    Where a row or column of the table is empty, as when one class is always said, it is 0: no correlation.
    """
    product = (hit + false) * (hit + missed) * (right + false) * (right + missed)
    return (hit * right - false * missed) / math.sqrt(product) if product else 0.0


def auroc(values_N: Float, labels_N: NDArray[np.integer]) -> float:
    """Return the area under the receiver operating characteristic; 0.5 where a class is absent.

    It is the chance that a positive has a higher value than a negative, ties counting half: Mann and Whitney's
    statistic over the product of the numbers (Hanley and McNeil 1982, doi 10.1148/radiology.143.1.7063747).
    """
    positive = labels_N == 1
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return 0.5
    _, place, counts = np.unique(values_N, return_inverse=True, return_counts=True)
    middle_rank = np.cumsum(counts) - (counts - 1) / 2
    return float((middle_rank[place][positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))

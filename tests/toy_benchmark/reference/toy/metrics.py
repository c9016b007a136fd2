"""The referee: loss and metrics in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def sample_losses(logits_N: NDArray[Any], label_N: NDArray[Any]) -> NDArray[np.float64]:
    """Return each point's binary cross-entropy.

    From logits x and labels z as max(x, 0) − x·z + log(1 + exp(−|x|)), which never overflows.
    """
    x = logits_N.astype(np.float64)
    return np.maximum(x, 0.0) - x * label_N + np.log1p(np.exp(-np.abs(x)))


def sums(logits_N: NDArray[Any], label_N: NDArray[Any]) -> NDArray[np.float64]:
    """Return the number of points that are classified right, the sum of their losses, and their number."""
    right = (logits_N > 0) == (label_N == 1)
    return np.array([np.count_nonzero(right), sample_losses(logits_N, label_N).sum(), len(label_N)], np.float64)


def means(totals: NDArray[np.float64]) -> dict[str, float]:
    """Return the means over points of what `sums` has summed."""
    right, loss, count = totals
    return {"accuracy": float(right / count), "loss": float(loss / count)}

"""Histograms of channels, fine enough to read percentiles from, and to add up over scenes."""

from __future__ import annotations

from typing import Any

import numpy as np

from datasets.slstr_cloud.sen3 import SOLAR, THERMAL

RANGES = dict.fromkeys(SOLAR, (-0.1, 1.4)) | dict.fromkeys(THERMAL, (180.0, 330.0))
"""What a histogram covers, in the channel's unit; values outside count in the outermost bins."""

BINS = 1500
"""Bins of a histogram: 0.1 K and 0.001 of reflectance."""


def histogram(channel: str, values: Any) -> Any:
    """Return how many values fall into each bin of a channel's range, (BINS,)."""
    low, high = RANGES[channel]
    bins = np.floor((np.clip(values, low, np.nextafter(np.float32(high), np.float32(low))) - low) / (high - low) * BINS)
    return np.bincount(np.clip(bins, 0, BINS - 1).astype(np.int64), minlength=BINS)

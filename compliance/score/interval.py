"""How much a score would change with other runs: a bootstrap confidence interval, the same one every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compliance.sets import olympic

LEVEL = 0.95
RESAMPLES = 9999
SEED = 20150902
"""Any number would do; a fixed one gives the same interval for the same runs."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A confidence interval of an olympic mean."""

    low: float | None
    """Lower end; None with a reason."""

    high: float | None
    """Upper end; None with a reason."""

    reason: str | None = None
    """Why there is none."""


def interval(values: Sequence[float | None]) -> Interval:
    """Return the percentile interval of the olympic mean (Efron, Tibshirani: An Introduction to the Bootstrap, 13.3).

    Every resample is trimmed as the sample is. The percentiles are taken as they are, because a correction for bias and
    skewness needs the scores without each run in turn, and of three or five runs those say next to nothing. From so few
    the interval is rather too narrow than too wide.
    """
    sample = [value for value in values if value is not None]
    if len(sample) < len(values):
        return Interval(low=None, high=None, reason="one of the runs has no time")
    if len(sample) < olympic.FEWEST:
        return Interval(low=None, high=None, reason=f"{len(sample)} of at least {olympic.FEWEST} runs")
    if len(set(sample)) == 1:
        return Interval(low=None, high=None, reason="all runs are equal")
    import numpy as np

    drawn = np.random.default_rng(SEED).choice(np.asarray(sample), size=(RESAMPLES, len(sample)))
    scores = np.sort(drawn, axis=1)[:, 1:-1].mean(axis=1)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(scores, (tail, 1 - tail))
    return Interval(low=float(low), high=float(high))

"""How few epochs are still believed: the t-test of the rules, solved for the mean.

The rules test whether a submission's mean is significantly below that of the reference, one-sided, with pooled
variance, at a level of 0.05, and take the reference's standard deviation for both. With means m and M of k and n runs,

    t = (m - M) / (s * sqrt(1/n + 1/k)),  n + k - 2 degrees of freedom,

so that the smallest mean which is not significantly below M is M - t(0.95) * s * sqrt(1/n + 1/k). No search is needed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

LEVEL = 0.05
"""Probability of refusing a submission that converges as the reference does."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """How the reference converges at one batch size."""

    batch_size: int
    """Samples of one optimiser step, over all ranks."""

    mean: float
    """Olympic mean of the epochs to the target."""

    stdev: float
    """Standard deviation of the same runs, epochs."""

    runs: int
    """Runs that the mean is of, after the fastest and the slowest were dropped."""

    origin: str
    """Where it comes from, in words."""


def smallest_mean(reference: Reference, runs: int, *, level: float = LEVEL) -> float:
    """Return the smallest mean of epochs that is not significantly below that of the reference.

    Args:
        reference: what is held against.
        runs: runs of the submission, after the fastest and the slowest were dropped; at least one.
        level: significance of the test.
    """
    spread = _spread(reference, runs)
    freedom = reference.runs + runs - 2
    if spread == 0 or freedom < 1:
        return reference.mean
    from scipy.special import stdtrit

    return max(0.0, reference.mean - float(stdtrit(freedom, 1 - level)) * spread)


def p_value(reference: Reference, mean: float, runs: int) -> float | None:
    """Return how probable a mean this small is where the submission converges as the reference; None without spread."""
    spread = _spread(reference, runs)
    freedom = reference.runs + runs - 2
    if spread == 0 or freedom < 1:
        return None
    from scipy.special import stdtr

    return float(stdtr(freedom, (mean - reference.mean) / spread))


def _spread(reference: Reference, runs: int) -> float:
    return reference.stdev * math.sqrt(1 / reference.runs + 1 / runs)

"""The olympic mean: without the smallest and the largest value (MLPerf training rules, Benchmark Results)."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

FEWEST = 3
"""Values of which something is left when two are dropped."""

MOST_MISSED = 1
"""Runs of a set that may miss the target: the slowest one is dropped in any case."""


def kept(values: Sequence[float | None]) -> list[float] | None:
    """Return what an olympic mean is of, in ascending order; None counts as larger than every number.

    Returns:
        The values without the smallest and the largest one, or None where fewer than three are given, or where more
        than one of them is None.
    """
    ordered = sorted(math.inf if value is None else value for value in values)[1:-1]
    return ordered if len(values) >= FEWEST and not any(map(math.isinf, ordered)) else None


def mean(values: Sequence[float | None]) -> float | None:
    """Return the olympic mean; None where there is none."""
    left = kept(values)
    return statistics.fmean(left) if left else None


def stdev(values: Sequence[float | None]) -> float | None:
    """Return the standard deviation of what the olympic mean is of, with n and not n - 1 below the sum.

    That is how the rules' own example has it: 0.43 for 14, 15, 15, 16, 16, 16, 16, 16, 16, 17.
    """
    left = kept(values)
    return statistics.pstdev(left) if left else None


def places_kept(values: Sequence[float | None]) -> list[int]:
    """Return which values are neither the smallest nor the largest one, in the order in which they stand."""
    order = sorted(range(len(values)), key=lambda place: _or_infinite(values[place]))
    return sorted(order[1:-1])


def _or_infinite(value: float | None) -> float:
    return math.inf if value is None else value

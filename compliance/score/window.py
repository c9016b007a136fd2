"""Of more runs than are needed, those that count: the consecutive ones whose score is the median of all such scores.

MLPerf's training rules allow M runs where N are needed, if the N that count follow each other and their score is the
median over all windows of N. Whoever runs more often is then neither rewarded for luck nor free to choose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from compliance.sets import olympic


@dataclass(frozen=True, kw_only=True)
class Window:
    """Consecutive runs of a set."""

    start: int
    """Place of the first one, from 0."""

    runs: int
    """How many there are."""

    of: int
    """Windows among which its score is the median."""

    @property
    def part(self) -> slice:
        """The runs, as a slice of all."""
        return slice(self.start, self.start + self.runs)


def median_window(times_s: Sequence[float | None], needed: int) -> Window:
    """Return the window of runs that count.

    A window with more than one run without a time has no score and is slower than every other one. Of an even number of
    windows, the slower one in the middle counts; of equal ones, the first.

    Args:
        times_s: seconds of each run, in the order in which they started; None where a run has no time.
        needed: runs that a score is of.
    """
    if len(times_s) <= needed:
        return Window(start=0, runs=len(times_s), of=1)
    scores = [_score(times_s[start : start + needed]) for start in range(len(times_s) - needed + 1)]
    middle = sorted(scores)[len(scores) // 2]
    return Window(start=scores.index(middle), runs=needed, of=len(scores))


def _score(times_s: Sequence[float | None]) -> float:
    mean = olympic.mean(times_s)
    return math.inf if mean is None else mean

"""Energy over a window, as plain arithmetic on readings: nothing here knows where they come from.

Times are seconds on one monotonic clock; between two readings, powers and counters are taken to change evenly.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, float]
"""Time in seconds, value."""

MAX_GAP_S = 3.0
"""Between two readings further apart than this nobody knows what happened."""


class UnmeasuredError(Exception):
    """The readings do not say how much energy was used.

    Attributes:
        code: a stable code in snake case.
        text: one sentence for people.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


@dataclass(frozen=True, kw_only=True)
class Window:
    """The time between run_start and run_stop."""

    start_s: float
    """Its beginning, in seconds."""

    stop_s: float
    """Its end, in seconds; not before its beginning."""

    def __post_init__(self) -> None:
        if not self.start_s <= self.stop_s:
            raise ValueError(f"window: expected stop at or after start, found {self.start_s} s to {self.stop_s} s")

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.stop_s - self.start_s


@dataclass(frozen=True, kw_only=True)
class Series:
    """Readings of one quantity, by time; make one with `Series.of`."""

    times_s: tuple[float, ...]
    """When each was read; strictly increasing."""

    values: tuple[float, ...]
    """What was read."""

    @classmethod
    def of(cls, points: Iterable[tuple[float, float]]) -> Series:
        """Put (time, value) points in order; of two at the same time the later one given stays."""
        by_time = dict(points)
        times_s = tuple(sorted(by_time))
        return cls(times_s=times_s, values=tuple(by_time[time_s] for time_s in times_s))

    def inside(self, window: Window) -> tuple[float, ...]:
        """Return the values that were read in the window, its edges included."""
        return self.values[bisect_left(self.times_s, window.start_s) : bisect_right(self.times_s, window.stop_s)]


@dataclass(frozen=True, kw_only=True)
class Quality:
    """How well readings cover a window."""

    coverage: float
    """Share of the window, 0 to 1, that lies between two readings no more than MAX_GAP_S apart."""

    n_samples: int
    """Readings in the window."""

    max_gap_s: float
    """Longest time without a reading that touches the window, in seconds; from its edge where none brackets it."""


def quality(series: Series, window: Window) -> Quality:
    """Describe how well the readings cover the window."""
    n_samples = len(series.inside(window))
    knots_s = [time_s for time_s, _ in _overlapping(series, window)]
    gaps_s = [after_s - before_s for before_s, after_s in pairwise(knots_s)]
    covered_s = math.fsum(
        min(after_s, window.stop_s) - max(before_s, window.start_s)
        for before_s, after_s in pairwise(knots_s)
        if after_s - before_s <= MAX_GAP_S
    )
    if not knots_s:
        return Quality(coverage=0.0, n_samples=n_samples, max_gap_s=window.seconds)
    unbracketed_s = [knots_s[0] - window.start_s, window.stop_s - knots_s[-1]]
    coverage = covered_s / window.seconds if window.seconds else float(max(unbracketed_s) <= 0)
    return Quality(coverage=min(1.0, coverage), n_samples=n_samples, max_gap_s=max([*gaps_s, *unbracketed_s, 0.0]))


def integral(power: Series, window: Window) -> float:
    """Integrate power over the window by the trapezoidal rule, with powers at its edges interpolated.

    Args:
        power: any unit, for instance W.
        window: must lie between the first reading and the last.

    Returns:
        That unit times seconds, for instance J.

    Raises:
        UnmeasuredError: `window_not_bracketed` or `sample_gap_exceeded`.
    """
    _require_brackets(power, window)
    parts = []
    for before, after in pairwise(_overlapping(power, window)):
        _require_no_gap(before[0], after[0])
        start_s, stop_s = max(before[0], window.start_s), min(after[0], window.stop_s)
        parts.append((stop_s - start_s) * (_between(before, after, start_s) + _between(before, after, stop_s)) / 2)
    return math.fsum(parts)


def counter_delta(counter: Series, window: Window) -> float:
    """Return by how much a counter rose over the window, with its values at the edges interpolated.

    A stall between the edges does no harm, because the counter went on counting.

    Raises:
        UnmeasuredError: `window_not_bracketed`, `sample_gap_exceeded` (at an edge) or `counter_reset`.
    """
    _require_brackets(counter, window)
    for before, after in pairwise(_overlapping(counter, window)):
        if after[1] < before[1]:
            raise UnmeasuredError(
                "counter_reset", f"the counter fell from {before[1]:.0f} to {after[1]:.0f} during the run"
            )
    return _value_at(counter, window.stop_s) - _value_at(counter, window.start_s)


def unwrap(counter: Series, counter_range: float) -> Series:
    """Make a counter that returns to 0 after `counter_range` rise on; each fall is taken for one return."""
    turns, values, previous = 0, [], -math.inf
    for value in counter.values:
        turns += value < previous
        previous = value
        values.append(value + turns * counter_range)
    return Series(times_s=counter.times_s, values=tuple(values))


def _require_brackets(series: Series, window: Window) -> None:
    times_s = series.times_s
    if not times_s or times_s[0] > window.start_s or times_s[-1] < window.stop_s:
        found = f"{times_s[0] - window.start_s:+.3f} s to {times_s[-1] - window.stop_s:+.3f} s" if times_s else "none"
        raise UnmeasuredError(
            "window_not_bracketed",
            f"expected readings from before run_start until after run_stop, found {found} relative to them",
        )


def _require_no_gap(before_s: float, after_s: float) -> None:
    if after_s - before_s > MAX_GAP_S:
        raise UnmeasuredError(
            "sample_gap_exceeded", f"{after_s - before_s:.1f} s without a reading; at most {MAX_GAP_S} s allowed"
        )


def _overlapping(series: Series, window: Window) -> list[Point]:
    """Return the readings in the window and the nearest one on each side; none where they lie all on one side."""
    if not series.times_s or series.times_s[0] > window.stop_s or series.times_s[-1] < window.start_s:
        return []
    first = max(0, bisect_right(series.times_s, window.start_s) - 1)
    last = bisect_left(series.times_s, window.stop_s)
    return list(zip(series.times_s[first : last + 1], series.values[first : last + 1], strict=True))


def _value_at(series: Series, time_s: float) -> float:
    after = bisect_left(series.times_s, time_s)
    if series.times_s[after] == time_s:
        return series.values[after]
    before = after - 1
    _require_no_gap(series.times_s[before], series.times_s[after])
    return _between(
        (series.times_s[before], series.values[before]), (series.times_s[after], series.values[after]), time_s
    )


def _between(before: Point, after: Point, time_s: float) -> float:
    return before[1] + (after[1] - before[1]) * ((time_s - before[0]) / (after[0] - before[0]))

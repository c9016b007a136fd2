"""Batch sizes: which points of the reference count, and what lies between them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from compliance.convergence.ttest import Reference


class Match(NamedTuple):
    """What a batch size is held against."""

    reference: Reference | None
    """The point; None where the batch is larger than that of every point."""

    below: bool
    """Whether the batch is smaller than that of every point, and the smallest one stands for it."""


def envelope(points: Iterable[Reference]) -> list[Reference]:
    """Return the points that count, by batch size: a larger batch never makes a convergence better.

    Of one batch size the fastest point counts. Batches below that of the fastest point of all are left out, and of the
    others all that lie above the line between two of their neighbours: what is left is the lower convex envelope of the
    means over the batch size, whatever the order in which neighbours are looked at (Andrew's monotone chain, 1979).
    """
    fastest: dict[int, Reference] = {}
    for point in points:
        known = fastest.get(point.batch_size)
        if known is None or point.mean < known.mean:
            fastest[point.batch_size] = point
    ordered = [fastest[size] for size in sorted(fastest)]
    if not ordered:
        return []
    first = min(range(len(ordered)), key=lambda place: ordered[place].mean)
    hull: list[Reference] = []
    for point in ordered[first:]:
        while len(hull) > 1 and _above(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    return hull


def match(points: Sequence[Reference], batch_size: int) -> Match:
    """Return what a batch size is held against.

    Args:
        points: an envelope, by batch size; at least one point.
        batch_size: batch size of a submission.
    """
    if batch_size < points[0].batch_size:
        return Match(points[0], below=True)
    for point in points:
        if point.batch_size == batch_size:
            return Match(point, below=False)
    for low, high in itertools.pairwise(points):
        if low.batch_size < batch_size < high.batch_size:
            return Match(between(low, high, batch_size), below=False)
    return Match(None, below=False)


def between(low: Reference, high: Reference, batch_size: int) -> Reference:
    """Interpolate mean and standard deviation linearly in the batch size.

    The runs are those of the smaller sample. MLPerf's example counts 2N there, as if no run had been dropped, which
    allows a little less; but the means were taken without those runs, which are no evidence.
    """
    share = (batch_size - low.batch_size) / (high.batch_size - low.batch_size)
    return Reference(
        batch_size=batch_size,
        mean=low.mean + share * (high.mean - low.mean),
        stdev=low.stdev + share * (high.stdev - low.stdev),
        runs=min(low.runs, high.runs),
        origin=f"between batches of {low.batch_size} and {high.batch_size}",
    )


def _above(low: Reference, point: Reference, high: Reference) -> bool:
    """Say whether a point lies above the line through two others, or on it."""
    run, rise = high.batch_size - low.batch_size, high.mean - low.mean
    return (point.mean - low.mean) * run >= rise * (point.batch_size - low.batch_size)

"""How fast inference is: throughput, and percentiles of the time that one item takes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from . import sharding
from .backend import Backend

Result = TypeVar("Result")

PERCENTILES = (50, 90, 99)


class Latency:
    """Times of one rank's items. What is done first, to warm caches and compile, is done before and not counted."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def timed(self, work: Callable[[], Result]) -> Result:
        """Do the work of one item and keep its time."""
        started = time.perf_counter()
        result = work()
        self.seconds.append(time.perf_counter() - started)
        return result


def gather(seconds: Sequence[float], *, count: int, backend: Backend) -> list[list[float]]:
    """Return the seconds of all ranks' items, rank by rank, on every rank; all ranks call it.

    Args:
        seconds: of the items that this rank timed: those of `sharding.share`, in their order.
        count: items of all ranks together.
        backend: sums the ranks' arrays, in which each item has its place.
    """
    ranks, places = backend.facts.ranks, np.arange(count)
    by_item = np.zeros(count, np.float64)
    by_item[sharding.share(places, rank=backend.rank, size=ranks)] = seconds
    by_item = backend.allreduce_sum(by_item, "latency")
    return [by_item[sharding.share(places, rank=rank, size=ranks)].tolist() for rank in range(ranks)]


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` of a hundred of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def summarise(by_rank: Sequence[Sequence[float]], *, unit: str, warmup: int) -> dict[str, Any]:
    """Return throughput and latency of all ranks together.

    Args:
        by_rank: seconds of each item, rank by rank; ranks work side by side.
        unit: what an item is, in the plural: `images`.
        warmup: items that each rank computed before its clock started.
    """
    everything = [seconds for rank in by_rank for seconds in rank]
    slowest = max((sum(rank) for rank in by_rank), default=0.0)
    return {
        "unit": unit,
        "items": len(everything),
        "warmup": warmup,
        "throughput": len(everything) / slowest if slowest else None,
        "latency_ms": {
            f"p{percent}": 1000 * percentile(everything, percent) if everything else None for percent in PERCENTILES
        },
    }

"""Inference timing: what is counted, how percentiles are taken, how ranks come together."""

from __future__ import annotations

import numpy as np
import pytest
from numpy_twin import NumpyBackend

from reference.runtime import latency
from reference.runtime.latency import Latency


def test_only_timed_work_is_counted(monkeypatch) -> None:
    now = iter([10.0, 10.5, 20.0, 20.25])
    monkeypatch.setattr("reference.runtime.latency.time.perf_counter", lambda: next(now))
    measured = Latency()
    assert [measured.timed(lambda: "a"), measured.timed(lambda: "b")] == ["a", "b"]
    assert measured.seconds == [0.5, 0.25]


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 15), (5, 15), (20, 15), (20.1, 20), (40, 20), (50, 35), (90, 50), (99, 50), (100, 50)]
)
def test_percentiles_are_those_of_the_nearest_rank(percent, expected) -> None:
    assert latency.percentile([50, 15, 40, 20, 35], percent) == expected


def test_p99_of_a_hundred_is_the_last_but_one() -> None:
    values = list(range(1, 101))
    assert [latency.percentile(values, percent) for percent in latency.PERCENTILES] == [50, 90, 99]


def test_ranks_work_side_by_side() -> None:
    summary = latency.summarise([[0.1, 0.3], [0.2]], unit="images", warmup=2)
    assert summary["throughput"] == pytest.approx(3 / 0.4)
    assert summary["latency_ms"] == pytest.approx({"p50": 200, "p90": 300, "p99": 300})
    assert (summary["unit"], summary["items"], summary["warmup"]) == ("images", 3, 2)


def test_nothing_timed_is_null_and_not_zero() -> None:
    summary = latency.summarise([[], []], unit="images", warmup=0)
    assert summary["items"] == 0
    assert summary["throughput"] is None
    assert set(summary["latency_ms"].values()) == {None}


def test_every_rank_learns_the_seconds_of_all_by_rank() -> None:
    shares = [[0.1], [0.2, 0.3], [0.4, 0.5]]

    def gathered(rank: int) -> list[list[float]]:
        backend = NumpyBackend()
        backend.facts = backend.facts.__class__(**{**backend.facts.__dict__, "ranks": 3})
        backend.rank = rank
        sent: list[np.ndarray] = []
        backend.allreduce_sum = lambda values, name: sent.append(values) or values
        latency.gather(shares[rank], count=5, backend=backend)
        backend.allreduce_sum = lambda values, name: np.array([0.1, 0.2, 0.3, 0.4, 0.5])
        outcome = latency.gather(shares[rank], count=5, backend=backend)
        parts.append(sent[0])
        return outcome

    parts: list[np.ndarray] = []
    assert [gathered(rank) for rank in range(3)] == [shares] * 3
    assert sum(parts).tolist() == [0.1, 0.2, 0.3, 0.4, 0.5], "each item is sent by one rank alone"

"""Events come in pairs, and the run's pair is closed whatever happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from logging_spec.events import Event, parse_line
from reference.runtime.lifecycle import EventLog


def events(path: Path) -> list[Event]:
    return [event for line in path.read_text(encoding="utf-8").splitlines() if (event := parse_line(line))]


def test_interval_is_a_pair_that_names_its_block(tmp_path: Path) -> None:
    with (
        EventLog(tmp_path / "log", root=Path(__file__).parent) as log,
        log.interval("epoch", epoch_num=3) as interval,
    ):
        interval.stop["samples_count"] = 12
    start, stop = events(tmp_path / "log")
    assert (start.key, start.event_type, stop.key, stop.event_type) == (
        "epoch_start", "INTERVAL_START", "epoch_stop", "INTERVAL_END",
    )  # fmt: skip
    assert start.metadata["epoch_num"] == stop.metadata["epoch_num"] == 3
    assert stop.metadata["samples_count"] == 12
    assert start.metadata["file"] == Path(__file__).name


def test_a_failure_closes_the_run_with_its_reason_and_leaves_the_epoch_open(tmp_path: Path) -> None:
    with (
        EventLog(tmp_path / "log") as log,
        pytest.raises(ZeroDivisionError),
        log.interval("run"),
        log.interval("epoch", epoch_num=1),
    ):
        raise ZeroDivisionError("by zero\nsecond line")
    assert [event.key for event in events(tmp_path / "log")] == ["run_start", "epoch_start", "run_stop"]
    stop = events(tmp_path / "log")[-1].metadata
    assert (stop["status"], stop["reason"]) == ("aborted", "ZeroDivisionError: by zero")


def test_other_ranks_write_intervals_only(tmp_path: Path) -> None:
    with EventLog(tmp_path / "log", rank=2) as log, log.interval("eval", epoch_num=1):
        log.point("eval_accuracy", 0.5, {"epoch_num": 1})
    assert [(event.key, event.metadata["rank"]) for event in events(tmp_path / "log")] == [
        ("eval_start", 2), ("eval_stop", 2),
    ]  # fmt: skip

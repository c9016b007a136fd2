"""What a run is doing, as its events tell."""

from __future__ import annotations

import io
import re

from rich.console import Console

from harness.display import Plain
from harness.progress import Progress, clock
from logging_spec.events import Event


def event(key, value=None, *, time_ms=0, **metadata):
    kind = "INTERVAL_START" if key.endswith("_start") else "INTERVAL_END" if key.endswith("_stop") else "POINT_IN_TIME"
    return Event(key=key, value=value, time_ms=time_ms, event_type=kind, metadata=metadata)


def followed(*events):
    progress = Progress(metric="accuracy", target=0.9, direction="max", max_epochs=4)
    for entry in events:
        progress.take(entry)
    return progress


FIRST_HALF = (
    event("run_start", time_ms=1000),
    event("epoch_start", time_ms=1000, epoch_num=1),
    event("tracked_stats", {"loss": 0.5, "throughput": 12.25}, time_ms=6000, epoch_num=1, step=5, steps_per_epoch=10),
)


def test_a_line_in_the_middle_of_an_epoch():
    assert followed(*FIRST_HALF).line() == (
        "epoch 1/4 · step 5/10 · loss 0.5000 · accuracy – (target ≥ 0.9) · 12.2 samples/s · at most 0:35 left"
    )


def test_a_line_after_an_evaluation():
    progress = followed(
        *FIRST_HALF, event("epoch_stop", time_ms=11000), event("eval_start", time_ms=11000, epoch_num=1),
        event("eval_accuracy", 0.75, time_ms=13000, epoch_num=1), event("eval_stop", time_ms=13000, epoch_num=1),
        event("epoch_start", time_ms=13000, epoch_num=2),
        event("tracked_stats", {"loss": 0.25}, time_ms=13000, epoch_num=2, step=1, steps_per_epoch=10),
    )  # fmt: skip
    assert progress.evaluated == [(1, 0.75)]
    assert "epoch 2/4 · step 1/10 · loss 0.2500 · accuracy 0.7500 (target ≥ 0.9)" in progress.line()


def test_a_continued_run_counts_its_own_epochs():
    progress = followed(
        event("run_start", time_ms=0), event("epoch_start", time_ms=0, epoch_num=3),
        event("eval_start", time_ms=10_000, epoch_num=3),
    )  # fmt: skip
    assert progress.seconds_left() == 10.0


def test_values_of_the_wrong_kind_are_ignored():
    progress = followed(*FIRST_HALF, event("tracked_stats", {"loss": None}, step="x"), event("eval_accuracy", True))
    assert (progress.loss, progress.step, progress.quality) == (0.5, 5, None)
    assert followed(event("tracked_stats", [1])).line() == "starting the ranks"


def test_plain_lines_come_with_evaluations():
    stream = io.StringIO()
    display = Plain(Console(file=stream, width=40))
    progress = Progress(metric="accuracy", target=0.9, direction="max", max_epochs=4)
    for entry in (*FIRST_HALF, event("eval_accuracy", 0.75, epoch_num=1), event("eval_stop", epoch_num=1)):
        progress.take(entry)
        display.update(progress)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    assert re.match(r"epoch 1/4 · step 5/10 .* accuracy 0\.7500", lines[0])


def test_clock():
    assert [clock(seconds) for seconds in (0.4, 65, 3600, 7325)] == ["0:00", "1:05", "1:00:00", "2:02:05"]

"""What a run is doing, as its events tell."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console
from run_events import event

from harness.display import Plain
from harness.progress import Progress, clock


def followed(*events, **settings):
    progress = Progress(**{"metric": "accuracy", "target": 0.9, "direction": "max", "max_epochs": 4} | settings)
    for entry in events:
        progress.take(entry)
    return progress


FIRST_HALF = (
    event("run_start", second=1),
    event("epoch_start", second=1, epoch_num=1),
    event("tracked_stats", {"loss": 0.5, "throughput": 12.25}, second=6, epoch_num=1, step=5, steps_per_epoch=10),
)


def test_a_line_in_the_middle_of_an_epoch():
    assert followed(*FIRST_HALF).line() == (
        "epoch 1/4 · step 5/10 · loss 0.5000 · accuracy – (target ≥ 0.9) · 12.2 samples/s · at most 0:35 left"
    )


def test_a_line_after_an_evaluation():
    progress = followed(
        *FIRST_HALF, event("epoch_stop", second=11), event("eval_start", second=11, epoch_num=1),
        event("eval_accuracy", 0.75, second=13, epoch_num=1), event("eval_stop", second=13, epoch_num=1),
        event("epoch_start", second=13, epoch_num=2),
        event("tracked_stats", {"loss": 0.25}, second=13, epoch_num=2, step=1, steps_per_epoch=10),
    )  # fmt: skip
    assert progress.evaluated == [(1, 0.75)]
    assert "epoch 2/4 · step 1/10 · loss 0.2500 · accuracy 0.7500 (target ≥ 0.9)" in progress.line()


def test_a_continued_run_counts_its_own_epochs():
    progress = followed(
        event("run_start", second=0), event("epoch_start", second=0, epoch_num=3),
        event("eval_start", second=10, epoch_num=3),
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


def test_the_metric_is_in_its_unit_and_the_target_has_its_sign():
    progress = followed(
        *FIRST_HALF, event("eval_psnr", 24.634, 12, epoch_num=1), metric="psnr", target=24.0
    )  # fmt: skip
    assert "PSNR 24.63 dB (target ≥ 24 dB)" in progress.line()
    assert "(target ≤ 0.5)" in followed(*FIRST_HALF, metric="loss", target=0.5, direction="min").line()


def test_only_the_metric_of_the_target_is_followed():
    progress = followed(*FIRST_HALF, event("eval_loss", 3.0, epoch_num=1), event("eval_accuracy", 0.5))
    assert progress.evaluated == [(1, 0.5)], "of the epoch under way, where the event does not say"


def test_phases_have_their_words():
    told = [
        (event("run_start"), "training", "epoch 0/4 · step 0"),
        (event("epoch_start", second=1, epoch_num=1), "training", "epoch 1/4 · step 0"),
        (event("eval_start", second=2, epoch_num=1), "evaluating", "epoch 1/4 · evaluating"),
        (event("eval_stop", second=3, epoch_num=1), "training", "epoch 1/4 · step 0"),
        (event("run_stop", second=4, status="success"), "done", "epoch 1/4 · step 0"),
        (event("inference_start", second=5), "inferring", "training is over · inference on the evaluation data"),
        (event("inference_stop", second=6), "done", "epoch 1/4 · step 0"),
    ]
    progress = followed()
    for entry, phase, words in told:
        progress.take(entry)
        assert progress.phase == phase
        assert progress.line().startswith(words)


def test_a_prediction_has_neither_epochs_nor_a_target():
    assert followed(mode="predict").line() == "starting the ranks"
    assert followed(event("run_start"), mode="predict").line() == "predicting"
    assert followed(event("run_start"), event("run_stop", second=1), mode="predict").line() == "done"


def test_an_epoch_that_does_not_say_its_number_is_the_next_one():
    progress = followed(event("run_start"), event("epoch_start", second=1), event("epoch_start", second=9))
    assert (progress.epoch, progress.step, progress.first_epoch) == (2, 0, 1)


def test_what_is_left_goes_by_the_pace_so_far():
    assert followed(event("run_start")).seconds_left() is None
    assert followed(event("run_start"), event("epoch_start", epoch_num=1)).seconds_left() is None, "no pace yet"
    assert followed(*FIRST_HALF).seconds_left() == pytest.approx(5 / 0.5 * 3.5)
    over = followed(*FIRST_HALF, event("eval_start", second=11), max_epochs=1)
    assert over.seconds_left() == 0.0

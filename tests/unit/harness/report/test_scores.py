"""The quality part of a report: the ladder and its order, the margin, what stands beside, and which chart has what."""

from __future__ import annotations

from pathlib import Path

import pytest
from run_events import denoising, event

from harness.report import scores
from harness.report.charts import Chart
from harness.report.record import Record
from logging_spec.events import Event


def record(events: list[Event] | None = None) -> Record:
    events = denoising() if events is None else events
    return Record(directory=Path("/run"), documents={}, events=events, samples={})


def without(*keys: str) -> Record:
    return record([entry for entry in denoising() if entry.key not in keys])


def test_the_aim_is_what_the_log_states_and_the_best_that_came_of_it() -> None:
    goal = scores.aim(record())
    assert goal is not None
    assert (goal.metric.name, goal.value, goal.bound) == ("psnr", 24.0, "≥ 24 dB")
    assert goal.best == {"value": 24.63, "epoch": 1}
    less = scores.aim(record([event("quality_target", 0.1, metric="loss", direction="min")]))
    assert less is not None
    assert (less.bound, less.best) == ("≤ 0.1", None)
    assert scores.aim(without("quality_target")) is None


@pytest.mark.parametrize(
    ("hyperparameters", "expected"),
    [({"model": "dncnn"}, "dncnn"), ({"batch_size": 3}, None), (None, None), ([1], None)],
)
def test_the_model_is_named_where_the_benchmark_has_several(hyperparameters, expected) -> None:
    assert scores.model(record([event("hyperparameters", hyperparameters)])) == expected
    assert scores.model(record([])) is None


def test_the_ladder_has_the_best_on_top() -> None:
    rungs = [(rung.name, rung.value, rung.kind, rung.note) for rung in scores.ladder(record())]
    assert rungs == [
        ("non local means", "25.50 dB", "classical", "classical"),
        ("dncnn", "24.63 dB", "model", "best evaluation, epoch 1"),
        ("target", "24.00 dB", "target", ""),
        ("mean", "21.05 dB", "trivial", "trivial"),
        ("identity", "12.50 dB", "trivial", "trivial: the noisy image"),
    ]
    less = [
        event("quality_target", 0.3, metric="loss", direction="min"),
        event("eval_loss", 0.4, epoch_num=1),
        event("baseline", 0.2, name="prior", metric="loss"),
    ]
    assert [rung.name for rung in scores.ladder(record(less))] == ["prior", "target", "the model"]


@pytest.mark.parametrize("direction", ["min", "max"])
def test_of_equals_the_model_stands_above_the_target_and_above_baselines(direction) -> None:
    equal = [
        event("quality_target", 0.5, metric="loss", direction=direction),
        event("eval_loss", 0.5, epoch_num=1),
        event("baseline", 0.5, name="prior", metric="loss"),
    ]
    assert [rung.kind for rung in scores.ladder(record(equal))] == ["model", "target", "trivial"]


def test_a_run_without_evaluations_still_has_a_ladder() -> None:
    kinds = [rung.kind for rung in scores.ladder(without("eval_psnr"))]
    assert kinds == ["classical", "target", "trivial", "trivial"]
    assert scores.ladder(without("quality_target")) == []


@pytest.mark.parametrize(
    ("margin", "sufficient", "short"), [(3.58, True, "+3.58 dB"), (-1.25, False, "−1.25 dB"), (0.0, False, "0.00 dB")]
)
def test_the_margin_in_short(margin, sufficient, short) -> None:
    found = scores.margin(record(denoising(margin=margin)))
    assert found is not None
    assert (found["sufficient"], found["short"], found["beside"]) == (sufficient, short, "over mean, 0.5 dB asked for")
    assert found["text"].endswith("mean, the best trivial method (21.05 dB); at least 0.5 dB is asked for")


def test_without_a_rival_or_a_demand_the_margin_says_so() -> None:
    bare = [
        event("quality_target", 0.5, metric="iou", direction="max"),
        event("quality_margin", 0.1, metric="iou", required=0, sufficient=True),
    ]
    found = scores.margin(record(bare))
    assert found is not None
    assert (found["short"], found["beside"]) == ("+0.1000", "any lead is enough")
    assert scores.margin(record(bare[:1])) is None
    assert scores.margin(record(bare[1:])) is None


def test_other_metrics_are_those_of_the_last_evaluation() -> None:
    assert scores.others(record()) == [
        ("SSIM", "0.7900", "larger is better"),
        ("MSE", "5.20e-04", "smaller is better"),
        ("loss", "0.2600", "smaller is better"),
    ]
    own = [event("eval_sharpness", 0.5, epoch_num=1), event("eval_samples", 40), event("eval_start", epoch_num=1)]
    assert scores.others(record(own)) == [("sharpness", "0.5000", "")], "a count is no metric"


def test_rows_of_the_inference() -> None:
    assert scores.inference(record()) == [
        ("throughput", "50.25 images/s"),
        ("latency, p50", "19.5 ms"),
        ("latency, p99", "30 ms"),
        ("PSNR", "24.25 dB"),
        ("items", "40, after 1 to warm up"),
        ("time of the whole phase", "2.5 s"),
    ]
    assert scores.inference(without("inference_latency_ms"))[-2] == ("items", "40")
    assert scores.inference(record([event("inference_start")])) == [("nothing of it was logged", "–")]
    assert scores.inference(without("inference_start")) == []


def drawn(of: Record) -> list[Chart]:
    return list(scores.charts(of))


def test_the_target_has_axes_of_its_own_with_all_that_it_is_held_against() -> None:
    first = drawn(record())[0]
    assert (first.title, first.y_label, first.half) == ("PSNR", "PSNR in dB", False)
    assert [(series.name, list(series.points)) for series in first.series] == [
        ("PSNR", [(1.0, 24.63), (119.7 / 60, 24.5)])
    ]
    assert [(level.name, level.y, level.kind) for level in first.levels] == [
        ("target", 24.0, "target"), ("identity", 12.5, "baseline"), ("mean", 21.05, "baseline"),
        ("non local means", 25.5, "baseline"),
    ]  # fmt: skip
    assert "larger is better" in first.note


def test_shares_are_drawn_together_and_the_rest_alone_but_not_the_loss() -> None:
    of = record(
        [
            event("quality_target", 0.9, metric="accuracy", direction="max"),
            event("run_start"),
            *[event(f"eval_{name}", 0.5, 60, epoch_num=1) for name in ("accuracy", "mcc", "mse", "auroc", "loss")],
        ]
    )
    assert [(chart.title, [series.name for series in chart.series], chart.half) for chart in drawn(of)] == [
        ("Accuracy", ["accuracy"], False), ("Other metrics", ["MCC", "AUROC"], True), ("MSE", ["MSE"], True),
    ]  # fmt: skip
    assert {chart.x_label for chart in drawn(of)} == {"minutes since run_start"}
    assert [chart.y_label for chart in drawn(of)] == ["accuracy", "on the evaluation samples", "MSE"]
    loss = scores.evaluation_loss(of)
    assert loss is not None
    assert (loss.name, list(loss.points)) == ("evaluation", [(1.0, 0.5)])
    assert scores.evaluation_loss(record([])) is None


def test_a_chart_has_no_more_lines_than_there_are_colours() -> None:
    names = ["accuracy", "balanced_accuracy", "f1", "iou", "ssim", "mcc", "auroc"]
    of = record([event(f"eval_{name}", 0.5, epoch_num=1) for name in names])
    quality, first, second = drawn(of)
    assert (quality.title, list(quality.series)) == ("Quality", []), "no target, no line"
    assert [len(chart.series) for chart in (first, second)] == [6, 1]
    assert (second.title, second.y_label) == ("AUROC", "AUROC")


def test_a_heading_keeps_the_rest_of_its_label() -> None:
    assert [scores.heading(label) for label in ("balanced accuracy", "PSNR", "")] == ["Balanced accuracy", "PSNR", ""]

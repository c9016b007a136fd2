"""What a log says of quality, and the sentences about it."""

from __future__ import annotations

import pytest
from run_events import denoising, event

from harness import quality


def without(*keys):
    return [entry for entry in denoising() if entry.key not in keys]


@pytest.mark.parametrize(
    ("direction", "values", "expected"),
    [
        ("max", [0.5, 0.9, 0.7], (0.9, 2)),
        ("min", [0.5, 0.9, 0.4], (0.4, 3)),
        ("max", [0.9, 0.9], (0.9, 1)),
        ("min", [0.4, 0.4, 0.5], (0.4, 1)),
    ],
)
def test_the_best_evaluation_is_the_first_of_equals(direction, values, expected):
    events = [event("eval_iou", value, epoch_num=epoch) for epoch, value in enumerate(values, start=1)]
    events += [event("eval_accuracy", 99.0 if direction == "max" else -99.0, epoch_num=9)]
    assert quality.best(events, "iou", direction) == {"value": expected[0], "epoch": expected[1]}


def test_without_an_evaluation_there_is_no_best_one():
    assert quality.best(denoising(), "accuracy", "max") is None
    assert quality.best([event("eval_x", 1)], "x", "max") == {"value": 1.0, "epoch": None}


def test_baselines_are_listed_with_kind_and_rule():
    found = quality.baselines(denoising())
    assert [(entry["name"], entry["metric"], entry["kind"], entry["value"], entry["rule"]) for entry in found] == [
        ("identity", "psnr", "trivial", 12.5, "the noisy image"),
        ("mean", "psnr", "trivial", 21.05, None),
        ("non_local_means", "psnr", "classical", 25.5, None),
        ("chance", "ssim", "trivial", 0.5, None),
    ]
    (odd,) = quality.baselines([event("baseline", 1.0, name="n", metric="m", rule={"threshold": 3})])
    assert odd["rule"] is None, "only words are a rule"


def test_the_strongest_baseline_is_the_best_trivial_one_of_its_metric():
    found = quality.baselines(denoising())
    assert quality.strongest(found, "psnr", "max")["name"] == "mean"
    assert quality.strongest(found, "psnr", "min")["name"] == "identity"
    assert quality.strongest(found, "ssim", "max")["name"] == "chance"
    assert quality.strongest(found, "iou", "max") is None
    assert quality.strongest([entry for entry in found if entry["kind"] == "classical"], "psnr", "max") is None


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"files": 4, "bytes": 182_346_272}, "0.182 GB in 4 files"),
        ({"files": 1, "bytes": 2_000_000_000, "staged_bytes": 2_000_000_000, "form": "files"}, "2 GB in 1 file"),
        (
            {"files": 4, "bytes": 182_346_272, "staged_bytes": 60_782_976, "form": "samples", "compress": "none"},
            "0.182 GB in 4 files, kept as samples of 0.0608 GB",
        ),
        ({"files": 2, "bytes": 10**9, "staged_bytes": 4 * 10**8}, "1 GB in 2 files, kept as files of 0.4 GB"),
    ],
)
def test_staging_is_told_with_its_time_and_form(said, text):
    start = event("staging_start", None, 1)
    found = quality.staging([start, event("staging_progress", 5, 2), event("staging_stop", None, 3.5, **said)])
    assert found["seconds"] == 2.5
    assert quality.staging_text(found) == text
    assert quality.staging([start]) is None, "it was cut off"
    assert quality.staging([start, event("staging_stop", None, 2)]) is None, "the run was asked to stop meanwhile"


def test_the_margin_is_as_the_run_has_logged_it():
    assert quality.margin(denoising()) == {"value": 3.58, "metric": "psnr", "required": 0.5, "sufficient": True}
    assert quality.margin(denoising(margin=0.25))["sufficient"] is False
    assert quality.margin(without("quality_margin")) is None


RIVAL = {"name": "all_cloud", "value": 0.5}


@pytest.mark.parametrize(
    ("lead", "rival", "expected"),
    [
        (
            {"metric": "psnr", "value": 3.583, "required": 0.5},
            {"name": "mean", "value": 21.05},
            "3.58 dB better than mean, the best trivial method (21.05 dB); at least 0.5 dB is asked for",
        ),
        (
            {"metric": "accuracy", "value": -0.01, "required": 0.05},
            RIVAL,
            "0.0100 worse than all cloud, the best trivial method (0.5000); at least 0.05 is asked for",
        ),
        (
            {"metric": "accuracy", "value": 0.0, "required": 0},
            RIVAL,
            "no better than all cloud, the best trivial method (0.5000); any lead is enough",
        ),
        (
            {"metric": "accuracy", "value": 0.25, "required": 0},
            None,
            "0.2500 better than the best trivial method; any lead is enough",
        ),
    ],
)
def test_the_margin_in_a_sentence(lead, rival, expected):
    assert quality.margin_text(lead, rival) == expected


def test_what_inference_measured():
    assert quality.inference(denoising()) == {
        "items": 40, "seconds": 2.5, "throughput": 50.25, "unit": "images/s",
        "latency_ms": {"p50": 19.5, "p99": 30.0}, "warmup": 1, "quality": {"psnr": 24.25},
    }  # fmt: skip


def test_an_inference_that_was_cut_off_has_what_it_came_to():
    cut = quality.inference(without("inference_stop", "inference_latency_ms", "inference_quality"))
    assert cut == {
        "items": None, "seconds": None, "throughput": 50.25, "unit": "images/s", "latency_ms": {}, "warmup": None,
        "quality": {},
    }  # fmt: skip
    assert quality.inference([event("inference_start")])["throughput"] is None
    assert quality.inference(without("inference_start")) is None, "no phase without its start"

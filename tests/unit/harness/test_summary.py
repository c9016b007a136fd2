"""summary.json and the screen that ends a run, from a log, an outcome and a judgement."""

from __future__ import annotations

import io
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.console import Console
from run_events import denoising, event, write_log

from harness import summary
from harness.judge import NOT_ASKED, Judgement
from harness.outcome import Outcome
from harness.rundir import RunDirectory

CONFIGURATION = SimpleNamespace(
    benchmark=SimpleNamespace(name="em_denoise", metric="psnr", direction="max", reported=("ssim", "mse")),
    implementation=SimpleNamespace(name="pt"), hyperparameters={"model": "dncnn"}, scale="tiny", ranks=2, target=24.0,
    submission=SimpleNamespace(division="open"), precision="fp32", precision_reason="asked for", seed=7,
)  # fmt: skip
OUTCOME = Outcome(kind="ok", exit_code=0, text="all ranks ended well", launcher_exit_code=0)
FINDING = {
    "line": 3, "rule": "order-001", "where": "seed", "expected": "one", "found": "two", "advice": "log it once",
    "severity": "error",
}  # fmt: skip


def judged(*findings, **said):
    facts = {"target_reached": True, "time_to_train_s": 119.7, "time_to_train_reason": None} | said
    verdict = {"files": [{"findings": list(findings), "summary": facts}]}
    return Judgement(compliant=not findings, reason=None, verdict=verdict)


@pytest.fixture
def summarised(tmp_path):
    def make(events=None, *, outcome=OUTCOME, judgement=None, configuration=CONFIGURATION):
        directory = RunDirectory(root=tmp_path, run_id="r1")
        write_log(directory.result, denoising() if events is None else events)
        return summary.summarise(configuration, directory, outcome, judgement or judged())

    return make


def screen(document):
    """Return the screen's rows by their name, and the lines below them."""
    console = Console(width=200, record=True, file=io.StringIO())
    summary.show(document, console)
    lines = [line.rstrip() for line in console.export_text().splitlines() if line.strip()]
    rows = {line[:14].strip(): line[14:].strip() for line in lines if not line.startswith(" ")}
    return rows, [line.strip() for line in lines if line.startswith(" ")]


def test_the_document_says_what_log_and_verdict_say(summarised, tmp_path):
    found = summarised()
    assert found == found | {
        "run_id": "r1", "directory": str(tmp_path), "benchmark": "em_denoise", "model": "dncnn", "ranks": 2,
        "implementation": "pt", "division": "open", "outcome": "ok", "compliant": True, "findings": [],
        "target": {"metric": "psnr", "value": 24.0, "direction": "max"}, "target_reached": True,
        "time_to_train_s": 119.7, "run_time_s": 119.7, "epochs": 0, "best": {"value": 24.63, "epoch": 1},
        "quality": {"psnr": 24.5, "ssim": 0.79, "mse": 0.00052}, "throughput_samples_per_s": 200.0, "energy": [],
    }  # fmt: skip
    assert found["quality_margin"]["value"] == 3.58
    assert found["inference"]["throughput"] == 50.25
    assert [entry["name"] for entry in found["baselines"]] == ["identity", "mean", "non_local_means", "chance"]


def test_a_good_run_on_one_screen(summarised, tmp_path):
    events = [*denoising(), *[event("epoch_stop", epoch_num=epoch, samples_count=12000) for epoch in (1, 2)]]
    events += [event("energy", 1234.5, source="rapl"), event("energy", None, source="nvml", reason="no-driver: none")]
    rows, below = screen(summarised(events))
    assert rows == {
        "run": "em_denoise, model dncnn, pt, scale tiny, open division, 2 ranks, fp32, seed 7",
        "verdict": "compliant",
        "time to train": "2:00 (119.7 s from run_start to run_stop)",
        "PSNR": "24.63 dB after epoch 1 of 2; 24.50 dB at the end; target ≥ 24 dB",
        "margin": "3.58 dB better than mean, the best trivial method (21.05 dB); at least 0.5 dB is asked for",
        "also": "SSIM 0.7900, MSE 5.20e-04",
        "baselines": "identity 12.50 dB, mean 21.05 dB, non local means 25.50 dB (classical)",
        "throughput": "200.0 samples/s, median of the epochs",
        "inference": "50.25 images/s over 40; p50 19.5 ms, p99 30 ms; PSNR 24.25 dB",
        "energy": "rapl 1.23 kJ; nvml not measured (no-driver)",
        "directory": str(tmp_path),
    }
    assert below == []


def test_a_run_that_came_to_nothing_says_so_everywhere(summarised):
    failed = replace(OUTCOME, kind="rank_failed", exit_code=4, text="rank 1 ended with 9")
    one = SimpleNamespace(**vars(CONFIGURATION) | {"ranks": 1, "hyperparameters": {}})
    found = summarised([], outcome=failed, judgement=NOT_ASKED, configuration=one)
    assert (found["best"], found["quality_margin"], found["inference"], found["run_time_s"]) == (None,) * 4
    rows, _ = screen(found)
    assert rows["run"] == "em_denoise, pt, scale tiny, open division, 1 rank, fp32, seed 7"
    assert rows["verdict"] == "none: --no-check"
    assert rows["outcome"] == "rank 1 ended with 9"
    assert rows["time to train"] == "none: --no-check"
    assert rows["PSNR"] == "not evaluated; target ≥ 24 dB"
    assert rows["also"] == "SSIM –, MSE –"
    assert [rows[name] for name in ("margin", "baselines", "throughput", "energy")] == ["not logged"] * 4
    assert "inference" not in rows


def test_a_run_that_missed_its_target_has_a_reason_and_how_long_it_ran(summarised):
    missed = judged(target_reached=False, time_to_train_s=None, time_to_train_reason="the target was not reached")
    assert screen(summarised(judgement=missed))[0]["time to train"] == "none: the target was not reached; it ran 2:00"


@pytest.mark.parametrize(("count", "words"), [(1, "1 finding"), (7, "7 findings")])
def test_findings_are_counted_and_the_first_are_shown(count, words, summarised):
    rows, below = screen(summarised(judgement=judged(*[FINDING | {"line": line} for line in range(1, count + 1)])))
    assert rows["verdict"] == f"not compliant, {words}"
    assert below[0] == "result_0.txt:1: order-001 seed: expected one, found two — log it once [error]"
    assert len(below) == min(count, 5) + (count > 5)
    assert count <= 5 or below[-1] == "… and 2 more in verdict.json"


def test_a_margin_that_is_too_small_stands_out(summarised):
    margin = screen(summarised(denoising(margin=0.25)))[0]["margin"]
    assert margin.startswith("INSUFFICIENT: 0.25 dB better than mean")


def test_where_less_is_better_the_target_has_the_other_sign(summarised):
    less = SimpleNamespace(name="em_denoise", metric="loss", direction="min", reported=())
    configuration = SimpleNamespace(**vars(CONFIGURATION) | {"benchmark": less, "target": 0.3})
    rows, _ = screen(summarised(configuration=configuration))
    assert rows["loss"] == "0.2500 after epoch 1 of 0; 0.2600 at the end; target ≤ 0.3"
    assert "also" not in rows


def test_a_last_value_that_is_the_best_is_said_once(summarised):
    events = [entry for entry in denoising() if entry.metadata.get("epoch_num") != 2]
    assert screen(summarised(events))[0]["PSNR"] == "24.63 dB after epoch 1 of 0; target ≥ 24 dB"


def test_a_run_that_staged_says_how_long_it_took(summarised):
    said = {"files": 4, "bytes": 182_346_272, "staged_bytes": 60_782_976, "form": "samples", "compress": "none"}
    events = [*denoising(), event("staging_start"), event("staging_stop", None, 2.5, **said)]
    found = screen(summarised(events))[0]["staging"]
    assert found == "2.5 s of the run: 0.182 GB in 4 files, kept as samples of 0.0608 GB"
    assert "staging" not in screen(summarised())[0]


def test_an_inference_that_was_cut_off_is_still_told_of(summarised):
    events = [*denoising()[:16], event("inference_start", None, 130)]
    assert screen(summarised(events))[0]["inference"] == "nothing of it was logged"


def test_a_run_that_goes_on_counts_the_epochs_of_the_training_and_not_its_own(summarised):
    later = [event("epoch_stop", epoch_num=epoch, samples_count=12000) for epoch in (7, 8)]
    document = summarised([*denoising(), *later])
    assert (document["epochs"], document["last_epoch"]) == (2, 8)
    assert screen(document)[0]["PSNR"].startswith("24.63 dB after epoch 1 of 8;")

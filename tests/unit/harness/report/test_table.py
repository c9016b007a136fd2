"""Rows of a table: made from logs, a dash where there is nothing, and none for what is no run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from run_events import denoising, event, write_log

from harness.report.table import COLUMNS, main
from logging_spec.events import Event


def log(folder: Path, *events: Event) -> Path:
    folder.mkdir()
    write_log(folder / "result_0.txt", list(events))
    return folder


def row(text: str) -> dict[str, str]:
    """Cells of the last row by column."""
    cells = [cell.strip() for cell in text.splitlines()[-1].strip("|").split("|")]
    return dict(zip([name for name, _ in COLUMNS], cells, strict=True))


def test_a_run_is_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = log(
        tmp_path / "run",
        event("seed", 7, 0),
        event("quality_target", 0.9, 0, metric="accuracy", direction="max"),
        event("run_start", None, 1),
        event("throughput", 2.0, 2, epoch_num=1),
        event("throughput", 3.0, 3, epoch_num=2),
        event("eval_accuracy", 0.5, 4, epoch_num=1),
        event("eval_accuracy", 0.91, 5, epoch_num=2),
        event("run_stop", None, 91, status="success"),
        event("baseline", 0.5, 92, name="all clear", metric="accuracy"),
    )
    (run / "summary.json").write_text(json.dumps({"compliant": True}))
    prediction = tmp_path / "prediction"
    prediction.mkdir()
    assert main([str(run), str(prediction)]) == 0
    text = capsys.readouterr().out
    assert len(text.splitlines()) == 3
    found = row(text)
    assert (found["time to train"], found["samples/s"], found["quality"]) == ("1.5 min", "2.50", "accuracy 0.9100")
    assert (found["seed"], found["baselines"], found["verdict"]) == ("7", "all clear 0.5000", "compliant")


def test_a_run_that_did_not_come_far_has_dashes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(log(tmp_path / "run", event("run_start")))]) == 0
    found = row(capsys.readouterr().out)
    assert found.pop("verdict") == "not judged"
    assert found.pop("epochs") == "0"
    assert found.pop("ranks × threads") == "– × –"
    assert set(found.values()) == {"–"}


def test_nothing_to_show_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err


def test_each_metric_is_in_its_unit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = log(tmp_path / "run", *denoising())
    (run / "summary.json").write_text(json.dumps({"compliant": False}))
    assert main([str(run)]) == 0
    found = row(capsys.readouterr().out)
    assert found == found | {
        "benchmark": "em_denoise", "model": "dncnn", "implementation": "pt", "time to train": "2.0 min",
        "samples/s": "200.00", "quality": "PSNR 24.63 dB", "target": "≥ 24 dB",
        "baselines": "identity 12.50, mean 21.05, non local means 25.50", "margin": "+3.58 dB",
        "inference": "50.25 images/s", "verdict": "not compliant",
    }  # fmt: skip


def test_a_margin_that_is_too_small_stands_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [log(tmp_path / f"{margin}", *denoising(margin=margin)) for margin in (3.58, 0.25)]
    assert main([str(run) for run in runs]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [row(line)["margin"] for line in lines[2:]] == ["+3.58 dB", "**insufficient: +0.25 dB**"]


def test_a_name_cannot_break_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(log(tmp_path / "run", event("implementation", "a|b")))]) == 0
    assert r"| a\|b |" in capsys.readouterr().out

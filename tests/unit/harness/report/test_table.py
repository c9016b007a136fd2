"""Rows of a table: made from logs, a dash where there is nothing, and none for what is no run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.report.table import COLUMNS, main
from logging_spec.events import Event, EventType, format_line


def log(folder: Path, *events: tuple[str, object, int, EventType, dict[str, object]]) -> Path:
    folder.mkdir()
    lines = [
        format_line(Event(key=key, value=value, time_ms=time_ms, event_type=kind, metadata=metadata))
        for key, value, time_ms, kind, metadata in events
    ]
    (folder / "result_0.txt").write_text("\n".join(lines) + "\n")
    return folder


def row(text: str) -> dict[str, str]:
    """Cells of the last row by column."""
    cells = [cell.strip() for cell in text.splitlines()[-1].strip("|").split("|")]
    return dict(zip([name for name, _ in COLUMNS], cells, strict=True))


def test_a_run_is_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = log(
        tmp_path / "run",
        ("seed", 7, 0, "POINT_IN_TIME", {}),
        ("quality_target", 0.9, 0, "POINT_IN_TIME", {"metric": "accuracy", "direction": "max"}),
        ("run_start", None, 1_000, "INTERVAL_START", {}),
        ("throughput", 2.0, 2_000, "POINT_IN_TIME", {"epoch_num": 1}),
        ("throughput", 3.0, 3_000, "POINT_IN_TIME", {"epoch_num": 2}),
        ("eval_accuracy", 0.5, 4_000, "POINT_IN_TIME", {"epoch_num": 1}),
        ("eval_accuracy", 0.91, 5_000, "POINT_IN_TIME", {"epoch_num": 2}),
        ("run_stop", None, 91_000, "INTERVAL_END", {"status": "success"}),
        ("baseline", 0.5, 92_000, "POINT_IN_TIME", {"name": "all clear", "metric": "accuracy"}),
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
    assert main([str(log(tmp_path / "run", ("seed", 7, 0, "POINT_IN_TIME", {})))]) == 0
    found = row(capsys.readouterr().out)
    assert (found["time to train"], found["samples/s"], found["quality"]) == ("–", "–", "–")
    assert found["verdict"] == "not judged"


def test_nothing_to_show_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err

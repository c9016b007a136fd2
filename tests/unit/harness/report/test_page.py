"""The report page: complete for a whole run, honest for a broken one, closed towards the outside."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from harness.report.page import write_report
from logging_spec.events import Event, EventType, format_line

START_MS = 1_800_000_000_000


def line(key: str, value: object, second: float, kind: EventType = "POINT_IN_TIME", **metadata: object) -> str:
    event = Event(
        key=key,
        value=value,
        time_ms=START_MS + int(1000 * second),
        event_type=kind,
        metadata={"file": "x.py", "lineno": 1, **metadata},
    )
    return format_line(event)


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    lines = [
        line("launch_environment", {"OMP_NUM_THREADS": "1"}, -2),
        line("seed", 7, -1),
        line("quality_target", 0.9, -1, metric="accuracy", direction="max"),
        line("run_start", None, 0, "INTERVAL_START"),
        line("tracked_stats", {"loss": 0.7, "throughput": 2.0}, 30, epoch_num=1, step=1),
        line("throughput", 2.0, 60, epoch_num=1),
        line("eval_start", None, 60, "INTERVAL_START", epoch_num=1),
        line("eval_accuracy", 0.9312, 65, epoch_num=1),
        line("eval_stop", None, 66, "INTERVAL_END", epoch_num=1, samples_count=40),
        line("run_stop", None, 90, "INTERVAL_END", status="success"),
        line("baseline", 0.55, 91, name="<b>all cloud</b>", metric="accuracy"),
        line("energy", None, 92, source="nvml", reason="no NVIDIA driver"),
    ]
    (tmp_path / "result_0.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "run.json").write_text(json.dumps({"benchmark": "slstr_cloud", "implementation": "pt", "run_id": "r1"}))
    (tmp_path / "telemetry").mkdir()
    samples = [
        {"type": "sample", "source": "host", "wall_ns": (START_MS + 1000 * s) * 10**6, "mono_ns": s, "items": [
            {"id": "host", "cpu_percent": 50.0 + s, "memory_used_bytes": 2**30}]}
        for s in range(10)
    ]  # fmt: skip
    (tmp_path / "telemetry" / "node1.jsonl").write_text("\n".join(map(json.dumps, samples)) + '\n{"type": "sam')
    return tmp_path


def test_a_whole_run_is_shown(run_dir: Path) -> None:
    text = write_report(run_dir).read_text()
    for wanted in ("0.9312", "1 min 30 s", "≥ 0.9", "no NVIDIA driver", "OMP_NUM_THREADS", "Processor load"):
        assert wanted in text


def test_text_of_a_log_never_becomes_markup(run_dir: Path) -> None:
    text = write_report(run_dir).read_text()
    assert "<b>all cloud</b>" not in text
    assert "&lt;b&gt;all cloud&lt;/b&gt;" in text


def test_nothing_is_loaded_from_outside(run_dir: Path) -> None:
    text = write_report(run_dir).read_text()
    assert not re.search(r"""(src|href)\s*=|url\(|@import|<script|https?:""", text)


def test_an_empty_directory_gives_a_page_that_says_so(tmp_path: Path) -> None:
    text = write_report(tmp_path).read_text()
    assert "Not judged" in text
    assert "nothing was recorded" in text


def test_a_crashed_run_is_shown_as_far_as_it_came(run_dir: Path) -> None:
    lines = (run_dir / "result_0.txt").read_text().splitlines()
    (run_dir / "result_0.txt").write_text("\n".join(lines[:5]) + "\n:::MLLOG {torn")
    text = write_report(run_dir).read_text()
    assert re.search("<h2>Loss</h2>\\s*<svg", text)
    assert "Time to train" not in text

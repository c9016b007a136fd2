"""The report page: complete for a whole run, honest for a broken one, closed towards the outside."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from run_events import START_MS, denoising, event, write_log

from harness.report.page import Tile, charts, facts, render, shown, tiles, verdict, write_report
from harness.report.record import Record
from logging_spec.events import Event


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    events = [
        event("launch_environment", {"OMP_NUM_THREADS": "1"}, -2),
        event("seed", 7, -1),
        event("quality_target", 0.9, -1, metric="accuracy", direction="max"),
        event("run_start", None, 0),
        event("tracked_stats", {"loss": 0.7, "throughput": 2.0}, 30, epoch_num=1, step=1),
        event("throughput", 2.0, 60, epoch_num=1),
        event("eval_start", None, 60, epoch_num=1),
        event("eval_accuracy", 0.9312, 65, epoch_num=1),
        event("eval_stop", None, 66, epoch_num=1, samples_count=40),
        event("run_stop", None, 90, status="success"),
        event("baseline", 0.55, 91, name="<b>all cloud</b>", metric="accuracy"),
        event("energy", None, 92, source="nvml", reason="no NVIDIA driver"),
    ]
    write_log(tmp_path / "result_0.txt", events)
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


def record(
    events: list[Event] | None = None, samples: dict[str, list[dict[str, Any]]] | None = None, **documents: Any
) -> Record:
    """Make a record; documents that are not given are empty, as those that are missing."""
    empty = {name: {} for name in ("run", "launch", "system", "verdict", "summary")}
    events = denoising() if events is None else events
    return Record(directory=Path("/r"), documents={**empty, **documents}, events=events, samples=samples or {})


def tile(name: str, of: Record) -> Tile:
    (found,) = [tile for tile in tiles(of) if tile.name == name]
    return found


def test_tiles_of_a_run_that_reached_its_target() -> None:
    assert [(found.name, found.value, found.beside, found.alarm) for found in tiles(record())] == [
        ("Time to train", "2 min 0 s", "status success", False),
        ("PSNR", "24.63 dB", "best; target ≥ 24 dB", False),
        ("Lead", "+3.58 dB", "over mean, 0.5 dB asked for", False),
        ("Throughput", "200 /s", "training samples, mean over epochs", False),
        ("Inference", "50.2 /s", "images after the run, p50 19.5 ms, p99 30 ms", False),
        ("Energy", "–", "no source of power was recorded", False),
    ]


def test_a_run_that_staged_has_a_tile_for_it() -> None:
    stop = event("staging_stop", None, 2.5, files=4, bytes=182_346_272, staged_bytes=182_346_272, form="files")
    found = tile("Staging", record([event("staging_start"), stop]))
    assert (found.value, found.beside) == ("2.5 s", "of the run: 0.182 GB in 4 files")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.04, "0.0 s"), (59.7, "59.7 s"), (60, "1 min 0 s"), (119.4, "1 min 59 s"), (119.7, "2 min 0 s")],
)
def test_a_duration_has_no_sixty_seconds(seconds, expected) -> None:
    of = record([event("run_start"), event("run_stop", None, seconds, status="success")])
    assert tile("Time to train", of).value == expected


def test_a_run_that_missed_its_target_has_no_time_to_train() -> None:
    stop = event("run_stop", None, 30, status="aborted", reason="max_epochs")
    found = tile("Run time", record([event("run_start"), stop]))
    assert (found.value, found.beside) == ("30.0 s", "max_epochs")


def test_a_margin_that_is_too_small_is_an_alarm() -> None:
    page = render(record(denoising(margin=0.25)))
    assert '<div class="alarm" role="alert"><strong>Insufficient margin' in page
    assert "0.25 dB better than mean, the best trivial method (21.05 dB); at least 0.5 dB is asked for." in page
    assert tile("Insufficient lead", record(denoising(margin=0.25))).alarm
    assert 'role="alert"' not in render(record())


def test_energy_is_measured_or_there_is_a_reason() -> None:
    measured = [event("energy", 12345.0, source="rapl"), event("energy", None, source="nvml", reason="x: y")]
    found = tile("Energy", record(measured))
    assert (found.value, found.beside) == ("12.3 kJ", "rapl, not MLPerf Power")
    found = tile("Energy", record([event("energy", None, source="nvml", reason="no-driver: no NVIDIA driver")]))
    assert (found.value, found.beside) == ("–", "no NVIDIA driver"), "the sentence behind the code"


FINDING = {
    "rule": "order-001", "severity": "error", "line": 7, "where": "run_start", "expected": "one", "found": "none",
    "advice": "log it",
}  # fmt: skip


@pytest.mark.parametrize(
    ("document", "words", "where"),
    [
        ({}, "Not judged", None),
        ({"compliant": True, "ruleset": {"name": "sciml"}, "files": [{}]}, "Compliant with sciml", None),
        ({"compliant": True}, "Compliant with the rules", None),
        ({"compliant": False, "files": [{"findings": [FINDING]}]}, "Not compliant with the rules", "line 7"),
        ({"compliant": False, "files": [{"findings": [FINDING | {"line": None}]}]}, "Not compliant", "the whole log"),
    ],
)
def test_the_verdict_and_its_findings_are_shown(document, words, where) -> None:
    of = record(verdict=document)
    page = render(of)
    assert words in page
    findings = verdict(of)["findings"]
    assert [entry["where"] for entry in findings] == ([where] if where else [])
    if where:
        assert f"{where}: run_start: expected one, found none — log it" in page


def test_facts_are_the_scalars_before_the_clock_and_the_hyperparameters() -> None:
    events = [
        event("seed", 7), event("deterministic", True), event("launch_environment", {"A": "1"}), event("empty", None),
        event("hyperparameters", {"learning_rate": 0.00123456}), event("run_start"), event("seed", 8),
    ]  # fmt: skip
    assert facts(record(events)) == [
        ("seed", "7"), ("deterministic", "yes"), ("hyperparameters.learning_rate", "0.001235"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "expected"), [(None, "–"), (True, "yes"), (False, "no"), (1 / 3, "0.3333"), (12345, "12345"), ("a", "a")]
)
def test_values_are_written_for_people(value, expected) -> None:
    assert shown(value) == expected


def sample(source: str, second: float, *items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "sample", "source": source, "wall_ns": int((START_MS + 1000 * second) * 10**6), "items": items}


def test_telemetry_is_drawn_in_the_units_of_its_axis() -> None:
    samples = {
        "node1": [
            {"type": "header"},
            sample("nvml", -60, {"id": 0, "power_mw": 1}),
            *[sample("nvml", s, {"id": 0, "power_mw": 250_000}, {"id": 1, "power_mw": None}) for s in (0, 60)],
            *[sample("host", s, {"id": "host", "memory_used_bytes": 3 * 2**30}) for s in (0, 60)],
            sample("rapl", 0, {"id": "p0", "energy_uj": 5_000_000}),
            sample("rapl", 60, {"id": "p0", "energy_uj": 5_000_000 + 60 * 40_000_000}),
            sample("rapl", 90, {"id": "p0", "energy_uj": 100}),
            sample("rapl", 120, {"id": "p0", "energy_uj": 100 + 30 * 10_000_000}),
        ]
    }
    found = {chart.title: chart for chart in charts(record([event("run_start")], samples))}
    assert set(found) == {"Quality", "Memory of the node", "Board power", "Processor package power"}
    lines = {title: [(s.name, list(s.points)) for s in chart.series] for title, chart in found.items()}
    assert lines["Board power"] == [("node1 0", [(0.0, 250.0), (1.0, 250.0)])], "what was before the start is left out"
    assert lines["Memory of the node"] == [("node1", [(0.0, 3.0), (1.0, 3.0)])]
    ((name, points),) = lines["Processor package power"]
    assert name == "node1 p0"
    assert points == [(1.0, pytest.approx(40.0)), (2.0, pytest.approx(10.0))], (
        "a counter that began anew is passed over"
    )


def test_more_devices_than_colours_are_said_to_be_left_out() -> None:
    items = [{"id": number, "power_mw": 1000} for number in range(8)]
    (chart,) = list(charts(record([event("run_start")], {"node1": [sample("nvml", 1, *items)]})))[1:]
    assert len(chart.series) == 6
    assert chart.note.endswith("The first 6 of 8 are drawn.")


def test_losses_of_training_and_evaluation_stand_in_one_chart_and_evaluations_are_shaded() -> None:
    events = [
        event("run_start"),
        event("tracked_stats", {"loss": 0.5, "throughput": 10.0}, 30, epoch_num=1, step=1),
        event("eval_start", None, 60, epoch_num=1),
        event("eval_loss", 0.4, 75, epoch_num=1),
        event("eval_stop", None, 90, epoch_num=1),
        event("eval_start", None, 120, epoch_num=2),
    ]
    found = {chart.title: chart for chart in charts(record(events))}
    assert [(s.name, list(s.points)) for s in found["Loss"].series] == [
        ("training", [(0.5, 0.5)]), ("evaluation", [(1.25, 0.4)]),
    ]  # fmt: skip
    assert [s.name for s in found["Training speed"].series] == ["training"]
    assert [(band.name, band.start, band.stop) for band in found["Loss"].bands] == [("evaluation, epoch 1", 1.0, 1.5)]


def test_the_page_is_well_formed_and_names_model_command_and_other_metrics() -> None:
    of = record(run={"benchmark": "em_denoise", "implementation": "pt"}, launch={"command": ["mpirun", "-n", "2"]})
    page = render(of)
    body = page[page.index("<body>") : page.index("</body>")] + "</body>"
    text = " ".join(" ".join(ElementTree.fromstring(body).itertext()).split())
    for words in ("em_denoise dncnn, in pt", "command mpirun -n 2", "SSIM 0.7900 larger is better", "PSNR 24.25 dB"):
        assert words in text
    assert "The model is 3.58 dB better than mean" in text

"""The sampler as a process, from its start to the energy of a run."""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from telemetry_recordings import ROOT

from harness.documents import faults
from harness.telemetry.energy import summarise
from harness.telemetry.host import RUN_MARKER

SCHEMA = json.loads((ROOT / "logging_spec/schemas/telemetry.schema.json").read_text())
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a sampler on tmp_path/telemetry/node.jsonl."""
    started: list[subprocess.Popen[str]] = []
    (tmp_path / "telemetry").mkdir()

    def run(*options: str, parent: int = os.getpid(), **environment: str) -> subprocess.Popen[str]:
        argv = [sys.executable, "-m", "harness.telemetry.sampler", "--out", str(record_of(tmp_path))]
        argv += ["--run-dir", str(tmp_path), "--parent", str(parent), *options]
        child = subprocess.Popen(
            argv, cwd=ROOT, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        started.append(child)
        return child

    yield run
    for child in started:
        child.kill()
        child.communicate()


def record_of(run_dir: Path) -> Path:
    return run_dir / "telemetry/node.jsonl"


def lines_of(run_dir: Path) -> list[dict[str, Any]]:
    text = record_of(run_dir).read_text()
    assert text.endswith("\n")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line, faults(line, SCHEMA)) for line in lines if faults(line, SCHEMA)] == []
    return lines


def wait_for(condition: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until_s, "waited a minute in vain"
        time.sleep(0.02)


def count(run_dir: Path) -> int:
    return record_of(run_dir).read_text().count("\n") if record_of(run_dir).exists() else 0


def finish(child: subprocess.Popen[str]) -> str:
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors
    return errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_recording_has_a_header_readings_and_a_footer_and_keeps_to_the_schema(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    child = start("--host-period-s", "0.05", **{RUN_MARKER: "run-7"})
    wait_for(lambda: count(tmp_path) >= 6)
    child.send_signal(signal.SIGUSR2)  # meant for ranks; it must not end the recording
    child.send_signal(number)
    assert finish(child) == ""
    lines = lines_of(tmp_path)
    assert (lines[0]["type"], lines[0]["run_id"], lines[-1]["type"]) == ("header", "run-7", "footer")
    assert set(lines[0]["sources"]) == {"host", "ranks", "nvml", "rapl"}
    assert lines[-1]["stopped_by"] == number.name
    assert lines[-1]["sources"]["host"]["samples"] == sum(line.get("source") == "host" for line in lines)
    sampler_pid = str(lines[0]["pid"])
    assert not [item for line in lines for item in line.get("items", []) if item["id"] == sampler_pid]


def test_it_ends_when_its_parent_is_gone(start: Start, tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    child = start("--host-period-s", "0.05", parent=parent.pid)
    wait_for(lambda: count(tmp_path) >= 3)
    parent.kill()
    wait_for(lambda: child.poll() is not None)  # the killed parent is a zombie until it is waited for
    parent.wait()
    finish(child)
    assert lines_of(tmp_path)[-1]["stopped_by"] == "parent_gone"


def test_a_file_that_may_grow_no_more_stays_whole_and_the_sampler_ends_in_order(start: Start, tmp_path: Path) -> None:
    child = start("--host-period-s", "0.01")
    wait_for(lambda: count(tmp_path) >= 3)
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (record_of(tmp_path).stat().st_size + 5000,) * 2)
    errors = finish(child)
    lines = lines_of(tmp_path)
    ended_without_footer = lines[-1]["type"] != "footer"
    assert ended_without_footer == ("the record ends without a footer" in errors)
    assert ended_without_footer or lines[-1]["stopped_by"].startswith("write_failed: ")
    summary = summarise(tmp_path / "telemetry", start_ms=0, stop_ms=2 * lines[-1]["wall_ns"] // 10**6)
    assert summary.means.host_memory_peak_bytes is not None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--period-s", "0"), "period_s: expected 0.005 to 60 seconds, found 0.0"),
        (("--out", "/proc/nonexistent/x.jsonl"), "No such file or directory"),
    ],
)
def test_wrong_options_are_refused_in_one_line(start: Start, options: tuple[str, str], message: str) -> None:
    child = start(*options)
    _, errors = child.communicate(timeout=60)
    assert (child.returncode, errors.count("\n")) == (2, 1)
    assert message in errors


def truth_j(stop_s: float, high_w: float, low_w: float, period_s: float) -> float:
    """Energy of the stub's first board from time 0 on, by its definition: the first half of each period is high."""
    whole, rest_s = divmod(stop_s, period_s)
    high_s = min(rest_s, period_s / 2)
    return whole * period_s * (high_w + low_w) / 2 + high_s * high_w + (rest_s - high_s) * low_w


@pytest.mark.parametrize("period_s", [0.4, 0.0])
def test_the_energy_of_a_run_is_the_true_one(start: Start, tmp_path: Path, stub: Path, period_s: float) -> None:
    high_w, low_w, update_s = 400.0, 50.0, 0.01
    knobs = {"STUB_DEVICES": "1", "STUB_HIGH_W": "400", "STUB_LOW_W": "50", "STUB_UPDATE_S": str(update_s)}
    child = start("--period-s", "0.01", LD_LIBRARY_PATH=str(stub), STUB_PERIOD_S=str(period_s), **knobs)
    wait_for(lambda: count(tmp_path) >= 20)
    start_mono_s, start_ms = time.monotonic(), time.time_ns() // 10**6
    time.sleep(1.5)
    stop_mono_s, stop_ms = time.monotonic(), time.time_ns() // 10**6
    readings = count(tmp_path)
    wait_for(lambda: count(tmp_path) >= readings + 5)
    child.terminate()
    finish(child)
    lines_of(tmp_path)
    fact = summarise(tmp_path / "telemetry", start_ms=start_ms, stop_ms=stop_ms).energies[0]
    assert (fact.source, fact.reason, fact.coverage) == ("nvml", None, 1.0)
    device = fact.devices[0]
    if period_s:
        expected_j = truth_j(stop_mono_s, high_w, low_w, period_s) - truth_j(start_mono_s, high_w, low_w, period_s)
    else:
        expected_j = high_w * (stop_mono_s - start_mono_s)
    # At each edge of the window, counter and clock are late by at most one renewal of the counter, one gap between
    # readings and the millisecond of the log; the power meanwhile is at most the highest.
    late_s = update_s + device.quality.max_gap_s + 0.002
    assert device.counter_j == pytest.approx(expected_j, abs=high_w * late_s)
    # The integral is wrong by as much at each edge of the load as well, by the height of the edge.
    edges = 2 * math.ceil((stop_mono_s - start_mono_s) / period_s) if period_s else 0
    assert device.integral_j == pytest.approx(expected_j, abs=high_w * 0.002 + edges * (high_w - low_w) * late_s)
    assert fact.energy_j == device.counter_j


def test_a_board_that_is_lost_in_the_middle_leaves_a_null_and_the_reason(
    start: Start, tmp_path: Path, stub: Path
) -> None:
    fail = "nvmlDeviceGetTotalEnergyConsumption=15@0.5"
    child = start("--period-s", "0.02", LD_LIBRARY_PATH=str(stub), STUB_DEVICES="1", STUB_FAIL=fail)
    wait_for(lambda: '"source_ended"' in (record_of(tmp_path).read_text() if record_of(tmp_path).exists() else ""))
    child.terminate()
    finish(child)
    lines = lines_of(tmp_path)
    ended = lines[-1]["sources"]["nvml"]["ended"]
    assert ended["code"] == "gpu_lost"
    start_ms, stop_ms = (lines[at]["wall_ns"] // 10**6 for at in (0, -1))
    summary = summarise(tmp_path / "telemetry", start_ms=start_ms + 1, stop_ms=stop_ms)
    assert summary.energies[0].energy_j is None
    assert summary.energies[0].reason.startswith("gpu_lost: GPU is lost")
    fact = next(fact for fact in summary.sources if fact.source == "nvml")
    assert (fact.status, fact.reason[:8]) == ("recorded", "gpu_lost")

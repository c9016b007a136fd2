"""The recording loop under clocks and sources that do as they are told."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.telemetry.clock import Clock, Instant
from harness.telemetry.recorder import Channel, LineFile, Recorder
from harness.telemetry.source import Item, UnavailableError

MS = 1_000_000


@dataclass
class ToldClock(Clock):
    """A clock that jumps to what is waited for, and stops the recording at an agreed time."""

    stop_ns: int
    mono_ns: int = 0
    ahead_ns: int = 10**18
    steps: dict[int, int] = field(default_factory=dict)
    """From which monotonic time on the wall clock is set by how much."""

    def now(self) -> Instant:
        stepped = sum(step for when, step in self.steps.items() if when <= self.mono_ns)
        return Instant(wall_ns=self.mono_ns + self.ahead_ns + stepped, mono_ns=self.mono_ns)

    def wait_until(self, mono_ns: int) -> str | None:
        self.mono_ns = max(self.mono_ns, min(mono_ns, self.stop_ns))
        return "SIGTERM" if self.mono_ns >= self.stop_ns else None


@dataclass
class ToldSource:
    """A source that takes its time, and ends when told."""

    clock: ToldClock
    latencies_ns: list[int] = field(default_factory=list)
    ends_after: int = 10**9
    name: str = "told"
    count: int = 0

    def facts(self) -> dict[str, Any]:
        return {}

    def read(self) -> list[Item]:
        self.count += 1
        if self.count > self.ends_after:
            raise UnavailableError("gone", "it is no more")
        self.clock.mono_ns += self.latencies_ns.pop(0) if self.latencies_ns else 0
        return [{"id": "x"}]

    def close(self) -> None:
        pass


def record(path: Path, clock: ToldClock, source: ToldSource, **more: Any) -> tuple[Recorder, str, list[dict[str, Any]]]:
    recorder = Recorder(
        file=LineFile(path), channels=[Channel(source=source, period_ns=100 * MS, due_ns=0)], clock=clock, **more
    )
    reason = recorder.run()
    return recorder, reason, [json.loads(line) for line in path.read_text().splitlines()]


def test_readings_stay_on_the_grid_of_the_period_however_long_they_take(tmp_path: Path) -> None:
    clock = ToldClock(stop_ns=1000 * MS)
    recorder, reason, lines = record(tmp_path / "t", clock, ToldSource(clock, latencies_ns=[30 * MS] * 50))
    assert reason == "SIGTERM"
    assert [line["mono_ns"] // MS for line in lines] == [0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]
    summary = recorder.channels[0].summary()
    assert (summary["samples"], summary["missed"], summary["rate_hz"]) == (11, 0, pytest.approx(10))
    assert (summary["max_gap_s"], summary["max_latency_s"]) == (pytest.approx(0.1), pytest.approx(0.03))


def test_a_last_reading_is_taken_at_the_stop_whenever_it_comes(tmp_path: Path) -> None:
    clock = ToldClock(stop_ns=250 * MS)
    _, _, lines = record(tmp_path / "t", clock, ToldSource(clock))
    assert [line["mono_ns"] // MS for line in lines] == [0, 100, 200, 250]


def test_deadlines_that_pass_during_a_stall_are_counted_and_not_caught_up(tmp_path: Path) -> None:
    clock = ToldClock(stop_ns=1000 * MS)
    recorder, _, lines = record(tmp_path / "t", clock, ToldSource(clock, latencies_ns=[0, 350 * MS]))
    assert [line["mono_ns"] // MS for line in lines][:4] == [0, 100, 500, 600]
    assert recorder.channels[0].missed == 3
    assert recorder.channels[0].summary()["max_gap_s"] == pytest.approx(0.4)


@pytest.mark.parametrize("step_ns", [3600 * 1000 * MS, -2 * 1000 * MS])
def test_a_wall_clock_that_is_set_is_noted_once_and_moves_no_deadline(tmp_path: Path, step_ns: int) -> None:
    clock = ToldClock(stop_ns=1000 * MS, steps={450 * MS: step_ns})
    recorder, _, lines = record(tmp_path / "t", clock, ToldSource(clock))
    steps = [line for line in lines if line["type"] == "clock_step"]
    assert [(line["mono_ns"] // MS, line["step_ns"]) for line in steps] == [(500, step_ns)]
    assert recorder.clock_steps == 1
    assert len(lines) == 11 + 1


def test_a_source_that_ends_is_noted_with_its_reason_and_not_asked_again(tmp_path: Path) -> None:
    clock = ToldClock(stop_ns=1000 * MS)
    source = ToldSource(clock, ends_after=3)
    recorder, reason, lines = record(tmp_path / "t", clock, source)
    assert reason == "SIGTERM"
    assert [line["type"] for line in lines] == ["sample"] * 3 + ["source_ended"]
    assert recorder.channels[0].ended == lines[-1]["reason"] == {"code": "gone", "text": "it is no more"}
    assert source.count == 4


def test_the_recording_ends_within_a_second_or_two_of_its_parent(tmp_path: Path) -> None:
    clock = ToldClock(stop_ns=60_000 * MS)
    _, reason, _ = record(tmp_path / "t", clock, ToldSource(clock), parent_alive=lambda: clock.mono_ns < 1500 * MS)
    assert reason == "parent_gone"
    assert clock.mono_ns <= 2500 * MS


def test_a_disk_that_fills_up_ends_the_recording_with_whole_lines_only(tmp_path: Path, monkeypatch) -> None:
    write, room = os.write, [400]

    def until_full(descriptor: int, data: bytes) -> int:
        if room[0] <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = write(descriptor, data[: room[0]])
        room[0] -= written
        return written

    clock = ToldClock(stop_ns=60_000 * MS)
    monkeypatch.setattr(os, "write", until_full)
    _, reason, lines = record(tmp_path / "t", clock, ToldSource(clock))
    assert reason == "write_failed: No space left on device"
    assert lines
    assert (tmp_path / "t").read_text().endswith("}\n")


def test_a_second_sampler_on_a_host_is_refused(tmp_path: Path) -> None:
    LineFile(tmp_path / "t")
    with pytest.raises(FileExistsError):
        LineFile(tmp_path / "t")

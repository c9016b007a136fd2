"""The wall clock against the monotonic clock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from telemetry_recordings import ROOT

from harness.telemetry.clock import Clock, ClockTrack, Instant, step_ns

S = 1_000_000_000


def instant(mono_s: float, ahead_s: float) -> Instant:
    """The clocks `mono_s` after boot, the wall clock showing `ahead_s` more."""
    return Instant(mono_ns=round(mono_s * S), wall_ns=round((mono_s + ahead_s) * S))


def track(*instants: Instant) -> ClockTrack:
    found = ClockTrack(instants[0])
    for one in instants[1:]:
        found.add(one)
    return found


def test_a_slow_correction_is_no_step_and_a_jump_either_way_is() -> None:
    assert step_ns(instant(1, 100), instant(2, 100.4)) == 0
    assert step_ns(instant(1, 100), instant(2, 102)) == 2 * S
    assert step_ns(instant(1, 100), instant(2, 97)) == -3 * S


def test_a_steady_clock_maps_by_its_offset_inside_and_outside_of_the_recording() -> None:
    steady = track(*[instant(mono_s, 100) for mono_s in range(1, 50)])
    for mono_s in (0.25, 1.5, 17.125, 60.0):
        assert steady.mono_ns_at(round((mono_s + 100) * S), latest=False) == mono_s * S


def test_a_drifting_clock_maps_between_its_readings() -> None:
    drifting = track(*[instant(mono_s, 100 + 0.01 * mono_s) for mono_s in range(100)])
    assert drifting.mono_ns_at(round((50.5 * 1.01 + 100) * S), latest=False) == pytest.approx(50.5 * S, abs=2e6)


def test_a_time_shown_twice_is_the_first_for_a_start_and_the_second_for_a_stop() -> None:
    set_back = track(instant(0, 100), instant(10, 100), instant(11, 95), instant(30, 95))
    assert set_back.mono_ns_at(108 * S, latest=False) == 8 * S
    assert set_back.mono_ns_at(108 * S, latest=True) == 13 * S


def test_a_time_that_was_skipped_lies_in_the_jump() -> None:
    set_ahead = track(instant(0, 100), instant(10, 100), instant(11, 160), instant(30, 160))
    assert 10 * S < set_ahead.mono_ns_at(140 * S, latest=False) < 11 * S


def test_the_clocks_of_this_machine_agree_with_the_system() -> None:
    before_ns = time.monotonic_ns()
    found = Clock().now()
    assert before_ns <= found.mono_ns <= time.monotonic_ns()
    assert abs(found.wall_ns - time.time_ns()) < 60 * S


def test_a_signal_that_comes_before_the_wait_ends_it() -> None:
    code = (
        "import os, signal, time\n"
        "from harness.telemetry.clock import Clock, block_stop_signals\n"
        "block_stop_signals()\n"
        "os.kill(os.getpid(), signal.SIGUSR2)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "print(Clock().wait_until(time.monotonic_ns() + 10**12))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "SIGTERM\n"
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ()), os.getpid()

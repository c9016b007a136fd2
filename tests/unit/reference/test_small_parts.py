"""Learning-rate schedule, stop requests, initial weights, error door, processor name."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from reference.runtime import errors, initial
from reference.runtime.host import cpu_name
from reference.runtime.schedule import Schedule
from reference.runtime.seeds import generator
from reference.runtime.stop import StopRequest


def test_the_learning_rate_rises_linearly_and_stays() -> None:
    schedule = Schedule(learning_rate=0.8, ranks=1, warmup_steps=4)
    assert [schedule.at(step) for step in range(6)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.8])
    assert Schedule(learning_rate=0.8, ranks=1, warmup_steps=0).at(0) == 0.8


def test_scaling_rules() -> None:
    assert [
        Schedule(learning_rate=0.1, scaling=rule, ranks=4, warmup_steps=0).base for rule in ("none", "sqrt", "linear")
    ] == pytest.approx([0.1, 0.2, 0.4])


def test_a_signal_is_a_request_and_no_end() -> None:
    stop = StopRequest()
    before = signal.getsignal(signal.SIGUSR2)
    try:
        stop.listen()
        assert stop.reason is None
        os.kill(os.getpid(), signal.SIGUSR2)
        assert stop.reason == "stopped on request (SIGUSR2)"
    finally:
        signal.signal(signal.SIGUSR2, before)


def test_the_time_limit_is_a_request(monkeypatch) -> None:
    now = [100.0]
    monkeypatch.setattr("reference.runtime.stop.time.monotonic", lambda: now[0])
    stop = StopRequest()
    stop.start_clock(5.0)
    now[0] = 104.9
    assert stop.reason is None
    now[0] = 105.0
    assert stop.reason == "time limit reached"
    stop.start_clock(None)
    assert stop.reason is None


def test_he_normal_has_the_deviation_of_the_paper_and_no_tails() -> None:
    kernel = initial.he_normal(generator(1, "test"), (3, 3, 64, 256))
    expected = np.sqrt(2 / (3 * 3 * 64))
    assert kernel.std() == pytest.approx(expected, rel=0.01)
    assert np.abs(kernel).max() <= 2 * expected / initial.TRUNCATED_SD
    assert np.array_equal(kernel, initial.he_normal(generator(1, "test"), (3, 3, 64, 256)))


def test_streams_of_one_seed_differ() -> None:
    drawn = {generator(seed, stream).random() for seed in (1, 2) for stream in ("weights/a", "weights/b")}
    assert len(drawn) == 4


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (None, 0, ""),
        (errors.Refused("no such seed"), 2, "no such seed\n"),
        (errors.DataError("no such file"), 3, "no such file\n"),
        (OSError(errno.ENOSPC, "No space left on device", "/out/x"), 1, "/out/x: No space left on device — free some"),
    ],
)
def test_what_is_raised_for_people_is_one_line_and_a_code(raised, code, said, capsys) -> None:
    def main() -> None:
        if raised:
            raise raised

    assert errors.run_program(main) == code
    assert capsys.readouterr().err.startswith(said)


def test_what_nobody_foresaw_keeps_its_traceback() -> None:
    def main() -> None:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        errors.run_program(main)


def test_the_processor_has_a_name(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor : 0\nmodel name : Acme 9000\n", encoding="utf-8")
    assert cpu_name(cpuinfo) == "Acme 9000"
    assert cpu_name(tmp_path / "none")

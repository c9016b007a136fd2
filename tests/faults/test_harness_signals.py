"""Signals to the harness itself: the run ends in order, and nothing of it lives on."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest
from whole_runs import wait_until


@pytest.mark.mpi
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_ranks_finish_their_step_and_the_directory_is_complete(bench, number, code):
    child = bench.start_fake("slow", "--np", "2")
    bench.wait_for("tracked_stats")
    child.send_signal(number)
    run = bench.finish(child)
    assert run.code == code
    assert run.document("launch")["outcome"]["kind"] == "interrupted"
    stop = next(event for event in run.events() if event["key"] == "run_stop")
    assert stop["metadata"]["status"] == "aborted"
    assert "SIGUSR2" in stop["metadata"]["reason"]
    for name in ("run", "system", "summary", "verdict"):
        assert run.document(name)
    assert "Traceback" not in run.stderr
    assert not bench.processes()


def test_a_second_ctrl_c_hurries(bench):
    child = bench.start_fake("ignore-term", "--np", "1", "--grace-seconds", "3600")
    record = bench.wait_for("checkpoint") / "ranks" / "rank-00000.exit.json"
    child.send_signal(signal.SIGINT)
    wait_until(lambda: "asking" in child.stderr.readline(), "the first answer")
    child.send_signal(signal.SIGINT)
    wait_until(lambda: "SIGTERM" in record.read_text(encoding="utf-8"), "the end of the hour that the step was given")
    child.send_signal(signal.SIGINT)
    run = bench.finish(child)
    assert run.code == 130
    assert not bench.processes()


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", ["1", "2"])
def test_ranks_notice_that_their_harness_was_killed(bench, ranks):
    child = bench.start_fake("ignore-term", "--np", ranks)
    directory = bench.wait_for("tracked_stats")
    child.kill()
    child.communicate()
    wait_until(lambda: not bench.processes(), "the end of the ranks")
    record = json.loads((directory / "ranks" / "rank-00000.exit.json").read_text(encoding="utf-8"))
    assert record["stop_reason"] == "the harness has gone"
    assert json.loads((directory / "launch.json").read_text(encoding="utf-8"))["outcome"] is None
    assert not (directory / "verdict.json").exists()
    assert not list(directory.rglob(".*.json.*")), "a half-written document"


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", ["1", "2"])
def test_a_job_that_the_batch_system_suspends_goes_on(bench, ranks):
    child = bench.start_fake("slow", "--np", ranks, "--stall-seconds", "3")
    bench.wait_for("tracked_stats")
    job = [child.pid, *(int(line.split()[0]) for line in bench.processes())]
    for number in (signal.SIGSTOP, signal.SIGCONT):
        for pid in job:
            os.kill(pid, number)
        time.sleep(6 if number == signal.SIGSTOP else 0)  # longer than a stall; nothing is measured
    run = bench.finish(child)
    assert run.code == 0, run.stderr
    assert run.document("launch")["outcome"]["kind"] == "ok"

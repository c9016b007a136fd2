"""A rank that dies, hangs, refuses or talks nonsense: the message, the exit code, and what stays on the disk."""

from __future__ import annotations

import json
import os
import signal

import pytest


def rank_pid(directory, rank: int) -> int:
    """Number of the program of one rank."""
    record = json.loads((directory / "ranks" / f"rank-{rank:05d}.exit.json").read_text(encoding="utf-8"))
    return int(record["pid"])


@pytest.mark.mpi
def test_a_killed_rank_is_named_and_takes_the_run_down(bench):
    child = bench.start_fake("slow", "--np", "2")
    directory = bench.wait_for("tracked_stats")
    os.kill(rank_pid(directory, 1), signal.SIGKILL)
    run = bench.finish(child)
    assert run.code == 4
    outcome = run.document("launch")["outcome"]
    assert outcome["kind"] == "rank_failed"
    assert (outcome["root_cause"]["rank"], outcome["root_cause"]["signal"]) == (1, "SIGKILL")
    assert "rank 1 on" in run.stdout
    assert "SIGKILL" in run.stdout
    assert run.document("verdict")["compliant"] is False
    assert not bench.processes()


@pytest.mark.mpi
def test_a_crash_shows_the_root_cause_and_its_last_words(bench):
    run = bench.run_fake("crash", "--np", "2")
    assert run.code == 4
    assert "RuntimeError: the loss is not a number" in run.stderr
    cause = run.document("launch")["outcome"]["root_cause"]
    assert (cause["rank"], cause["exit_code"]) == (0, 1)
    assert cause["stderr_tail"][-1] == "RuntimeError: the loss is not a number"
    assert [event["key"] for event in run.events()].count("epoch_stop") == 1
    assert "Traceback" not in run.stderr.replace(cause["stderr_tail"][0], "")


@pytest.mark.parametrize(
    ("behave", "code", "words"),
    [
        ("refuse", 2, "the implementation refused its configuration: run.json: $.precision"),
        ("no-data", 3, "the implementation could not use the data"),
    ],
)
def test_a_refusal_keeps_its_exit_code_and_its_message(bench, behave, code, words):
    run = bench.run_fake(behave, "--np", "1")
    assert run.code == code
    assert words in " ".join(run.stdout.split())
    assert run.document("launch")["outcome"]["exit_code"] == code


def test_nonsense_on_stderr_neither_breaks_nor_drives_the_terminal(bench):
    run = bench.run_fake("garbage", "--np", "1")
    assert run.code == 4
    assert run.document("launch")["outcome"]["root_cause"]["exit_code"] == 9
    assert "\N{REPLACEMENT CHARACTER}" in run.stderr
    assert "\0" not in run.stdout + run.stderr


@pytest.mark.parametrize("behave", ["hang", "ignore-term"])
def test_a_stalled_run_is_stopped_even_if_it_ignores_that(bench, behave):
    run = bench.run_fake(behave, "--np", "1", "--stall-seconds", "1", "--grace-seconds", "0.5")
    assert run.code == 4
    assert run.document("launch")["outcome"]["kind"] == "stalled"
    assert "stalled: no event for 1 s" in run.stderr
    assert not bench.processes()


def test_a_process_that_a_rank_leaves_behind_is_ended_and_named(bench):
    run = bench.run_fake("orphan", "--np", "1")
    assert run.code == 0, run.stderr
    left = run.document("launch")["outcome"]["left_behind"]
    assert len(left) == 1
    assert "fake_implementation.py" in left[0]
    assert not bench.processes()


def test_a_last_line_that_was_cut_short_is_left_out_and_said(bench):
    run = bench.run_fake("torn", "--np", "1")
    assert run.code == 0, run.stdout
    assert run.document("summary")["merge_notes"] == [
        "rank00000.mllog ends in a line that was cut short; it was left out"
    ]
    assert all(event["key"] for event in run.events())


def test_a_program_that_is_not_there(bench, tmp_path):
    path = tmp_path / "absent.json"
    path.write_text('{"argv": ["./no-such-program"], "framework": "none"}', encoding="utf-8")
    run = bench.run("slstr_cloud", "-i", path, "--scale", "tiny", "--data-dir", bench.data, "--np", "1")
    assert run.code == 4
    assert "./no-such-program: cannot be started: No such file or directory" in run.stderr


def test_an_implementation_that_logs_nothing_is_not_compliant(bench):
    run = bench.run_fake("silent", "--np", "1")
    assert run.code == 1
    assert run.document("verdict")["compliant"] is False

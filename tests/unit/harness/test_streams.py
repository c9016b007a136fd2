"""The standard streams: whatever becomes of them, a run goes on to its verdict."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from whole_runs import FAKES, ROOT


def call(bench, redirections, *arguments, **environment):
    """The command line under a shell's redirections."""
    argv = [sys.executable, "-m", "harness", *map(str, arguments)]
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirections}', "sh", *argv],
        cwd=ROOT,
        env={**bench.environment, "SCIML_BENCH_OUTPUT": str(bench.output), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=120,
        check=False,
    )


def stand_in(bench, behave):
    return "slstr_cloud", "-i", FAKES / f"{behave}.json", "--scale", "tiny", "--data-dir", bench.data, "--np", "1"


@pytest.mark.parametrize("redirections", ["2>/dev/full", ">/dev/full", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("behave", "code"), [("ok", 0), ("miss", 1)])
def test_a_run_that_nobody_can_hear_has_its_own_exit_code(bench, redirections, behave, code):
    done = call(bench, redirections, *stand_in(bench, behave), "--epochs", "3")
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert list(bench.output.glob("*/*/*/summary.json"))


def test_a_full_log_is_said(bench):
    done = call(bench, ">/dev/full", *stand_in(bench, "ok"))
    assert "sciml-bench: stdout: No space left on device" in done.stderr


@pytest.mark.parametrize("gone", ["stdout", "stderr"])
def test_a_reader_that_leaves_does_not_end_a_run(bench, gone):
    child = bench.start_fake("slow", "--np", "1")
    bench.wait_for("epoch_start")
    getattr(child, gone).close()
    setattr(child, gone, None)
    run = bench.finish(child)
    assert run.code == 0
    assert run.document("launch")["outcome"]["kind"] == "ok"
    assert run.document("summary")["compliant"] is True


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_an_encoding_cannot_show_is_escaped(bench, encoding):
    done = call(bench, "", *stand_in(bench, "ok"), PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert "target \\u2265 0.8" in done.stdout


def test_a_run_under_nohup_outlives_its_terminal(bench):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        child = bench.start_fake("slow", "--np", "1")
    finally:
        signal.signal(signal.SIGHUP, before)
    bench.wait_for("epoch_start")
    child.send_signal(signal.SIGHUP)
    assert bench.finish(child).code == 0


@pytest.mark.parametrize(
    ("redirections", "arguments", "code"),
    [("2>/dev/full", ["nosuch"], 2), ("2>&-", ["nosuch"], 2), (">/dev/full", ["list"], 4), (">&-", ["list"], 0)],
)
def test_other_verbs_keep_their_exit_codes(bench, redirections, arguments, code):
    done = call(bench, redirections, *arguments)
    assert done.returncode == code
    assert "Exception ignored" not in done.stderr

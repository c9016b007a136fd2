"""A run whose log can no longer be compliant is stopped where that is asked for, and only then."""

from __future__ import annotations

import pytest

from harness import hopeless, process
from harness.errors import RunFailed


@pytest.mark.mpi
def test_a_hopeless_run_is_stopped_by_the_contract_and_says_why(bench):
    run = bench.run_fake("hopeless", "--np", "2", "--stop-hopeless")
    assert run.code == 1, run.stderr
    outcome = run.document("launch")["outcome"]
    assert outcome["kind"] == "hopeless"
    assert "can no longer be compliant: sciml-samples-004 tracked_stats metadata.step" in outcome["text"]
    assert run.document("summary")["outcome_text"] == outcome["text"]
    stop = run.events()[[event["key"] for event in run.events()].index("run_stop")]
    assert (stop["metadata"]["status"], "SIGUSR2" in stop["metadata"]["reason"]) == ("aborted", True)
    assert [event["key"] for event in run.events()].count("epoch_stop") < 2, "it needed two epochs"
    rules = [finding["rule"] for finding in run.document("verdict")["files"][0]["findings"]]
    assert "sciml-samples-004" in rules
    assert not bench.processes()


def test_a_run_with_hope_goes_on_to_its_end(bench):
    run = bench.run_fake("ok", "--np", "1", "--stop-hopeless")
    assert run.document("launch")["outcome"]["kind"] == "ok", run.document("launch")["outcome"]["text"]
    assert "stop-hopeless" not in run.stderr
    assert not bench.processes()


def test_a_run_is_not_watched_unless_that_is_asked_for(bench):
    run = bench.run_fake("hopeless-and-quick", "--np", "1")
    assert run.document("launch")["outcome"]["kind"] == "ok"
    assert run.code == 1
    assert [event["key"] for event in run.events()].count("epoch_stop") == 2


class Directory:
    """A run directory that is only named."""

    root = "/nowhere"


class Benchmark:
    """A benchmark of the suite."""

    home = hopeless.ROOT


def test_a_checker_that_cannot_be_started_ends_no_run(monkeypatch):
    def refuse(*_, **__):
        raise RunFailed("python: cannot be started")

    monkeypatch.setattr(process, "_popen", refuse)
    with hopeless.Watch(Directory(), Benchmark()) as watch:
        assert watch.verdict() is None
    assert watch.trouble == "python: cannot be started"


@pytest.mark.parametrize(
    ("program", "trouble"),
    [
        ("import sys; sys.exit('worse')", "the checker's answer is no verdict"),
        ("import sys; sys.stderr.write('x\\nno such rule set'); sys.exit(2)", "no such rule set"),
        ("raise SystemExit(0)", ""),
    ],
)
def test_a_checker_that_fails_ends_no_run_and_is_named(program, trouble):
    watch = hopeless.Watch(Directory(), Benchmark())
    watch._argv = [hopeless.sys.executable, "-c", program]
    with watch:
        while watch._checker.poll() is None:
            pass
        assert watch.verdict() is None
    assert watch.trouble.startswith(trouble)
    assert bool(watch.trouble) == bool(trouble)

"""Finding the processes of a job by each of the marks that they carry."""

from __future__ import annotations

import os
import subprocess

import psutil
import pytest

from harness import descendants

RUN_ID = f"test-descendants-{os.getpid()}"
"""A mark of this process alone: others may do these tests beside it."""


@pytest.fixture
def sleeper():
    """Start a process that sleeps."""
    started = []

    def start(**options) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(["sleep", "600"], **options))
        return started[-1]

    yield start
    for child in started:
        child.kill()
        child.wait()


@pytest.fixture
def bystanders() -> set[int]:
    """Children that this process has before a test: a pool of another test may have left its resource tracker."""
    return {child.pid for child in psutil.Process().children()}


def pids(leader: int, *, not_ours: set[int]) -> set[int]:
    return {process.pid for process in descendants.of_job(leader, run_id=RUN_ID, not_ours=not_ours)}


def nobody() -> int:
    """Number of a process that has been."""
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


def test_the_mark_alone_is_enough(sleeper, bystanders):
    marked = sleeper(env={**os.environ, descendants.RUN_ID: RUN_ID})
    other = sleeper(env={**os.environ, descendants.RUN_ID: f"{RUN_ID}-2"})
    assert pids(nobody(), not_ours={marked.pid, other.pid, *bystanders}) == {marked.pid}


def test_the_session_alone_is_enough(sleeper, bystanders):
    leader = sleeper(start_new_session=True)
    assert pids(leader.pid, not_ours={leader.pid, *bystanders}) == {leader.pid}


def test_a_child_that_came_later_is_the_jobs(sleeper, bystanders):
    before, orphan = sleeper(), sleeper()
    assert pids(nobody(), not_ours={before.pid, *bystanders}) == {orphan.pid}


def test_what_has_ended_is_left_out(sleeper, bystanders):
    child = sleeper(env={**os.environ, descendants.RUN_ID: RUN_ID})
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert pids(nobody(), not_ours=bystanders) == set()

"""Host and ranks through the real psutil, and processes that come and go."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from harness.telemetry.host import RUN_MARKER, Host, Ranks

NOBODY = 2**31 - 1
RUN = f"test-run-{os.getpid()}"
SLEEPER = [sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"]


@pytest.fixture
def rank_3() -> Iterator[subprocess.Popen[bytes]]:
    """A process with the marks of rank 3 of the run."""
    environment = {**os.environ, RUN_MARKER: RUN, "OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4"}
    child = subprocess.Popen(SLEEPER, env=environment, stdout=subprocess.PIPE, start_new_session=True)
    assert child.stdout is not None
    child.stdout.readline()
    yield child
    child.kill()
    child.communicate()


def test_the_host_is_described_in_bytes_and_percent() -> None:
    host = Host()
    item = host.read()[0]
    assert item["id"] == "host"
    assert 0 < item["memory_used_bytes"] < host.facts()["memory_bytes"] == psutil.virtual_memory().total
    assert 0 <= item["cpu_percent"] <= 100


def test_a_marked_process_is_found_with_its_rank_and_forgotten_when_it_ends(rank_3: subprocess.Popen[bytes]) -> None:
    ranks = Ranks(RUN, parent_pid=NOBODY)
    item = next(item for item in ranks.read() if item["id"] == str(rank_3.pid))
    assert item["rank"] == 3
    assert item["rss_bytes"] > 1_000_000
    rank_3.kill()
    rank_3.wait()
    assert ranks.read() == []


def test_the_processes_of_another_run_are_left_alone(rank_3: subprocess.Popen[bytes]) -> None:
    assert Ranks(f"{RUN}-other", parent_pid=NOBODY).read() == []
    assert rank_3.poll() is None


def test_children_of_the_parent_count_without_a_marker(rank_3: subprocess.Popen[bytes]) -> None:
    parent = Ranks(None, parent_pid=rank_3.pid)
    assert [item["id"] for item in parent.read()] == [str(rank_3.pid)]


def test_a_later_process_with_the_same_pid_is_a_stranger(rank_3: subprocess.Popen[bytes], monkeypatch) -> None:
    ranks = Ranks(RUN, parent_pid=NOBODY)
    assert len(ranks.read()) == 1
    monkeypatch.setattr(psutil.Process, "is_running", lambda _process: False)
    assert ranks.read() == []


def test_the_load_of_a_busy_process_is_seen() -> None:
    ranks = Ranks(None, parent_pid=NOBODY)
    ranks._own = {os.getpid(): psutil.Process()}
    ranks.read()
    until_s = time.process_time() + 0.2
    while time.process_time() < until_s:
        pass
    assert ranks.read()[0]["cpu_percent"] > 0

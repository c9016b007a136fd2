"""Fixtures for tests of whole runs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from whole_runs import Bench, make_fake_data

STRAY = ("compliance_checker.log", "package_checker.log", "rcp_checker.log", "repo_checker.log")
"""Logs that MLPerf's tools leave where they are called, unless they are told another place."""


def pytest_configure() -> None:
    """Let programs that tests start hear SIGINT: a shell has all that it starts in the background ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    """Fail the session where a test lets MLPerf's tools leave a log in the folder that the tests are called from."""
    before = {name for name in STRAY if Path(name).exists()}
    yield
    left = [name for name in STRAY if name not in before and Path(name).exists()]
    assert not left, f"{', '.join(left)}: left in {Path.cwd()} — give the tool --log_output, or a folder of its own"


@pytest.fixture
def fake_data(tmp_path: Path) -> Path:
    """The fake data set."""
    return make_fake_data(tmp_path / "data")


@pytest.fixture
def bench(tmp_path: Path, fake_data: Path) -> Iterator[Bench]:
    """The command line; whatever a test started is gone after it, and a process that had to be ended fails the test."""
    (tmp_path / "out").mkdir()
    made = Bench(data=fake_data, output=tmp_path / "out")
    yield made
    for child in made.started:
        if child.poll() is None:
            child.kill()
            child.communicate()
    left = made.processes()
    for line in left:
        os.kill(int(line.split()[0]), signal.SIGKILL)
    assert not left, f"processes left behind: {left}"

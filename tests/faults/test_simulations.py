"""Simulations that are killed at ten moments or run into a full disk: the same command goes on to the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stores import moments
from whole_runs import wait_until

pytestmark = pytest.mark.heavy
ROOT = Path(__file__).resolve().parents[2]
KILLS = 10
PATIENCE_S = 500
"""Ends a broken test; no measurement."""
OPTIONS = {
    "em_denoise": ["--train-images=60", "--test-images=12"],
    "dms_classifier": ["--train-patterns=80", "--test-patterns=16"],
    "slstr_cloud": ["--train-scenes=12", "--test-scenes=3", "--rows=256", "--columns=320"],
}
SET_MB = {"em_denoise": 38, "dms_classifier": 110, "slstr_cloud": 115}


def start(name: str, root: Path, *words: str, **how: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", f"datasets.{name}.simulate", "--out", str(root), "--dataset-id=k", "--seed=9"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*command, *OPTIONS[name], *words], cwd=ROOT, **pipes, **how)


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module", params=OPTIONS)
def unbroken(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, float]:
    """Return name, folder and seconds of a set that was made at one go."""
    root, began = tmp_path_factory.mktemp("whole") / "set", time.monotonic()
    child = start(request.param, root)
    out, error = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 0, out + error
    return request.param, root, time.monotonic() - began


@pytest.mark.parametrize("jobs", [1, 2])
def test_ten_kills_at_any_moment(unbroken: tuple[str, Path, float], tmp_path: Path, jobs: int) -> None:
    name, whole, seconds = unbroken
    root, expected, killed = tmp_path / "set", contents(whole), 0
    for share in moments(seed=20262 + jobs, count=KILLS):
        child = start(name, root, f"--jobs={jobs}")
        try:
            child.wait(timeout=max(0.05, share * seconds))
        except subprocess.TimeoutExpired:
            os.kill(child.pid, signal.SIGKILL)
            killed += 1
        child.communicate(timeout=PATIENCE_S)
        for path, data in contents(root).items() if root.exists() else ():
            if path in expected and path != ".simulated-by-sciml-bench":
                assert data == expected[path], f"{path} has its name and is not whole"
    assert killed
    child = start(name, root, f"--jobs={jobs}")
    out, error = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 0, out + error
    assert contents(root) == expected


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 24 MB, too small for any of the sets."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], check=False)
    if mounted.returncode != 0:
        pytest.skip("no right to mount a small file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_said_and_a_larger_one_takes_the_set(
    unbroken: tuple[str, Path, float], small_disk: Path
) -> None:
    name, whole, _ = unbroken
    child = start(name, small_disk / "set")
    _, error = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 3
    assert len(error.strip().splitlines()) == 1
    assert "free" in error
    assert not [path for path in (small_disk / "set").rglob("*.h*") if not path.name.endswith(".part")]
    subprocess.run(["mount", "-o", f"remount,size={SET_MB[name] * 2}m", str(small_disk)], check=True)
    child = start(name, small_disk / "set")
    out, error = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 0, out + error
    assert contents(small_disk / "set") == contents(whole)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_of_all_processes_is_said_in_one_line(tmp_path: Path, number: signal.Signals) -> None:
    """A terminal and the command line tell every process of a simulation; its workers are no news."""
    child = start("em_denoise", tmp_path / "set", "--jobs=2", start_new_session=True)
    wait_until(lambda: list((tmp_path / "set").rglob("*.part")), "the first file", PATIENCE_S)
    os.killpg(child.pid, number)
    _, error = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 130
    assert error == "interrupted; nothing half-written has its name, run the same command again to go on\n"

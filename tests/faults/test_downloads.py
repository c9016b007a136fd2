"""Downloads that are killed at ten moments, interrupted, or run into a full disk: the same command goes on."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from stores import Line, bad_line, contents, moments, rsync_daemon, s3_store, web_server
from whole_runs import wait_until

pytestmark = pytest.mark.heavy
ROOT = Path(__file__).resolve().parents[2]
KILLS = 10
SLOW = 5e5
"""Bytes per second: a few seconds for the set, so that a part of a file is on the disk when the kill comes."""

SLOWEST = 5e4
TAKES_TOO_LONG_S = 40.0
"""Less than an rsync on the slowest line takes by itself."""
PATIENCE_S = 400
"""Ends a broken test; no measurement."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a simulated set with its manifest."""
    root = tmp_path_factory.mktemp("sets") / "em_denoise"
    options = ["--out", str(root), "--dataset-id=em", "--train-images=5", "--test-images=1", "--seed=5"]
    subprocess.run([sys.executable, "-m", "datasets.em_denoise.simulate", *options], cwd=ROOT, check=True)
    return root


@pytest.fixture(scope="module")
def pairs(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what the publisher has: pairs, and no manifest."""
    root = tmp_path_factory.mktemp("published") / "em_denoise"
    for path in made.rglob("graphene_img_*.h5"):
        (root / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, root / path.parent.name)
    return root


@dataclass(frozen=True, kw_only=True)
class Place:
    """A source behind a slow line."""

    line: Line
    """The line."""

    words: tuple[str, ...]
    """How the command line names it."""

    holds: dict[str, bytes]
    """Its files by path."""


@pytest.fixture(params=["s3", "http", "rsync"])
def place(request: pytest.FixtureRequest, made: Path, pairs: Path, tmp_path: Path) -> Iterator[Place]:
    """Return one source of each kind."""
    with ExitStack() as stack:
        if request.param == "s3":
            bucket = stack.enter_context(s3_store())
            bucket.fill(pairs, "ms/em_graphene_sim")
            line = stack.enter_context(bad_line(bucket.port))
            place = Place(line=line, words=("--mirror", line.url), holds=contents(pairs))
        elif request.param == "http":
            line = stack.enter_context(bad_line(stack.enter_context(web_server(made.parent))))
            place = Place(line=line, words=("--source", f"{line.url}/em_denoise"), holds=contents(made))
        else:
            port = stack.enter_context(rsync_daemon(pairs.parent, tmp_path / "rsyncd"))
            line = stack.enter_context(bad_line(port))
            address = f"rsync://127.0.0.1:{line.port}/sets/em_denoise"
            place = Place(line=line, words=("--source", address), holds=contents(pairs))
        line.bytes_per_s = SLOW
        yield place


def start(destination: Path, place: Place, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "datasets.download", "em_denoise", str(destination), *place.words, *words]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, text=True, **pipes)


def finish(destination: Path, place: Place) -> None:
    """Let a download come to its end at full speed, and hold what came against the source."""
    place.line.bytes_per_s = None
    child = start(destination, place)
    out, error = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 0, out + error
    root = destination / "em_denoise"
    assert contents(root) == place.holds
    assert not list(root.rglob("*.part*"))
    manifest = json.loads((root / "manifest.json").read_text())
    hashes = {path: hashlib.sha256(data).hexdigest() for path, data in place.holds.items()}
    assert {entry["path"]: entry["sha256"] for entry in manifest["files"]} == hashes


def missing_bytes(root: Path, place: Place) -> int:
    """Return how much of the set is not here, neither whole nor as a part."""
    here = sum(path.stat().st_blocks * 512 for path in root.rglob("*.h5*") if path.suffix != ".json")
    return max(0, sum(map(len, place.holds.values())) - here)


def test_ten_kills_at_any_byte(place: Place, tmp_path: Path) -> None:
    """Every name is that of a whole file at every moment, and the last call brings what is missing."""
    root, killed = tmp_path / "data" / "em_denoise", 0
    for share in moments(seed=20261, count=KILLS):
        child = start(tmp_path / "data", place, "--jobs=2")
        due = place.line.served + int(share * missing_bytes(root, place) / 2)
        place.line.when_served = (due, child.kill)
        said = "".join(child.communicate(timeout=PATIENCE_S))
        place.line.when_served = None
        killed += child.returncode == -signal.SIGKILL
        print(f"after {place.line.served} bytes, due at {due}: exit code {child.returncode}: {said}")
        for path, data in contents(root).items():
            assert data == place.holds[path], path
        assert not (root / "manifest.json").exists()
    assert killed == KILLS
    finish(tmp_path / "data", place)
    if "rsync" not in place.words[1]:
        assert any(position > 0 for position in place.line.ranges)


def test_kills_while_the_last_bytes_are_put_away(place: Place, tmp_path: Path) -> None:
    """After the last byte there are checks, renames, the record and the manifest; each may be the last thing done."""
    place.line.bytes_per_s = None
    for share in moments(seed=20262, count=3):
        destination = tmp_path / f"{share}"
        child = start(destination, place, "--jobs=1")
        size = sum(map(len, place.holds.values()))
        place.line.when_served = (place.line.served + size, lambda share=share, child=child: kill_in(share, child))
        child.communicate(timeout=PATIENCE_S)
        place.line.when_served = None
        for path, data in contents(destination / "em_denoise").items():
            assert data == place.holds[path], path
        finish(destination, place)


def kill_in(seconds: float, child: subprocess.Popen[str]) -> None:
    time.sleep(seconds / 2)
    child.kill()


def test_a_killed_download_leaves_no_rsync_behind(pairs: Path, tmp_path: Path) -> None:
    with rsync_daemon(pairs.parent, tmp_path / "rsyncd") as port, bad_line(port) as line:
        line.bytes_per_s = SLOWEST
        place = Place(line=line, words=("--source", f"rsync://127.0.0.1:{line.port}/sets/em_denoise"), holds={})
        child = start(tmp_path / "data", place)
        line.when_served = (100_000, child.kill)
        child.communicate(timeout=PATIENCE_S)
        assert child.returncode == -signal.SIGKILL
        assert line.bytes_per_s * TAKES_TOO_LONG_S < sum(map(len, contents(pairs).values()))
        wait_until(lambda: not rsyncs(str(tmp_path / "data")), "the end of every rsync", TAKES_TOO_LONG_S)


def rsyncs(word: str) -> list[str]:
    """Return the command lines of the rsyncs that write into a folder."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if process.info["name"] == "rsync" and word in line:
            found.append(line)
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_line_is_interrupted(place: Place, tmp_path: Path, number: signal.Signals) -> None:
    words = ["download", "em_denoise", str(tmp_path / "data"), *place.words]
    child = subprocess.Popen(
        [sys.executable, "-m", "harness", *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    place.line.when_served = (place.line.served + 600_000, lambda: child.send_signal(number))
    _, error = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 128 + number
    assert "Traceback" not in error
    assert not [p for p in psutil.process_iter(["cmdline"]) if str(tmp_path / "data") in (p.info["cmdline"] or [])]
    finish(tmp_path / "data", place)


@pytest.fixture
def small_disk(tmp_path: Path, pairs: Path) -> Iterator[tuple[Path, Callable[[], None]]]:
    """Return a folder with room for the pairs and little more, and what fills it up."""
    folder = tmp_path / "small"
    folder.mkdir()
    size = sum(map(len, contents(pairs).values())) + (1 << 20)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "sciml-bench-test", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")

    def fill() -> None:
        free = shutil.disk_usage(folder).free
        (folder / "filler").write_bytes(bytes(max(0, free - (64 << 10))))

    yield folder, fill
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_fills_during_a_download(place: Place, small_disk, tmp_path: Path) -> None:
    folder, fill = small_disk
    place.line.when_served = (1_000_000, fill)
    child = start(folder, place)
    _, error = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 3
    assert "the disk is full — free some space and run the same command again" in error
    assert "Traceback" not in error
    for path, data in contents(folder / "em_denoise").items():
        assert data == place.holds[path], path
    (folder / "filler").unlink()
    if "truth" not in "".join(place.holds):  # the simulated set is larger than the disk was made for
        finish(folder, place)


def test_a_disk_that_is_too_small_from_the_start(place: Place, small_disk) -> None:
    folder, fill = small_disk
    fill()
    before = place.line.served
    child = start(folder, place)
    _, error = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 3
    assert "expected room for" in error
    assert place.line.served - before < 100_000
    left = {path.name for path in (folder / "em_denoise").iterdir()}
    assert left <= {"downloaded.jsonl", ".manifest-of-the-source.json"}

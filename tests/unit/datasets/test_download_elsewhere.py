"""Downloads over rsync and from web servers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from spoiling import flip
from stores import Line, bad_line, contents, fake_ssh, rsync_daemon, web_server

from datasets import transfer_file
from datasets.sources import rsync

PAIR = ("graphene_img_clean.h5", "graphene_img_noise.h5")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer_file.Policy, "pause_s", lambda *_: 0.01)


@pytest.fixture
def daemon(published_pairs: Path, tmp_path: Path) -> Iterator[Line]:
    """Return a line to a daemon whose module has a folder `em set`, with a blank in its name."""
    shutil.copytree(published_pairs, tmp_path / "held" / "em set")
    with rsync_daemon(tmp_path / "held", tmp_path / "rsyncd") as port, bad_line(port) as line:
        yield line


def test_a_daemon(call, daemon: Line, published_pairs: Path, tmp_path: Path) -> None:
    done = call("download", "em_denoise", tmp_path, "--source", f"rsync://127.0.0.1:{daemon.port}/sets/em set")
    assert done.code == 0, done.error
    assert contents(tmp_path / "em_denoise") == contents(published_pairs)
    assert call("em_denoise.verify", tmp_path / "em_denoise").code == 0
    again = call("download", "em_denoise", tmp_path, "--source", f"rsync://127.0.0.1:{daemon.port}/sets/em set")
    assert "nothing was missing" in again.out


def test_an_rsync_that_is_ended_reads_no_more_of_what_is_under_way(daemon: Line, tmp_path: Path) -> None:
    """It says by its exit code which signal ended it: 19 SIGUSR1, 20 those on which it goes on for a while."""
    daemon.bytes_per_s = 1e5
    began = threading.Event()
    daemon.when_served = (10_000, began.set)
    address = f"rsync://127.0.0.1:{daemon.port}/sets/em set/train/{PAIR[0]}"
    with rsync._running(["rsync", "--inplace", address, str(tmp_path / "here")]) as child:
        assert began.wait(60)
    assert child.process.returncode == 19


def test_of_a_program_that_is_deaf_no_process_is_left(tmp_path: Path) -> None:
    deaf = "trap '' USR1; sleep 600 & echo $!; wait; sleep 600"
    with rsync._running(["sh", "-c", deaf]) as child:
        started = psutil.Process(int(child.stream.readline()))
    assert child.process.returncode == -signal.SIGKILL
    gone, _ = psutil.wait_procs([started], timeout=60)
    assert gone == [started]


def test_a_daemon_on_a_line_that_drops(call, daemon: Line, published_pairs: Path, tmp_path: Path) -> None:
    daemon.drops_after = [300_000] * 4
    address = f"rsync://127.0.0.1:{daemon.port}/sets/em set"
    done = call("download", "em_denoise", tmp_path, "--source", address, "--jobs=2")
    assert done.code == 0, done.error
    assert not daemon.drops_after
    assert contents(tmp_path / "em_denoise") == contents(published_pairs)


def test_a_half_with_wrong_bytes_of_the_right_size_is_mended(call, daemon: Line, published_pairs, tmp_path) -> None:
    """Size and time alone would call it done."""
    part = tmp_path / "em_denoise" / "train" / f"{PAIR[0]}.part"
    part.parent.mkdir(parents=True)
    shutil.copy2(tmp_path / "held" / "em set" / "train" / PAIR[0], part)
    times = (part.stat().st_atime, part.stat().st_mtime)
    flip(part)
    os.utime(part, times)
    address = f"rsync://127.0.0.1:{daemon.port}/sets/em set"
    assert call("download", "em_denoise", tmp_path, "--source", address).code == 0
    assert contents(tmp_path / "em_denoise") == contents(published_pairs)


def test_a_set_is_the_same_one_in_another_time_zone(call, daemon: Line, tmp_path: Path, monkeypatch) -> None:
    """Lists of rsync tell times of the place where they are read."""
    address = f"rsync://127.0.0.1:{daemon.port}/sets/em set"
    monkeypatch.setenv("TZ", "America/Lima")
    time.tzset()
    assert call("download", "em_denoise", tmp_path, "--source", address).code == 0
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    again = call("download", "em_denoise", tmp_path, "--source", address)
    monkeypatch.undo()
    time.tzset()
    assert again.code == 0, again.error
    assert "nothing was missing" in again.out


@pytest.mark.parametrize("over", ["daemon", "ssh"])
def test_names_that_look_like_patterns_are_names(call, daemon: Line, tmp_path: Path, monkeypatch, over: str) -> None:
    """Files of a set may have one size and one time, and then nothing else tells that a pattern found another file."""
    held = tmp_path / "held" / "em set"
    for name in ("x1", "x[1]", "x?", "x*", r"\x", r"\#101", "-x", "a: b'\"", "é", "e\u0301"):
        (held / "train" / f"{name}.h5").write_bytes(name.encode().rjust(20))
        os.utime(held / "train" / f"{name}.h5", (1e9, 1e9))
    monkeypatch.setenv("PATH", f"{fake_ssh(tmp_path / 'bin')}:{os.environ['PATH']}")
    (tmp_path / "of_ssh").symlink_to(held)
    address = {"daemon": f"rsync://127.0.0.1:{daemon.port}/sets/em set", "ssh": f"alice@host:{tmp_path}/of_ssh"}[over]
    monkeypatch.chdir(tmp_path)
    done = call("download", "em_denoise", "a:b", "--source", address)
    assert done.code == 0, done.error
    assert contents(tmp_path / "a:b" / "em_denoise") == contents(held)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere", "Unknown module 'nowhere'"),
        ("sets/nowhere", "No such file or directory"),
        ("closed/em set", "auth failed on module closed"),
    ],
)
def test_what_a_daemon_refuses_or_lacks(call, daemon: Line, tmp_path: Path, path: str, message: str) -> None:
    done = call("download", "em_denoise", tmp_path, "--source", f"rsync://127.0.0.1:{daemon.port}/{path}")
    assert done.code == 3
    assert message in done.error
    assert "Traceback" not in done.error


def test_a_user_over_ssh(call, published_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite's own command: `download NAME DEST --user NAME`, with the address of the list's mirror."""
    if shutil.which("rsync") is None:
        pytest.skip("no rsync on PATH: Debian's package rsync brings it, as .ci/run does")
    shutil.copytree(published_pairs, tmp_path / "site" / "em_denoise")
    mirror = {"name": "site", "kind": "rsync", "address": f"host:{tmp_path}/site", "title": "here"}
    (tmp_path / "list.json").write_text(json.dumps({"mirrors": [mirror]}))
    monkeypatch.setenv("SCIML_BENCH_MIRRORS", str(tmp_path / "list.json"))
    monkeypatch.setenv("PATH", f"{fake_ssh(tmp_path / 'bin')}:{os.environ['PATH']}")
    done = call("download", "em_denoise", tmp_path / "data", "--user", "alice")
    assert done.code == 0, done.error
    assert contents(tmp_path / "data" / "em_denoise") == contents(published_pairs)
    refused = call("download", "em_denoise", tmp_path / "other", "--user", "mallory")
    assert refused.code == 3
    assert "mallory@host: Permission denied (publickey)" in refused.error


@pytest.fixture(params=[True, False], ids=["with ranges", "without ranges"])
def web(request: pytest.FixtureRequest, em_set: Path) -> Iterator[Line]:
    """Return a line to a web server that shows the folder above a set which carries its manifest."""
    with web_server(em_set.parent, ranges=request.param) as port, bad_line(port) as line:
        yield line


def test_a_web_server_with_a_manifest(call, web: Line, em_set: Path, tmp_path: Path) -> None:
    """What simulate or download made is a source for others: the manifest comes over unchanged, last of all."""
    web.drops_after = [500_000]
    web.flips_at = [20_000]
    done = call("download", "em_denoise", tmp_path, "--source", f"{web.url}/{{name}}", "--jobs=1")
    assert done.code == 0, done.error
    assert not web.drops_after
    assert not web.flips_at
    assert contents(tmp_path / "em_denoise") == contents(em_set)
    assert (tmp_path / "em_denoise" / "manifest.json").read_bytes() == (em_set / "manifest.json").read_bytes()
    assert call("em_denoise.verify", tmp_path / "em_denoise").code == 0
    assert not list((tmp_path / "em_denoise").rglob("*.part*"))


def test_a_web_server_without_one(call, web: Line, tmp_path: Path) -> None:
    done = call("download", "em_denoise", tmp_path, "--source", f"{web.url}/nowhere")
    assert done.code == 3
    assert f"{web.url}/nowhere/manifest.json: HTTP 404" in done.error


def test_a_manifest_that_its_files_do_not_keep(call, em_set: Path, tmp_path: Path) -> None:
    shutil.copytree(em_set, tmp_path / "held")
    flip(tmp_path / "held" / "train" / PAIR[0])
    with web_server(tmp_path / "held") as port:
        done = call("download", "em_denoise", tmp_path, "--source", f"http://127.0.0.1:{port}")
    assert done.code == 3
    assert f"train/{PAIR[0]}: expected SHA-256" in done.error
    assert not (tmp_path / "em_denoise" / "train" / PAIR[0]).exists()
    assert not (tmp_path / "em_denoise" / "manifest.json").exists()


def test_the_manifest_of_another_set(call, web: Line, tmp_path: Path) -> None:
    done = call("download", "dms_classifier", tmp_path, "--source", f"{web.url}/em_denoise")
    assert done.code == 3
    assert "expected a set of dms_classifier at the source, found one of em_denoise" in done.error

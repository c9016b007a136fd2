"""From what the user names to a checkpoint that is whole."""

from __future__ import annotations

import hashlib

import pytest

from harness import checkpoints
from harness.errors import ConfigError
from logging_spec.events import Event, format_line


@pytest.fixture
def run(tmp_path):
    """A run with two checkpoints."""
    lines = []
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "events").mkdir()
    for epoch in (1, 2):
        path = tmp_path / "checkpoints" / f"epoch-{epoch:04d}.npz"
        path.write_bytes(f"weights {epoch}".encode())
        metadata = {"epoch_num": epoch, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        name = f"checkpoints/{path.name}"
        lines.append(format_line(
            Event(key="checkpoint", value=name, time_ms=epoch, event_type="POINT_IN_TIME", metadata=metadata)
        ))  # fmt: skip
    (tmp_path / "events" / "rank00000.mllog").write_text("\n".join([*lines, "half a li"]))
    return tmp_path


def test_the_newest_one_of_a_run(run):
    assert checkpoints.find(run).name == "epoch-0002.npz"


def test_a_damaged_one_is_passed_over(run):
    (run / "checkpoints" / "epoch-0002.npz").write_bytes(b"weights 2, cut")
    assert checkpoints.find(run).name == "epoch-0001.npz"
    (run / "checkpoints" / "epoch-0001.npz").unlink()
    with pytest.raises(ConfigError, match=r"found: .*epoch-0002.npz is damaged; .*epoch-0001.npz is missing"):
        checkpoints.find(run)


def test_a_file_is_itself(run):
    path = run / "checkpoints" / "epoch-0001.npz"
    assert checkpoints.find(path) == path


def test_nothing_there(run, tmp_path):
    with pytest.raises(ConfigError, match="expected a run directory or a checkpoint file, found nothing"):
        checkpoints.find(tmp_path / "absent")
    (run / "events" / "rank00000.mllog").unlink()
    with pytest.raises(ConfigError, match="expected checkpoints in the run's log, found none"):
        checkpoints.find(run)

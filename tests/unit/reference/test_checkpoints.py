"""Checkpoints: whole, few, readable without a framework, and never trusted blindly."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reference.runtime import checkpoints
from reference.runtime.checkpoints import Checkpoint, Progress
from reference.runtime.errors import DataError


def checkpoint(epoch: int) -> Checkpoint:
    state = {"weights/a/kernel": np.full((2, 3), epoch, np.float32), "adam/step": np.float32(epoch) * np.ones(())}
    progress = Progress(epoch=epoch, step=2, steps_per_epoch=2, samples=8 * epoch)
    return Checkpoint(state=state, progress=progress, about={"run_id": "r", "seed": 7})


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    written = checkpoints.save(tmp_path, checkpoint(3), keep=2)
    assert written.path.name == "epoch-0003.npz"
    assert written.sha256 == hashlib.sha256(written.path.read_bytes()).hexdigest()
    found = checkpoints.load(written.path)
    assert found.progress == checkpoint(3).progress
    assert found.about == checkpoint(3).about
    for name, array in checkpoint(3).state.items():
        assert np.array_equal(found.state[name], array)
        assert found.state[name].shape == array.shape


def test_the_same_training_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = (checkpoints.save(tmp_path / name, checkpoint(1), keep=1) for name in "ab")
    assert one.sha256 == two.sha256


def test_the_newest_stay(tmp_path: Path) -> None:
    for epoch in (1, 2, 9, 10):
        checkpoints.save(tmp_path, checkpoint(epoch), keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch-0009.npz", "epoch-0010.npz"]


def test_a_folder_gives_the_newest_that_is_valid(tmp_path: Path, capsys) -> None:
    for epoch in (1, 2):
        checkpoints.save(tmp_path, checkpoint(epoch), keep=5)
    (tmp_path / "epoch-0003.npz").write_bytes((tmp_path / "epoch-0002.npz").read_bytes()[:-40])
    assert checkpoints.load(tmp_path).progress.epoch == 2
    assert "epoch-0003.npz" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", pickle.dumps({"weights": 1})])
def test_what_is_no_checkpoint_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "epoch-0001.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"epoch-0001\.npz: expected a checkpoint"):
        checkpoints.load(path)
    with pytest.raises(DataError, match="only broken ones"):
        checkpoints.load(tmp_path)


def test_an_array_of_objects_is_not_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "epoch-0001.npz"
    np.savez(path, **{checkpoints.METADATA: np.array([{"progress": 1}], dtype=object)})
    with pytest.raises(DataError, match="allow_pickle"):
        checkpoints.load(path)


def written_otherwise(path: Path, arrays: dict[str, Any], **metadata: Any) -> Path:
    """A checkpoint with other arrays and other metadata than `save` gives it."""
    whole = checkpoints.save(path, checkpoint(2), keep=1).path
    with np.load(whole) as archive:
        held = {name: archive[name] for name in archive.files}
    document = {**json.loads(held[checkpoints.METADATA].tobytes()), **metadata}
    encoded = np.frombuffer(json.dumps(document).encode(), np.uint8)
    np.savez(whole, **{**held, **arrays, checkpoints.METADATA: encoded})
    return whole


PROGRESS = {"epoch": 2, "step": 2, "steps_per_epoch": 2, "samples": 16}


@pytest.mark.parametrize(
    ("arrays", "metadata", "found"),
    [
        ({}, {"format": 2}, "format: expected 1, found 2 — go on with the version of the suite that wrote it"),
        ({}, {"format": "1"}, "format: expected 1, found '1'"),
        ({}, {"about": None}, "about: expected whose checkpoint it is, found None"),
        ({}, {"about": {"seed": 7}}, "about: expected whose checkpoint it is"),
        ({}, {"about": {"run_id": "r", "hyperparameters": 3}}, "about: expected whose checkpoint it is"),
        ({}, {"progress": PROGRESS | {"epoch": "two"}}, "progress: expected epoch, step, steps_per_epoch, samples of"),
        ({}, {"progress": PROGRESS | {"epoch": 0}}, "progress: expected"),
        ({}, {"progress": PROGRESS | {"step": -5}}, "progress: expected"),
        ({}, {"progress": PROGRESS | {"step": 3}}, "progress: expected"),
        ({}, {"progress": PROGRESS | {"steps_per_epoch": True}}, "progress: expected"),
        ({}, {"progress": {"epoch": 2}}, "progress: expected"),
        ({}, {"progress": None}, "progress: expected"),
        ({"weights/a/kernel": np.full((2, 3), "x")}, {}, "weights/a/kernel: expected real numbers, found <U1"),
        (
            {"weights/a/kernel": np.zeros((2, 3), complex)},
            {},
            "weights/a/kernel: expected real numbers, found complex128",
        ),
    ],
)
def test_what_no_training_wrote_is_refused(
    arrays: dict[str, Any], metadata: dict[str, Any], found: str, tmp_path: Path
) -> None:
    path = written_otherwise(tmp_path, arrays, **metadata)
    with pytest.raises(DataError) as refusal:
        checkpoints.load(path)
    assert str(refusal.value).startswith(f"{path}: {found}")


def test_a_checkpoint_that_is_encrypted_is_refused(tmp_path: Path) -> None:
    path = checkpoints.save(tmp_path, checkpoint(2), keep=1).path
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flag of encryption in the first local header, and below in the first entry of the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="expected a checkpoint, found RuntimeError"):
        checkpoints.load(path)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch) -> None:
    checkpoints.save(tmp_path, checkpoint(1), keep=2)
    before = (tmp_path / "epoch-0001.npz").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoints.save(tmp_path, checkpoint(1), keep=2)
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-0001.npz"]
    assert (tmp_path / "epoch-0001.npz").read_bytes() == before


def test_who_reads_the_old_file_goes_on_reading_it(tmp_path: Path) -> None:
    path = checkpoints.save(tmp_path, checkpoint(1), keep=2).path
    before = path.read_bytes()
    with path.open("rb") as reader:
        changed = Checkpoint(state={"weights/a/kernel": np.ones(9)}, progress=checkpoint(1).progress, about={})
        checkpoints.save(tmp_path, changed, keep=2)
        assert reader.read() == before
    assert path.read_bytes() != before


def test_a_state_must_fit_the_model() -> None:
    template = checkpoint(0).state
    weights_only = {"weights/a/kernel": np.ones((2, 3))}
    complete = checkpoints.matched(weights_only, template)
    assert complete["adam/step"] == 0
    assert complete["weights/a/kernel"].dtype == np.float32
    with pytest.raises(DataError, match=r"expected shape \(2, 3\), found \(3, 2\)"):
        checkpoints.matched({"weights/a/kernel": np.ones((3, 2))}, template)
    with pytest.raises(DataError, match="1 missing"):
        checkpoints.matched({}, template)
    with pytest.raises(DataError, match="1 unknown"):
        checkpoints.matched({**weights_only, "weights/b/kernel": np.ones(1)}, template)


def test_steps_count_over_epochs() -> None:
    assert Progress(steps_per_epoch=5).steps == 0
    assert Progress(steps_per_epoch=5, epoch=3, step=2).steps == 12

"""Whole runs on sets of scenes with a fault: exit code 3 and one line that names the file; odd sizes are no fault."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cloud_twin import S8, RuleBackend, write_data

from reference.runtime import program, stop
from reference.runtime.errors import run_program
from reference.slstr_cloud.predict import predict
from reference.slstr_cloud.scene import Scene
from reference.slstr_cloud.task import CloudTask

Spoil = Callable[[Path], None]
LAYOUT = {"keys": {"bts": {"dtype": "f4", "accept": {"dtypes": ["f4", "f8"]}}}}


def store(key: str, value: Any, **storage: Any) -> Spoil:
    """Return what stores something else under a key; a function changes what is there."""

    def spoil(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            held = file[key][...]
            del file[key]
            if value is not None:
                file.create_dataset(key, data=value(held) if callable(value) else value, **storage)

    return spoil


def corrupt(path: Path) -> None:
    """Store temperatures in compressed blocks, and damage one that training reads."""
    store("bts", lambda values: values, compression="gzip", chunks=(64, 64, 3))(path)
    with h5py.File(path) as file:
        block = file["bts"].id.get_chunk_info(file["bts"].id.get_num_chunks() // 2)
    with path.open("r+b") as raw:
        raw.seek(block.byte_offset + block.size // 2)
        raw.write(b"\xa5" * 64)


def cut(path: Path) -> None:
    """Lose the last half of the file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overstate(path: Path) -> None:
    """Lose the end of the last array, in a file that says that it is as short as it is."""
    content = path.read_bytes()
    place = content.index(struct.pack("<Q", len(content)))
    short = len(content) - 8
    path.write_bytes(content[:place] + struct.pack("<Q", short) + content[place + 8 : short])


FAULTS: dict[str, tuple[Spoil, str]] = {
    "corrupted block": (corrupt, "bts: expected readable data, found: "),
    "truncated": (cut, "expected an HDF5 scene, found: "),
    "array beyond the end": (overstate, "expected an HDF5 scene, found: "),
    "dtype": (store("bts", lambda v: np.zeros(v.shape, "i2")), "bts: expected dtype f4 or f8, found int16"),
    "text": (store("bayes", lambda v: np.full(v.shape, b"clear")), "bayes: expected numbers, found dtype |S5"),
    "no key": (store("bts", None), "expected the key bts, found bayes, refs, summary"),
    "no labels": (store("bayes", None), "bayes: expected this label plane, found summary"),
    "one axis": (store("bts", np.ravel), "bts: expected shape (rows, columns, 3), found "),
    "single value": (store("bts", np.float32(280)), "bts: expected shape (rows, columns, 3), found "),
    "empty": (store("bts", h5py.Empty("f4")), "bts: expected shape (rows, columns, 3), found "),
    "two rows short": (store("refs", lambda v: v[:-2]), "refs: expected shape (256, 300, 6), found (254, 300, 6)"),
    "labels two rows short": (
        store("bayes", lambda v: v[:-2]),
        "bayes: expected shape (256, 300, 1), found (254, 300, 1)",
    ),
    "unfilled labels": (
        store("bayes", lambda v: np.full_like(v, 255)),
        "bayes: expected labels, found 255 in every pixel",
    ),
}


@pytest.fixture
def run(write_run, tmp_path: Path, monkeypatch) -> Callable[..., int]:
    """Do one run with a rule in place of a model and return its exit code."""
    monkeypatch.setattr(stop.StopRequest, "listen", lambda self: None)
    for name in [name for name in os.environ if name.startswith(("OMPI_", "PMI", "SLURM_"))]:
        monkeypatch.delenv(name)

    def do(**changes: Any) -> int:
        settings = {name.replace("__", "."): value for name, value in changes.items()}
        path = write_run({"limits.max_epochs": 1, "target.value": 0.99, "hyperparameters.labels": "bayes"} | settings)
        return run_program(
            lambda: program.execute(
                ["--run-config", str(path)],
                make_task=CloudTask,
                make_backend=lambda *_: RuleBackend(channel=S8, above=False),
                predict=predict,
            )
        )

    return do


def describe(root: Path) -> None:
    """Write into the manifest what the files are now, and a layout, so that only a look inside finds a fault."""
    manifest = json.loads((root / "manifest.json").read_text())
    manifest["layout"] = LAYOUT
    for entry in manifest["files"]:
        entry["size"] = (root / entry["path"]).stat().st_size
    (root / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_run_on_a_faulty_scene_says_so_in_one_line(run, write_scene, capsys, tmp_path: Path, fault: str) -> None:
    spoil, message = FAULTS[fault]
    root = write_data(tmp_path / "data", write_scene)
    path = root / "train" / "S3A_0.hdf"
    spoil(path)
    describe(root)
    assert run() == 3
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"{path}: ")
    assert message in line
    assert " — " in line


def test_scenes_of_1198_rows_train_and_predict(run, write_scene, tmp_path: Path) -> None:
    rows, columns = 1198, 256
    root = write_data(tmp_path / "data", write_scene)
    bts = np.random.default_rng(0).uniform(240, 300, (rows, columns, 3)).astype("f4")
    planes = {"bts": bts, "bayes": (bts[..., 1:2] < 270).astype("u1"), "refs": np.full((rows, columns, 6), 0.2, "f4")}
    for name in ("train/S3A_0.hdf", "test/S3A_2.hdf"):
        (root / name).write_bytes(write_scene(rows, columns, **planes).read_bytes())
    describe(root)
    assert run() == 0
    scene = root / "test" / "S3A_2.hdf"
    assert run(mode="predict", resume_from=str(tmp_path / "checkpoints"), data__inputs=[str(scene)]) == 0
    (mask,) = (tmp_path / "artifacts").glob("*.mask.h5")
    with h5py.File(mask) as file:
        assert file["mask"].shape == (rows, columns)
        np.testing.assert_array_equal(
            file["mask"][...], Scene(scene, channels="all").label("bayes", 0, 0, rows, columns)
        )

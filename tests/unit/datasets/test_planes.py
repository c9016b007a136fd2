"""Files of planes: the bytes that the HDF5 library itself would write, their hash, and what a refusal leaves."""

from __future__ import annotations

import hashlib
import resource
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from datasets.slstr_cloud import planes
from datasets.slstr_cloud.planes import Plane, write_planes
from datasets.slstr_cloud.scene import Scene, stored_dtypes, write_scene
from datasets.slstr_cloud.simulate import HERE, load_layout

RANDOM = np.random.default_rng(3)
VALUES = {
    "bts": RANDOM.random((300, 260, 3), np.float32),
    "refs": RANDOM.random((300, 260, 6), np.float32),
    "bayes": RANDOM.integers(0, 3, (300, 260, 1)),
    "summary": RANDOM.integers(0, 2, (300, 260, 1)),
}
STORED = {"bts": "f4", "refs": "f8", "bayes": "u1", "summary": "i8"}
ATTRIBUTES: dict[str, Any] = {"source": "a name of some length, which is no number", "simulated": 1, "air_k": 287.5}


def by_the_library(path: Path) -> None:
    """Write the planes as h5py does by itself."""
    with h5py.File(path, "w", libver=("earliest", "v110")) as file:
        for name, values in VALUES.items():
            file.create_dataset(name, data=values.astype(STORED[name]))
        for name, value in sorted(ATTRIBUTES.items()):
            file.attrs[name] = value


@pytest.mark.parametrize("piece", [planes.PIECE, 1000])
def test_bytes_are_those_of_the_library_and_the_hash_is_of_the_bytes(tmp_path: Path, monkeypatch, piece: int) -> None:
    by_the_library(tmp_path / "library.h5")
    monkeypatch.setattr(planes, "PIECE", piece)
    held = {name: Plane(values=values, dtype=STORED[name]) for name, values in VALUES.items()}
    digest = write_planes(tmp_path / "ours.h5", held, ATTRIBUTES)
    written = (tmp_path / "ours.h5").read_bytes()
    assert written == (tmp_path / "library.h5").read_bytes()
    assert digest == hashlib.sha256(written).hexdigest()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["library.h5", "ours.h5"]


def test_values_that_lie_otherwise_in_memory_are_stored_in_their_order(tmp_path: Path) -> None:
    turned = np.arange(24.0).reshape(2, 3, 4).T
    write_planes(tmp_path / "a.h5", {"a": Plane(values=turned, dtype="f4")}, {})
    with h5py.File(tmp_path / "a.h5") as file:
        assert (file["a"][...] == turned).all()
        assert file["a"].chunks is None


@pytest.mark.parametrize("most", [0, 1000, 1 << 17, 3_000_000])
def test_a_refusal_at_any_size_is_an_error_of_the_system_and_leaves_nothing(tmp_path: Path, most: int) -> None:
    held = {name: Plane(values=values, dtype=STORED[name]) for name, values in VALUES.items()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large") as refused:
            write_planes(tmp_path / "a.h5", held, ATTRIBUTES)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert refused.value.filename == str(tmp_path / "a.h5")
    assert not list(tmp_path.iterdir())


def test_a_scene_is_stored_in_the_dtypes_of_its_layout(tmp_path: Path) -> None:
    write_scene(tmp_path / "a.hdf", Scene(**VALUES, valid=VALUES["summary"], quality=VALUES["bayes"]))
    stated = load_layout(HERE)["keys"]
    with h5py.File(tmp_path / "a.hdf") as file:
        assert set(file) == {*VALUES, "valid", "quality"}
        for name, plane in file.items():
            assert plane.dtype == np.dtype(stored_dtypes()[name])
            assert name == "quality" or plane.dtype == np.dtype(stated[name]["dtype"])

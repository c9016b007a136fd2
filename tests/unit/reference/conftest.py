"""A valid run.json and small scenes for the tests of reference/."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

HERE = Path(__file__).parent


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    """A valid run configuration, as the object of run.json."""
    text = (HERE / "cases" / "run.json").read_text(encoding="utf-8")
    return json.loads(text.replace("@FOLDER@", str(tmp_path)))


@pytest.fixture
def write_run(tmp_path: Path, document: dict[str, Any]) -> Callable[[dict[str, Any]], Path]:
    """Write run.json with some values replaced, each named by its path, such as `limits.max_epochs`."""

    def write(changes: dict[str, Any]) -> Path:
        changed = copy.deepcopy(document)
        for where, value in changes.items():
            *parents, last = where.split(".")
            target = changed
            for name in parents:
                target = target[name]
            if value == "@ABSENT@":
                del target[last]
            else:
                target[last] = value
        path = tmp_path / "run.json"
        path.write_text(json.dumps(changed), encoding="utf-8")
        return path

    return write


@pytest.fixture
def write_scene(tmp_path: Path) -> Callable[..., Path]:
    """Write a scene of random values; keyword arguments replace data sets, None leaves one out."""

    def write(rows: int = 260, columns: int = 300, *, chunks: bool | None = None, **replaced: Any) -> Path:
        rng = np.random.default_rng(5)
        planes: dict[str, Any] = {
            "bts": rng.uniform(200, 310, (rows, columns, 3)).astype("f4"),
            "refs": rng.uniform(0, 1, (rows, columns, 6)),
            "bayes": (rng.random((rows, columns, 1)) > 0.6).astype("u1") * 2,
            "summary": (rng.random((rows, columns, 1)) > 0.5).astype("i8"),
        } | replaced
        path = tmp_path / "S3A_scene.hdf"
        with h5py.File(path, "w") as file:
            for name, plane in planes.items():
                if plane is not None:
                    file.create_dataset(name, data=plane, chunks=chunks)
        return path

    return write

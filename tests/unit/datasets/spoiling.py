"""Ways to spoil a data set that the tests of several sets share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np


def truncate(path: Path) -> None:
    """Cut a file in half."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def flip(path: Path) -> None:
    """Flip one bit and keep size and time."""
    with path.open("r+b") as file:
        file.seek(-1000, 2)
        byte = file.read(1)
        file.seek(-1000, 2)
        file.write(bytes([byte[0] ^ 1]))


def overwrite(path: Path, marker: bytes, data: bytes) -> None:
    """Write other bytes where a marker of HDF5's own structure begins, and keep the size."""
    held = path.read_bytes()
    at = held.index(marker)
    path.write_bytes(held[:at] + data + held[at + len(data) :])


def replace(path: Path, key: str, change: Callable[[np.ndarray], np.ndarray], **storage: Any) -> None:
    """Store a changed array under the key of another."""
    with h5py.File(path, "r+") as file:
        values = change(file[key][...])
        del file[key]
        file.create_dataset(key, data=values, **storage)


def declare_empty(path: Path, key: str) -> None:
    """Store under a key that there is nothing."""
    with h5py.File(path, "r+") as file:
        dtype = file[key].dtype
        del file[key]
        file[key] = h5py.Empty(dtype)


def put(path: Path, key: str, index: Any, value: float) -> None:
    """Change one value and nothing else."""
    with h5py.File(path, "r+") as file:
        file[key][index] = value


def edit(root: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest."""
    manifest = json.loads((root / "manifest.json").read_text())
    change(manifest)
    (root / "manifest.json").write_text(json.dumps(manifest))


def agree(root: Path) -> None:
    """Write sizes and hashes of the spoilt files into the manifest, so that only a look inside finds the fault."""

    def change(manifest: dict[str, Any]) -> None:
        for entry in manifest["files"]:
            held = (root / entry["path"]).read_bytes()
            entry.update(size=len(held), sha256=hashlib.sha256(held).hexdigest())

    edit(root, change)

"""The files of a data set and its manifest.json, which is written last: a folder without one is unfinished."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from datasets.common.failures import DataError, UsageError
from logging_spec.whole import whole_file

MANIFEST = "manifest.json"
CROISSANT = "croissant.json"


def load_layout(folder: Path) -> dict[str, Any]:
    """Return the layout.json of a data set's folder in this room."""
    layout: dict[str, Any] = json.loads((folder / "layout.json").read_text(encoding="utf-8"))
    return layout


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_entries(
    root: Path, splits: Mapping[str, Sequence[str]], known: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Return path, size and SHA-256 of every file of every split, sorted by path; one of two splits is listed once.

    `known` holds the SHA-256 of paths that need not be read for it.
    """
    paths, known = sorted({path for split in splits.values() for path in split}), known or {}
    return [
        {"path": path, "size": (root / path).stat().st_size, "sha256": known.get(path) or file_sha256(root / path)}
        for path in paths
    ]


def description(
    root: Path,
    here: Path,
    splits: Mapping[str, Sequence[str]],
    *,
    dataset_id: str,
    licence: str,
    attribution: str | None = None,
    made_by: Mapping[str, Any] | None = None,
    known: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the manifest of a set, all but its statistics; reads every file for its hash that is not known.

    Args:
        root: folder of the set.
        here: the data set's folder in this room: its name, its layout.
        splits: paths of each split, relative to `root`.
        dataset_id: name of the set in results.
        licence: what others may do with it.
        attribution: sentence that everything made from it must carry.
        made_by: program, version and options of a simulated set; None for a downloaded one.
        known: SHA-256 by path, of what was hashed as it was written.
    """
    manifest = {
        "manifest_version": 1,
        "dataset": here.name,
        "dataset_id": dataset_id,
        "simulated": made_by is not None,
        "licence": licence,
        "attribution": attribution,
        "made_by": made_by,
        "layout": load_layout(here),
        "splits": splits,
        "files": file_entries(root, splits, known),
    }
    return {key: value for key, value in manifest.items() if value is not None}


@contextmanager
def reading(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file to read.

    Raises:
        DataError: it is missing or damaged, or what is read in the body is.
    """
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError) as error:  # the latter where what leads to a data set is damaged
        raise DataError(
            f"{path}: expected a whole HDF5 file, found: {error} — it is truncated or damaged; get it again"
        ) from None


def write_manifest(root: Path, manifest: Mapping[str, Any]) -> Path:
    """Write manifest.json whole."""
    with whole_file(root / MANIFEST) as file:
        file.write(json.dumps(manifest, indent=1, allow_nan=False, ensure_ascii=False).encode() + b"\n")
    return root / MANIFEST


def require_writable(out: Path, ours: Callable[[Path], bool], what: str, *, option: str = "--out ") -> None:
    """Hold the name of a file to write against the disk before the work is done.

    Args:
        out: the file.
        ours: tells of a file that is there whether it is such a one as is written, and may be replaced by one.
        what: such a one, in words.
        option: what the user gave the name by, for messages.

    Raises:
        UsageError: it cannot be a file's, or is that of a file of another kind: a scene, a product, a manifest.
    """
    if out.is_dir():
        raise UsageError(f"{option}{out}: expected a file to write, found a folder — name a file in it")
    if not out.parent.is_dir():
        raise UsageError(f"{option}{out}: expected a folder {out.parent}, found none — make it, or name another")
    if out.exists() and not (out.is_file() and (out.stat().st_size == 0 or ours(out))):
        raise UsageError(f"{option}{out}: expected {what} or no file, found another file there — name another")


def begins(path: Path, with_bytes: bytes) -> bool:
    """Tell whether a file begins with some bytes."""
    with path.open("rb") as file:
        return file.read(len(with_bytes)) == with_bytes

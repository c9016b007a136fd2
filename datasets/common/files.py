"""The files of a data set and its manifest.json, which is written last: a folder without one is unfinished."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from logging_spec.whole import whole_file

MANIFEST = "manifest.json"


def load_layout(folder: Path) -> dict[str, Any]:
    """Return the layout.json of a data set's folder in this room."""
    layout: dict[str, Any] = json.loads((folder / "layout.json").read_text(encoding="utf-8"))
    return layout


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_entries(root: Path, splits: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Return path, size and SHA-256 of every file of every split, sorted by path; one of two splits is listed once."""
    paths = sorted({path for split in splits.values() for path in split})
    return [{"path": p, "size": (root / p).stat().st_size, "sha256": file_sha256(root / p)} for p in paths]


def write_manifest(root: Path, manifest: Mapping[str, Any]) -> Path:
    """Write manifest.json whole."""
    with whole_file(root / MANIFEST) as file:
        file.write(json.dumps(manifest, indent=1, allow_nan=False, ensure_ascii=False).encode() + b"\n")
    return root / MANIFEST

"""Find the files of a data set and hold them against its manifest, without reading a value."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .errors import DataError, Refused
from .runconfig import DataSource, read_json

MANIFEST = "manifest.json"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a data set says that it holds."""

    directory: Path
    """Folder of the data set, or of the copy of it that is to be read."""

    layout: dict[str, Any]
    """`datasets/<name>/layout.json` as it was when the set was made."""

    splits: dict[str, list[Path]]
    """Files of each split, sorted by file name."""

    statistics: dict[str, Any]
    """Facts of the set, where the manifest has them."""


def load(source: DataSource) -> Manifest:
    """Read the manifest of a run's data set and check that its files are there, in full length.

    Raises:
        DataError: the manifest or a file is missing, or is not what the run configuration or the manifest says.
    """
    if source.directory is None:
        raise Refused(
            "run.json: $.data.directory: expected a folder, found null — modes train and eval read a data set"
        )
    path = source.directory / MANIFEST
    if not path.is_file():
        raise DataError(f"{path}: expected a manifest, found no such file — make or download the data set first")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if source.manifest_sha256 is not None and found != source.manifest_sha256:
        raise DataError(f"{path}: expected SHA-256 {source.manifest_sha256}, found {found} — the data set was changed")
    root = source.staged or source.directory
    try:
        document = read_json(path)
        sizes = {entry["path"]: entry["size"] for entry in document["files"]}
        splits = {
            name: [root / file for file in sorted(files, key=lambda file: (Path(file).name, file))]
            for name, files in document["splits"].items()
        }
    except (Refused, KeyError, TypeError) as error:
        raise DataError(f"{path}: expected a data-set manifest, found: {error} — make the data set anew") from None
    for name, size in sizes.items():
        _check_file(source.directory / name, size)
    return Manifest(
        directory=root,
        layout=document["layout"],
        splits=splits,
        statistics=document.get("statistics", {}),
    )


def wanted_files(source: DataSource) -> list[dict[str, Any]]:
    """Return path, size and SHA-256, null where it is not known, of each file that some split holds.

    Raises:
        DataError: as `load`; or a path leads out of the data set.
    """
    found = load(replace(source, staged=None))
    document = read_json(found.directory / MANIFEST)
    wanted = {str(path.relative_to(found.directory)) for files in found.splits.values() for path in files}
    astray = [path for path in wanted if Path(path).is_absolute() or ".." in Path(path).parts]
    if astray:
        raise DataError(f"{found.directory / MANIFEST}: expected paths inside of the data set, found {astray[0]}")
    return [
        {"path": entry["path"], "size": entry["size"], "sha256": entry.get("sha256")}
        for entry in document["files"]
        if entry["path"] in wanted
    ]


def _check_file(path: Path, size: int) -> None:
    try:
        found = path.stat().st_size
    except OSError as error:
        raise DataError(f"{path}: expected {size} bytes, found: {error.strerror} — verify the data set") from None
    if found != size:
        raise DataError(
            f"{path}: expected {size} bytes, found {found} — the file is truncated or changed; get it again"
        )

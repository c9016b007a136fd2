"""The data set of a run: found, made where it can be, and looked over quickly. Its content is the data room's."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import process
from harness.configuration import Configuration
from harness.documents import read_json, require_valid
from harness.errors import ConfigError, DataError
from harness.files import sha256
from harness.paths import SCHEMAS, data_root, python_path
from harness.registry import Scale
from harness.stops import Stops

MAKE_TIMEOUT_S = 6 * 3600.0


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A data set that is there."""

    directory: Path
    """Its folder."""

    dataset_id: str
    """Its identifier, by its manifest."""

    manifest_sha256: str
    """SHA-256 of its manifest."""

    simulated: bool
    """Whether it was simulated, by its manifest."""


def folder(configuration: Configuration) -> Path:
    """Where the data set of a run lies or will lie: the named folder, or in it the set's own or the download's."""
    root = configuration.data_dir or data_root()
    own = root / configuration.benchmark.scales[configuration.scale].dataset_id
    downloaded = root / configuration.benchmark.dataset
    return next((path for path in (root, own, downloaded) if (path / "manifest.json").is_file()), own)


def name_in(directory: Path) -> str:
    """Return what the manifest of a folder says the data set is.

    Raises:
        ConfigError: it says nothing that can be read.
    """
    path = directory / "manifest.json"
    manifest = read_json(path)
    if not isinstance(manifest.get("dataset"), str):
        raise ConfigError(f"{path}: $.dataset: expected the name of a data set, found none — name it before the folder")
    return str(manifest["dataset"])


def ensure(configuration: Configuration, *, say: Callable[[str], None], stops: Stops) -> DataSet:
    """Find the data set, making it where it is simulated and absent, and look it over.

    Raises:
        DataError: it is missing and cannot be made here, or is not what it should be.
        Stopped: a signal came while it was made.
    """
    directory = folder(configuration)
    scale = configuration.benchmark.scales[configuration.scale]
    if not (directory / "manifest.json").is_file():
        if not scale.simulated:
            raise DataError(_how_to_download(configuration, directory))
        if configuration.data_dir is not None and not directory.parent.is_dir():
            raise DataError(f"--data-dir {directory.parent}: expected a folder, found none — make it, or name another")
        say(f"making the simulated data set {scale.dataset_id} in {directory} (once)")
        run_simulator(make_command(configuration, directory), configuration.benchmark.home, stops)
    return inspect(configuration, directory)


def make_command(configuration: Configuration, directory: Path) -> list[str]:
    """Command line that makes the simulated data set of a run."""
    scale = configuration.benchmark.scales[configuration.scale]
    argv = [sys.executable, "-m", f"datasets.{configuration.benchmark.dataset}.simulate"]
    argv += ["--out", str(directory), "--dataset-id", scale.dataset_id]
    for name, value in scale.simulate.items():
        argv += [f"--{name}", str(value)]
    return argv


def run_simulator(argv: list[str], home: Path, stops: Stops) -> None:
    """Run a program of the data room with its progress on the terminal.

    Raises:
        DataError: it failed.
        Stopped: a signal came.
    """
    environment = {**os.environ, "PYTHONPATH": python_path()}
    done = process.run(argv, timeout_s=MAKE_TIMEOUT_S, cwd=home, environment=environment, capture=False, stops=stops)
    if done.returncode != 0:
        raise DataError(f"{' '.join(argv[1:3])}: expected exit code 0, found {done.returncode} — its message is above")


def inspect(configuration: Configuration, directory: Path) -> DataSet:
    """Check a data set's manifest, and that every file is there in its full size. Hashes are `data verify`'s.

    Raises:
        DataError: with a line for each fault.
    """
    path = directory / "manifest.json"
    try:
        manifest = read_json(path)
        require_valid(manifest, read_json(SCHEMAS / "dataset_manifest.schema.json"), str(path))
    except ConfigError as error:
        raise DataError(str(error)) from None
    benchmark, scale = configuration.benchmark, configuration.benchmark.scales[configuration.scale]
    found: list[str] = []
    if manifest["dataset"] != benchmark.dataset:
        found.append(
            f"{path}: $.dataset: expected {benchmark.dataset}, found {manifest['dataset']} — name another folder"
        )
    elif manifest["dataset_id"] != scale.dataset_id and configuration.submission.division == "closed":
        found.append(
            f"{path}: $.dataset_id: expected {scale.dataset_id} for scale {configuration.scale}, "
            f"found {manifest['dataset_id']} — name another folder, another --scale, or --division open"
        )
    else:
        found += _made_otherwise(path, manifest, scale)
    found += _missing_or_cut(directory, manifest["files"])
    if found:
        raise DataError("\n".join(found))
    return DataSet(
        directory=directory,
        dataset_id=manifest["dataset_id"],
        manifest_sha256=sha256(path),
        simulated=manifest["simulated"],
    )


def _made_otherwise(path: Path, manifest: dict[str, Any], scale: Scale) -> list[str]:
    """Faults of a simulated set whose manifest states other options than the scale declares today."""
    options = manifest.get("made_by", {}).get("options", {})
    if not (scale.simulated and manifest["simulated"]) or manifest["dataset_id"] != scale.dataset_id:
        return []
    stated = {name: (value, options.get(name.replace("-", "_"), value)) for name, value in scale.simulate.items()}
    return [
        f"{path}: $.made_by.options.{name}: expected {expected}, found {found} — remove the folder, and it is made anew"
        for name, (expected, found) in stated.items()
        if found != expected
    ]


def _missing_or_cut(directory: Path, files: list[dict[str, object]]) -> list[str]:
    found = []
    for entry in files:
        path = directory / str(entry["path"])
        if not path.is_file():
            found.append(f"{path}: expected a file, found none — make or download the data set anew")
        elif path.stat().st_size != entry["size"]:
            found.append(
                f"{path}: expected {entry['size']} bytes, found {path.stat().st_size} — "
                "the file is cut or changed; make or download the data set anew"
            )
    return found


def _how_to_download(configuration: Configuration, directory: Path) -> str:
    name = configuration.benchmark.name
    return (
        f"{directory / 'manifest.json'}: expected the data set "
        f"{configuration.benchmark.scales[configuration.scale].dataset_id}, found none — fetch it with "
        f"`sciml-bench download {name}`, name its folder with --data-dir, or use simulated data with --scale small"
    )

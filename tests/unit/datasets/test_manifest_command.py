"""The manifest of a downloaded set."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest


@pytest.fixture
def scenes(small_set: Path) -> list[Path]:
    """Return the two files of the small data set."""
    return sorted(small_set.rglob("S3A*.hdf"))


def test_the_folders_of_the_real_set_are_its_splits(run_module, scenes: list[Path], tmp_path: Path) -> None:
    for folder, path in zip(("one-day/day", "ssts/night"), scenes, strict=True):
        (tmp_path / folder).mkdir(parents=True)
        shutil.copy(path, tmp_path / folder)
    done = run_module("slstr_cloud.manifest", tmp_path, "--dataset-id", "cloud_slstr_ds1", "--statistics")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["splits"] == {
        "train": [f"one-day/day/{scenes[0].name}"],
        "test": [f"ssts/night/{scenes[1].name}"],
    }
    assert manifest["simulated"] is False
    assert 0 < manifest["statistics"]["cloud_share"]["train"] < 1
    assert run_module("slstr_cloud.verify", tmp_path).returncode == 0


def test_a_flat_folder_is_cut_after_four_fifths_by_name(run_module, scenes: list[Path], tmp_path: Path) -> None:
    for number in (3, 1, 5, 2, 4):
        shutil.copy(scenes[0], tmp_path / f"S3A_{number}.hdf")
    assert run_module("slstr_cloud.manifest", tmp_path, "--dataset-id", "flat").returncode == 0
    splits = json.loads((tmp_path / "manifest.json").read_text())["splits"]
    assert splits == {"train": [f"S3A_{n}.hdf" for n in (1, 2, 3, 4)], "test": ["S3A_5.hdf"]}


def test_an_empty_folder_is_refused(run_module, tmp_path: Path) -> None:
    done = run_module("slstr_cloud.manifest", tmp_path, "--dataset-id", "none")
    assert done.returncode == 3
    assert "expected S3A*.hdf files, found none" in done.stderr
    assert not list(tmp_path.iterdir())

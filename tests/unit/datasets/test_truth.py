"""The truth beside simulated scenes: what it says, that it comes with the set after any stop, how it is verified."""

from __future__ import annotations

import hashlib
import importlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from datasets.slstr_cloud.extras import Extras
from datasets.slstr_cloud.scene import Scene
from datasets.slstr_cloud.simulator import simulate_scene
from datasets.slstr_cloud.surface import LAKE
from datasets.slstr_cloud.truth import Truth, cover_of, is_beside, truth_layout, truth_path

SHAPE = (384, 384)


def scene(**extras: float) -> tuple[Scene, Truth]:
    """Simulate one scene with lakes by day; return it and its truth."""
    rows, columns = SHAPE
    made = simulate_scene(np.random.SeedSequence(4), rows=rows, columns=columns, night=False, extras=Extras(**extras))
    assert made.truth is not None
    return made, made.truth


@pytest.fixture(scope="module")
def plain() -> tuple[Scene, Truth]:
    """Return the scene without extras."""
    return scene()


def contents(root: Path) -> dict[str, bytes]:
    """Return every file of a folder."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_label_errs_on_lakes_and_nowhere_else(plain: tuple[Scene, Truth]) -> None:
    made, truth = plain
    wrong = made.bayes != truth.bayes
    assert wrong.any()
    assert (truth.surface[wrong] == LAKE).all()
    assert set(np.unique(truth.bayes)) == {0, 1, 3}


def test_the_truth_does_not_know_the_noise_of_the_labels_nor_copied_pixels(plain: tuple[Scene, Truth]) -> None:
    _, usual = plain
    made, truth = scene(label_noise=0.2, cosmetic_fill=0.3)
    for name in ("cover", "bayes", "optical_depth", "surface"):
        np.testing.assert_array_equal(getattr(truth, name), getattr(usual, name), err_msg=name)
    assert 0.15 < (made.bayes != truth.bayes).mean() < 0.3


def test_the_mask_is_where_there_is_optical_depth_and_the_label_where_there_is_enough(
    plain: tuple[Scene, Truth],
) -> None:
    _, truth = plain
    depth = truth.optical_depth.astype(np.float64).sum(-1, keepdims=True)
    assert set(np.unique(truth.cover)) == {0, 255}
    assert (truth.cover[depth > 0] == 255).all()
    assert (truth.optical_depth.max((0, 1)) > 1).all()
    # Detection limits vary about 0.3, and look at the neighbourhood.
    assert depth[truth.bayes > 0].mean() > 10 * depth[truth.bayes == 0].mean()
    assert (truth.bayes[truth.cover > 0] > 0).mean() > 0.5


def test_the_least_cloud_is_no_clear_pixel() -> None:
    shares = np.array([0, 1e-6, 1 / 255, 0.5, 1], np.float32)
    np.testing.assert_array_equal(cover_of(shares), [0, 1, 1, 128, 255])


def test_broken_cloud_covers_pixels_in_part_and_haze_is_no_cloud(plain: tuple[Scene, Truth]) -> None:
    _, usual = plain
    _, broken = scene(broken_cloud=0.3)
    part = (broken.cover > 0) & (broken.cover < 255)
    assert part.mean() > 0.1
    assert (broken.optical_depth[..., 0] >= usual.optical_depth[..., 0]).all()
    assert (broken.optical_depth[..., 1] == usual.optical_depth[..., 1]).all()
    _, hazy = scene(haze=0.4)
    assert hazy.haze is not None
    assert hazy.haze.mean() == pytest.approx(0.4, abs=0.15)
    assert usual.haze is None
    np.testing.assert_array_equal(hazy.cover, usual.cover)
    _, thin = scene(thin_cirrus=0.3)
    assert (thin.optical_depth[..., 1] > usual.optical_depth[..., 1]).mean() > 0.2
    assert (thin.optical_depth[..., 0] == usual.optical_depth[..., 0]).all()


def test_files_hold_what_the_layout_says_of_the_scene_beside_them(small_set: Path) -> None:
    stated = json.loads((small_set / "truth.json").read_text())
    manifest = json.loads((small_set / "manifest.json").read_text())
    assert stated["layout"] == truth_layout()
    assert [entry["scene"] for entry in stated["files"]] == [entry["path"] for entry in manifest["files"]]
    assert "truth" not in (small_set / "manifest.json").read_text()
    for entry in stated["files"]:
        path = small_set / entry["path"]
        assert path == truth_path(small_set / entry["scene"])
        assert entry["size"] == path.stat().st_size
        assert entry["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        with h5py.File(path) as file, h5py.File(small_set / entry["scene"]) as beside:
            assert file.attrs["scene"] == Path(entry["scene"]).name
            assert file.attrs["air_k"] == beside.attrs["air_k"]
            assert set(file.attrs) == set(stated["layout"]["attributes"])
            assert set(file) == {name for name, rule in truth_layout()["keys"].items() if rule["required"]}
            assert all(plane.shape[:2] == beside["bts"].shape[:2] for plane in file.values())


def test_a_set_from_before_there_was_truth_gets_it_and_keeps_its_bytes(
    run_module, small_arguments, small_set: Path, tmp_path: Path
) -> None:
    root = tmp_path / "older"
    shutil.copytree(small_set, root)
    for path in [root / "truth.json", *root.rglob("*_truth.h5")]:
        path.unlink()
    assert run_module("slstr_cloud.verify", root).returncode == 0
    done = run_module("slstr_cloud.simulate", "--out", root, *small_arguments)
    assert done.returncode == 0, done.stderr
    assert "the truth beside them is not" in done.stdout
    assert contents(root) == contents(small_set)


def test_the_truth_of_another_set_is_not_that_of_this_one(small_set: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(small_set, tmp_path / "set"))
    made_by = json.loads((root / "manifest.json").read_text())["made_by"]
    assert is_beside(root, made_by)
    assert not is_beside(root, {**made_by, "version": "0.9"})
    stated = json.loads((root / "truth.json").read_text())
    (root / "truth.json").write_text(json.dumps({**stated, "files": stated["files"][1:]}))
    assert not is_beside(root, made_by)


@pytest.mark.parametrize("jobs", [1, 2])
def test_truth_that_is_lost_or_changed_while_a_simulation_rests_is_made_again(
    run_module, call, monkeypatch, tmp_path: Path, jobs: int
) -> None:
    options = ["--dataset-id=r", "--train-scenes=3", "--test-scenes=1", "--rows=256", "--columns=256"]
    module = importlib.import_module("datasets.slstr_cloud.simulate")
    real, calls = module.run_job, []

    def run(job: Any) -> Any:
        calls.append(job)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(job)

    monkeypatch.setattr(module, "run_job", run)
    assert call("slstr_cloud.simulate", "--out", tmp_path / "set", *options).code == 130
    monkeypatch.undo()
    lost, changed, _ = sorted((tmp_path / "set").rglob("*_truth.h5"))
    lost.unlink()
    data = bytearray(changed.read_bytes())
    data[100_000] ^= 1
    changed.write_bytes(data)
    done = run_module("slstr_cloud.simulate", "--out", tmp_path / "set", *options, f"--jobs={jobs}")
    assert done.returncode == 0, done.stderr
    assert "going on: 1 of 4 scenes are here" in done.stdout
    assert call("slstr_cloud.simulate", "--out", tmp_path / "whole", *options).code == 0
    assert contents(tmp_path / "set") == contents(tmp_path / "whole")


def first(root: Path) -> Path:
    """Return the first file of truth of the training split."""
    return sorted(root.glob("train/*_truth.h5"))[0]


def edit(root: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the list of truth."""
    stated = json.loads((root / "truth.json").read_text())
    change(stated)
    (root / "truth.json").write_text(json.dumps(stated))


def agree(root: Path) -> None:
    """Let the list say what the files are, so that only what is inside is at fault."""

    def change(stated: dict[str, Any]) -> None:
        for entry in stated["files"]:
            data = (root / entry["path"]).read_bytes()
            entry |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}

    edit(root, change)


def put(key: str, values: Any) -> Callable[[Path], None]:
    """Store other values under a key of the first file."""

    def spoil(root: Path) -> None:
        with h5py.File(first(root), "r+") as file:
            shape, dtype = file[key].shape, file[key].dtype
            del file[key]
            if values is not None:
                file[key] = values(shape, dtype)
        agree(root)

    return spoil


def rename(root: Path) -> None:
    """Let a file say that it is of another scene."""
    with h5py.File(first(root), "r+") as file:
        file.attrs["scene"] = "S3A_other.hdf"
    agree(root)


def flip(root: Path) -> None:
    """Flip one bit and keep the size."""
    data = bytearray(first(root).read_bytes())
    data[-1000] ^= 1
    first(root).write_bytes(data)


def unfinite(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return a plane with one NaN."""
    values = np.zeros(shape, dtype)
    values[0, 0] = np.nan
    return values


FAULTS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a list that is none": (lambda root: (root / "truth.json").write_text("[]"), "expected a layout, and files with"),
    "no list": (lambda root: (root / "truth.json").unlink(), "expected truth.json, which lists it, found none"),
    "a file that is lost": (lambda root: first(root).unlink(), "expected the truth of train/S3A"),
    "a flipped bit": (flip, "expected the SHA-256 of truth.json, found another"),
    "a file of more bytes": (lambda root: first(root).write_bytes(first(root).read_bytes() + b"x"), "bytes, found"),
    "a file that is not listed": (
        lambda root: shutil.copy(first(root), root / "train" / "S3A_more_truth.h5"),
        "expected only files of truth.json, found this one",
    ),
    "a scene without": (
        lambda root: (edit(root, lambda stated: stated["files"].pop()), first(root).unlink()),
        "expected the truth of each scene, found none of train/S3A",
    ),
    "one of another set": (
        lambda root: edit(root, lambda stated: stated["files"][0].update(scene="train/S3A_other.hdf")),
        "expected the truth of a scene of the set beside it, found that of train/S3A_other.hdf",
    ),
    "another scene inside": (rename, "expected the attribute scene to be S3A"),
    "a lost plane": (put("cover", None), "cover: expected this data set, found none"),
    "another size": (
        put("surface", lambda shape, dtype: np.zeros((shape[0] - 1, *shape[1:]), dtype)),
        "surface: expected shape (256, 320, 1), found (255, 320, 1)",
    ),
    "another dtype": (
        put("cover", lambda shape, _: np.zeros(shape, "f4")),
        "cover: expected dtype uint8, found float32",
    ),
    "a kind of ground too many": (put("surface", lambda s, d: np.full(s, 5, d)), "surface: expected 0 to 4 in every"),
    "a depth that is no number": (put("optical_depth", unfinite), "optical_depth: expected 0 to 65504 in every"),
    "no HDF5": (lambda root: (first(root).write_bytes(b"half"), agree(root)), "expected a whole HDF5 file"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_verify_names_what_is_wrong_with_the_truth(call, small_set: Path, tmp_path: Path, fault: str) -> None:
    root = Path(shutil.copytree(small_set, tmp_path / "copy"))
    spoil, message = FAULTS[fault]
    spoil(root)
    found = call("slstr_cloud.verify", root)
    assert found.code == 3
    assert message in found.error
    assert "Traceback" not in found.error


def test_a_quick_look_reads_no_value_and_finds_what_is_lost(call, small_set: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(small_set, tmp_path / "copy"))
    flip(root)
    assert call("slstr_cloud.verify", root, "--quick").code == 0
    first(root).unlink()
    assert call("slstr_cloud.verify", root, "--quick").code == 3

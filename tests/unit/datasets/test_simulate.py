"""The simulator as a user runs it."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from datasets.common.files import load_layout
from datasets.slstr_cloud import fields
from datasets.slstr_cloud.extras import Extras
from datasets.slstr_cloud.simulate import BYTES_PER_PIXEL
from datasets.slstr_cloud.simulator import simulate_scene

ROOT = Path(__file__).parents[3]


def manifest_of(root: Path) -> dict[str, object]:
    """Read a set's manifest."""
    return json.loads((root / "manifest.json").read_text())


def test_the_same_options_give_the_same_bytes_at_every_number_of_jobs(
    run_module, small_arguments, small_set: Path, tmp_path: Path
) -> None:
    done = run_module("slstr_cloud.simulate", "--out", tmp_path / "again", *small_arguments, "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert manifest_of(tmp_path / "again") == manifest_of(small_set)


def test_another_seed_gives_other_scenes_and_scenes_differ(run_module, small_set: Path, tmp_path: Path) -> None:
    options = [
        "--dataset-id",
        "other",
        "--train-scenes",
        "1",
        "--test-scenes",
        "1",
        "--rows",
        "256",
        "--columns",
        "320",
        "--seed",
        "8",
    ]
    assert run_module("slstr_cloud.simulate", "--out", tmp_path / "other", *options).returncode == 0
    hashes = [entry["sha256"] for root in (small_set, tmp_path / "other") for entry in manifest_of(root)["files"]]
    assert len(set(hashes)) == 4


def test_a_finished_set_is_left_alone(run_module, small_arguments, small_set: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in small_set.rglob("*")}
    done = run_module("slstr_cloud.simulate", "--out", small_set, *small_arguments)
    assert done.returncode == 0
    assert "nothing to do" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in small_set.rglob("*")} == before


def test_an_interrupted_set_is_made_again(run_module, small_arguments, small_set: Path, tmp_path: Path) -> None:
    root = tmp_path / "broken"
    shutil.copytree(small_set, root)
    (root / "manifest.json").unlink()
    next(root.glob("train/*.hdf")).write_bytes(b"half")
    (root / "train" / ".left.hdf.part").write_bytes(b"half")
    assert run_module("slstr_cloud.simulate", "--out", root, *small_arguments).returncode == 0
    assert manifest_of(root) == manifest_of(small_set)
    assert not list(root.rglob("*.part"))


def test_a_folder_of_others_is_refused_and_kept(run_module, small_arguments, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    done = run_module("slstr_cloud.simulate", "--out", tmp_path, *small_arguments)
    assert done.returncode == 2
    assert "thesis.tex" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_refused_write_leaves_no_manifest_and_no_part(run_module, small_arguments, tmp_path: Path) -> None:
    limit = 256 * 320 * BYTES_PER_PIXEL // 2

    def small_files_only() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = run_module("slstr_cloud.simulate", "--out", tmp_path / "out", *small_arguments, preexec_fn=small_files_only)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    names = [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert sorted(names) == [".simulated-by-sciml-bench", ".simulation.jsonl"]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_stopped_run_leaves_no_manifest_and_no_part(small_arguments, tmp_path: Path, jobs: str) -> None:
    command = [sys.executable, "-m", "datasets.slstr_cloud.simulate", "--out", tmp_path / "out", *small_arguments]
    command += ["--train-scenes", "40", "--jobs", jobs]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "0 of 41 scenes\n"
        while process.poll() is None and not list((tmp_path / "out" / "train").glob("S3A*.hdf")):
            time.sleep(0.01)
        process.terminate()
        _, error = process.communicate()
    assert process.returncode == 130
    assert error.splitlines() == ["interrupted; nothing half-written has its name, run the same command again to go on"]
    assert not (tmp_path / "out" / "manifest.json").exists()
    assert not list((tmp_path / "out").rglob("*.part"))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--rows=255", "--rows: expected at least 256, found 255"),
        ("--night-share=2", "--night-share: expected 0 to 1, found 2.0"),
        ("--jobs=0", "--jobs: expected at least 1, found 0"),
        ("--columns=2000", "at most 6000 and 1500"),
    ],
)
def test_impossible_options_are_refused(run_module, small_arguments, tmp_path: Path, option: str, message: str) -> None:
    done = run_module("slstr_cloud.simulate", "--out", tmp_path / "out", *small_arguments, option)
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_file_is_what_the_layout_says(small_set: Path) -> None:
    for path in small_set.rglob("S3A*.hdf"):
        with h5py.File(path) as file:
            for name, rule in load_layout(ROOT / "datasets" / "slstr_cloud")["keys"].items():
                if name in file:
                    assert file[name].dtype == np.dtype(rule["dtype"])
                    assert file[name].shape[2] == rule["shape"][2]
                    assert file[name].chunks is None
                else:
                    assert not rule["required"]
            assert file["rads"].size * 4 + file["bts"].size * 4 + file["refs"].size * 8 < path.stat().st_size


def test_radiance_and_reflectance_agree(small_set: Path) -> None:
    path = next(small_set.rglob("S3A*.hdf"))
    with h5py.File(path) as file:
        ratio = file["rads"][...] / file["refs"][...]
    inner = np.median(ratio, axis=(0, 1)) / np.array([1801.99, 1491.08, 938.53, 358.74, 240.61, 75.95]) * np.pi
    assert np.ptp(inner) < 1e-3  # the same cosine of the solar zenith in all bands
    assert 0.5 < inner[0] < 0.9


def test_a_wide_scene_has_fill_beside_the_swath_and_none_in_the_training_crop() -> None:
    scene = simulate_scene(np.random.SeedSequence(1), rows=256, columns=1500, night=False)
    fill = np.isnan(scene.bts).any(-1)
    assert fill[:, :37].all()
    assert fill[:, 1480:].all()
    assert not fill[:, 37:1480].any()
    assert (np.isnan(scene.refs).any(-1) == fill).all()
    assert not scene.bayes[fill].any()
    assert not scene.summary[fill].any()


def test_the_night_has_no_reflectance_and_keeps_its_clouds() -> None:
    scene = simulate_scene(np.random.SeedSequence(1), rows=256, columns=256, night=True)
    assert not scene.refs.any()
    assert not scene.rads.any()
    assert 0.1 < (scene.bayes > 0).mean() < 0.95
    assert 200 < scene.bts.min() < scene.bts.max() <= 320


def test_clouds_are_rougher_than_the_ground_and_colder_on_average() -> None:
    roughness = {True: [], False: []}
    cold = []
    for seed in range(3):
        scene = simulate_scene(np.random.SeedSequence(seed), rows=512, columns=512, night=False)
        cloud = scene.bayes[..., 0] > 0
        step = np.abs(np.diff(scene.bts[..., 1], axis=1))
        both = cloud[:, 1:] == cloud[:, :-1]
        for kind in (True, False):
            roughness[kind].append(np.median(step[both & (cloud[:, 1:] == kind)]))
        cold.append(scene.bts[..., 1][~cloud].mean() - scene.bts[..., 1][cloud].mean())
    assert np.mean(roughness[True]) > 3 * np.mean(roughness[False])
    assert np.mean(cold) > 2


@pytest.mark.parametrize("night", [False, True])
@pytest.mark.parametrize("strip_px", [1, 3000, 10**9])
def test_a_scene_does_not_depend_on_the_rows_that_are_worked_on_together(
    monkeypatch, strip_px: int, night: bool
) -> None:
    extras = Extras(haze=0.3, broken_cloud=0.2, thin_cirrus=0.2)
    shape = {"rows": 256, "columns": 300, "night": night, "extras": extras}
    usual = simulate_scene(np.random.SeedSequence(5), **shape)
    monkeypatch.setattr(fields, "STRIP_PX", strip_px)
    other = simulate_scene(np.random.SeedSequence(5), **shape)
    for plane in ("bts", "refs", "rads", "bayes", "summary"):
        np.testing.assert_array_equal(getattr(other, plane), getattr(usual, plane), err_msg=plane)

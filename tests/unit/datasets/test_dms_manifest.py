"""The manifest of downloaded scattering patterns, and the statistics that it states."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from spoiling import put, replace, truncate

from datasets.dms_classifier import baseline


@pytest.fixture
def downloaded(dms_set: Path, tmp_path: Path) -> Path:
    """Return the tiny set as if it had been downloaded, in the first generation's layout."""
    for split in ("train", "test"):
        (tmp_path / "set" / split).mkdir(parents=True)
        shutil.copy(dms_set / split / "dms_phases.h5", tmp_path / "set" / split)
    return tmp_path / "set"


def one_file(root: Path) -> Path:
    """Turn a set of the first generation into one of the third."""
    (root / "training").mkdir()
    with h5py.File(root / "training" / "data-binary.h5", "w") as file:
        for split in ("train", "test"):
            with h5py.File(root / split / "dms_phases.h5") as old:
                file[f"{split}/images"], file[f"{split}/labels"] = old["images"][...], old["labels"][...]
            shutil.rmtree(root / split)
    return root


def manifest_of(root: Path) -> dict:
    """Read a set's manifest."""
    return json.loads((root / "manifest.json").read_text())


@pytest.mark.parametrize("generation", ["A", "C"])
def test_a_downloaded_set_has_the_statistics_of_the_simulated_one(
    call, dms_set: Path, downloaded: Path, generation: str
) -> None:
    root = downloaded if generation == "A" else one_file(downloaded)
    done = call("dms_classifier.manifest", root, "--dataset-id=dms_sim", "--statistics")
    assert (done.code, done.error) == (0, "")
    found, made = manifest_of(root), manifest_of(dms_set)
    assert found["simulated"] is False
    assert found["statistics"] == made["statistics"]
    assert len(found["files"]) == {"A": 2, "C": 1}[generation]
    assert call("dms_classifier.verify", root).code == 0


def test_without_scores_the_linear_model_is_left_out(call, downloaded: Path) -> None:
    assert call("dms_classifier.manifest", downloaded, "--dataset-id=dms_sim").code == 0
    assert sorted(manifest_of(downloaded)["statistics"]["baselines"]) == ["majority"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: shutil.rmtree(root / "test"), "test/dms_phases.h5, train/dms_phases.h5, training/data-binary.h5"),
        (lambda root: truncate(root / "train/dms_phases.h5"), "it is truncated or damaged; get it again"),
        (
            lambda root: replace(root / "train/dms_phases.h5", "labels", lambda a: a[:-1]),
            "labels: expected 6 labels, one for each pattern, found 5",
        ),
        (lambda root: put(root / "test/dms_phases.h5", "labels", 0, 5), "labels: expected 0 to 2, found "),
        (
            lambda root: put(root / "train/dms_phases.h5", "images", (2, 0, 0, 0), np.nan),
            "images: pattern 2: expected finite counts",
        ),
    ],
)
def test_what_is_no_set_is_refused_and_named(
    call, downloaded: Path, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(downloaded)
    done = call("dms_classifier.manifest", downloaded, "--dataset-id=x")
    assert done.code == 3
    assert message in done.error
    assert not (downloaded / "manifest.json").exists()


def test_a_simulated_set_keeps_its_own_manifest(call, dms_set: Path) -> None:
    done = call("dms_classifier.manifest", dms_set, "--dataset-id=x")
    assert done.code == 2
    assert "expected a downloaded set" in done.error


def test_the_manifest_states_the_scale_the_shares_and_the_majority(dms_set: Path) -> None:
    with h5py.File(dms_set / "train" / "dms_phases.h5") as train, h5py.File(dms_set / "test" / "dms_phases.h5") as test:
        roots = np.sqrt(train["images"][..., 0].astype(np.float64))
        labels = {"train": train["labels"][...], "test": test["labels"][...]}
    found = manifest_of(dms_set)["statistics"]
    assert found["images"] == pytest.approx({"root_mean": roots.mean(), "root_standard_deviation": roots.std()})
    assert found["class_shares"]["train"] == {"0": pytest.approx(1 / 3), "1": pytest.approx(2 / 3)}
    assert found["baselines"]["majority"] == {"accuracy": pytest.approx((labels["test"] == 1).mean()), "label": 1}


def test_the_linear_model_finds_what_is_linear_and_nothing_in_noise(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for signal, low, high in ((6.0, 0.95, 1.0), (0.0, 0.3, 0.7)):
        for split, count in (("train", 60), ("test", 60)):
            labels = random.permutation(np.arange(count) % 2)
            images = random.poisson(9.0, (count, 64, 48)).astype(np.float32)
            images[:, 16:32, 16:32] += (signal * labels)[:, None, None]
            (tmp_path / split).mkdir(exist_ok=True)
            with h5py.File(tmp_path / split / "dms_phases.h5", "w") as file:
                file["images"], file["labels"] = images[..., None], labels
        accuracy = baseline.statistics(tmp_path, scores=True)["baselines"]["linear_model"]["accuracy"]
        assert low <= accuracy <= high


def test_a_real_set_is_described_and_sound(call, real_patterns: Path, tmp_path: Path) -> None:
    for path in real_patterns.rglob("*.h5"):
        link = tmp_path / path.relative_to(real_patterns)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    done = call("dms_classifier.manifest", tmp_path, "--dataset-id=dms_sim")
    assert (done.code, done.error) == (0, "")
    assert call("dms_classifier.verify", tmp_path).code == 0
    assert sum(manifest_of(tmp_path)["statistics"]["class_shares"]["test"].values()) == pytest.approx(1)

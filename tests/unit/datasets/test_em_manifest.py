"""The manifest of downloaded micrographs: splits, scale, scores, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from spoiling import put, replace, truncate

NAMES = ("graphene_img_clean.h5", "graphene_img_noise.h5")


@pytest.fixture
def downloaded(em_set: Path, tmp_path: Path) -> Path:
    """Return the tiny set as if it had been downloaded: pairs only, in a folder below."""
    for split in ("train", "test"):
        (tmp_path / "set" / "training" / split).mkdir(parents=True)
        for name in NAMES:
            shutil.copy(em_set / split / name, tmp_path / "set" / "training" / split)
    return tmp_path / "set"


def manifest_of(root: Path) -> dict:
    """Read a set's manifest."""
    return json.loads((root / "manifest.json").read_text())


def brighten(root: Path, factor: float) -> None:
    """Give the images another unit."""
    for path in root.rglob("*.h5"):
        replace(path, "images", lambda values: values * np.float32(factor))


def test_the_manifest_of_a_downloaded_set_is_that_of_the_simulated_one(call, em_set: Path, downloaded: Path) -> None:
    done = call("em_denoise.manifest", downloaded, "--dataset-id=em_graphene_sim")
    assert (done.code, done.error) == (0, "")
    assert "2 to train, 2 to test" in done.out
    found, made = manifest_of(downloaded), manifest_of(em_set)
    assert found["simulated"] is False
    assert found["splits"]["train"] == [f"training/train/{name}" for name in NAMES]
    assert found["statistics"] == {key: made["statistics"][key] for key in ("clean", "data_range")}
    hashes = {entry["path"]: entry["sha256"] for entry in made["files"]}
    assert all(hashes[entry["path"].removeprefix("training/")] == entry["sha256"] for entry in found["files"])
    assert call("em_denoise.verify", downloaded).code == 0


def test_scores_do_not_depend_on_the_unit_of_the_images(call, em_set: Path, downloaded: Path) -> None:
    brighten(downloaded, 200.0)
    assert call("em_denoise.manifest", downloaded, "--dataset-id=x", "--statistics").code == 0
    scores, made = (manifest_of(root)["statistics"]["baselines"] for root in (downloaded, em_set))
    for name, known in made.items():
        assert scores[name]["psnr"] == pytest.approx(known["psnr"], abs=0.1)
        assert scores[name]["ssim"] == pytest.approx(known["ssim"], abs=0.01)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: (root / "training/test" / NAMES[1]).unlink(), "expected one folder test with"),
        (lambda root: shutil.copytree(root / "training", root / "again"), "found again/train, training/train"),
        (lambda root: truncate(root / "training/train" / NAMES[0]), "it is truncated or damaged; get it again"),
        (
            lambda root: replace(root / "training/train" / NAMES[1], "images", lambda a: a[:1]),
            "expected as many images in each file",
        ),
        (
            lambda root: replace(root / "training/train" / NAMES[0], "images", lambda a: a[:, ::2, ::2]),
            "images: expected shape (N, 256, 256, 1), found (3, 128, 128, 1)",
        ),
        (
            lambda root: put(root / "training/train" / NAMES[0], "images", (1, 0, 0, 0), np.nan),
            "image 1: expected finite values, found others",
        ),
        (
            lambda root: replace(root / "training/train" / NAMES[0], "images", np.ones_like),
            "expected images that differ, found 1 in every pixel",
        ),
    ],
)
def test_what_is_no_set_is_refused_and_named(
    call, downloaded: Path, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(downloaded)
    done = call("em_denoise.manifest", downloaded, "--dataset-id=x")
    assert done.code == 3
    assert message in done.error
    assert not (downloaded / "manifest.json").exists()


def test_a_published_set_may_be_stored_in_chunks(call, downloaded: Path) -> None:
    replace(downloaded / "training/train" / NAMES[0], "images", lambda a: a, chunks=(1, 256, 256, 1))
    assert call("em_denoise.manifest", downloaded, "--dataset-id=x").code == 0
    assert call("em_denoise.verify", downloaded).code == 0


def test_a_simulated_set_keeps_its_own_manifest(call, em_set: Path) -> None:
    before = (em_set / "manifest.json").read_bytes()
    done = call("em_denoise.manifest", em_set, "--dataset-id=x")
    assert done.code == 2
    assert "expected a downloaded set, found one that simulate made" in done.error
    assert (em_set / "manifest.json").read_bytes() == before


def test_real_micrographs_make_a_set(call, real_micrographs: dict[str, np.ndarray], tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    clean = np.stack([image[:256, :256] for image in real_micrographs.values()])[..., None]
    noisy = random.poisson(clean / 4) * np.float32(4)
    for split, part in (("train", slice(None, -1)), ("test", slice(-1, None))):
        (tmp_path / split).mkdir()
        for name, images in zip(NAMES, (clean, noisy), strict=True):
            with h5py.File(tmp_path / split / name, "w") as file:
                file["images"] = images[part].astype(np.float32)
    done = call("em_denoise.manifest", tmp_path, "--dataset-id=real", "--statistics")
    assert (done.code, done.error) == (0, "")
    assert call("em_denoise.verify", tmp_path).code == 0
    statistics = manifest_of(tmp_path)["statistics"]
    assert statistics["clean"]["maximum"] <= 255
    assert statistics["clean"]["mean"] == pytest.approx(float(clean[:-1].mean()), rel=1e-6)
    assert statistics["baselines"]["mean"]["psnr"] < statistics["baselines"]["identity"]["psnr"]

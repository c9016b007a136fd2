"""Sheets of samples: what is drawn of each data set, and what is said of one that cannot be drawn."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from datasets.common.failures import DataError
from datasets.common.sheet import FILL, Panel, Samples, draw, grey, sheet
from datasets.dms_classifier import show as dms
from datasets.em_denoise import show as em
from datasets.slstr_cloud import show as slstr

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Three pairs without a manifest, as the published set has none."""
    (tmp_path / "test").mkdir()
    clean = np.linspace(0, 1, 3 * 32 * 32, dtype=np.float32).reshape(3, 32, 32, 1)
    for kind, images in (("clean", clean), ("noise", clean + np.float32(0.1))):
        with h5py.File(tmp_path / "test" / f"graphene_img_{kind}.h5", "w") as file:
            file["images"] = images
    return tmp_path


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """A scene of which the left half is cloud by one label, and one pixel is fill."""
    path = tmp_path / "S3A_scene.hdf"
    cloud = np.zeros((40, 60, 1), np.uint8)
    cloud[:, :30] = 2
    kelvin = np.full((40, 60, 3), 290.0, np.float32)
    kelvin[0, 0] = np.nan
    with h5py.File(path, "w") as file:
        file["bts"], file["refs"] = kelvin, np.full((40, 60, 6), 0.5)
        file["bayes"], file["summary"] = cloud, np.zeros((40, 60, 1), np.int64)
    return path


def test_grey_goes_from_low_to_high_and_marks_fill() -> None:
    pixels = grey(np.array([[0.0, 1.0, 2.0, np.nan]]), 0.0, 1.0)
    assert pixels[0].tolist() == [[0] * 3, [255] * 3, [255] * 3, list(FILL)]


def test_pictures_lie_on_the_page_row_by_row() -> None:
    red = np.zeros((20, 30, 3), np.uint8) + np.array([200, 0, 0], np.uint8)
    page = np.asarray(sheet("title", Samples("note", [[Panel("a", red), Panel("b", red)], [Panel("c", red)]])))
    assert (page == (200, 0, 0)).all(axis=-1).sum() == 3 * 20 * 30


def test_a_pair_is_shown_with_its_difference(pairs: Path) -> None:
    shown = em.samples(pairs, 2)
    assert [len(row) for row in shown.rows] == [3, 3]
    assert shown.rows[0][0].text.startswith("noisy, pair 0: PSNR 10.5 dB")
    assert shown.rows[0][2].text == "difference: -0.10 to 0.10"


def test_patterns_are_shown_by_phase(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        with h5py.File(tmp_path / split / "dms_phases.h5", "w") as file:
            file["images"], file["labels"] = np.random.default_rng(1).random((9, 20, 10, 3)), np.arange(9) % 2
    names = [[panel.text for panel in row] for row in dms.samples(tmp_path, 4).rows]
    assert names == [[f"monoclinic, {i}" for i in (0, 2, 4, 6)], [f"tetragonal, {i}" for i in (1, 3, 5, 7)]]
    assert len(dms.samples(tmp_path, 2).rows) == 1


def test_a_scene_is_shown_with_both_labels(scene: Path) -> None:
    (row,) = slstr.samples(scene, 1).rows
    assert [panel.text.partition(":")[0] for panel in row] == ["false colour", "S8", "bayes", "summary"]
    assert [panel.text for panel in row[2:]] == ["bayes: 50% cloud", "summary: 0% cloud"]
    assert tuple(row[1].image[0, 0]) == FILL


def test_shares_are_of_what_was_seen(scene: Path) -> None:
    with h5py.File(scene, "r+") as file:
        file["bts"][:, 40:] = np.nan
    (row,) = slstr.samples(scene, 1).rows
    assert row[2].text == "bayes: 75% cloud"
    assert (row[2].image[:, 40:] == FILL).all()


def test_soft_labels_and_planes_without_any_are_told(scene: Path) -> None:
    with h5py.File(scene, "r+") as file:
        soft = np.full((40, 60, 1), 60, np.uint8)
        soft[:20] = 200
        file["bayes"][...], file["summary"][...] = soft, np.full((40, 60, 1), 255)
    (row,) = slstr.samples(scene, 1).rows
    assert [panel.text for panel in row[2:]] == ["bayes: 50% cloud", "summary: no label"]


def test_images_without_a_number_are_fill(pairs: Path) -> None:
    with h5py.File(pairs / "test" / "graphene_img_noise.h5", "r+") as file:
        file["images"][...] = np.nan
    noisy = em.samples(pairs, 1).rows[0][0].image
    assert (noisy == FILL).all()


def test_a_set_becomes_a_picture(pairs: Path) -> None:
    picture = Image.open(io.BytesIO(draw("em_denoise", pairs, em.samples, 2)))
    assert picture.format == "PNG"
    assert picture.height > 2 * 32


def test_what_cannot_be_drawn_is_said(pairs: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a data set, found nothing"):
        draw("em_denoise", tmp_path / "none", em.samples, 2)
    with pytest.raises(DataError, match="expected samples of slstr_cloud, found none"):
        draw("slstr_cloud", pairs, slstr.samples, 2)
    for key, value in (("pictures", np.zeros((1, 4, 4, 1))), ("images", 1.0), ("images", np.full((1, 4, 4, 1), b"a"))):
        with h5py.File(pairs / "test" / "graphene_img_noise.h5", "w") as file:
            file[key] = value
        with pytest.raises(DataError, match="expected the layout of em_denoise, found otherwise"):
            draw("em_denoise", pairs, em.samples, 2)


def test_the_verb_draws_a_folder_and_refuses_none(pairs: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "harness", "data", "show", "em_denoise"]
    out = tmp_path / "a.png"
    done = subprocess.run(
        [*command, str(pairs), "--out", str(out)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, out.is_file()) == (0, True), done.stderr
    done = subprocess.run([*command, str(tmp_path / "no")], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "expected a data set, found nothing" in done.stderr
    assert "Traceback" not in done.stderr

"""Sheets of samples: what is drawn of each data set, and what is said of one that cannot be drawn."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from products import NAME, make_product

from datasets.common.failures import DataError
from datasets.common.sheet import draw
from datasets.common.tones import FILL
from datasets.dms_classifier import show as dms
from datasets.em_denoise import show as em
from datasets.show import programs, recognise
from datasets.slstr_cloud import show as slstr

ROOT = Path(__file__).resolve().parents[3]
LOOKS = {"dms_classifier": dms, "em_denoise": em, "slstr_cloud": slstr}


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Three pairs without a manifest, as the published set has none."""
    root = tmp_path / "pairs"
    (root / "test").mkdir(parents=True)
    clean = np.linspace(0, 1, 3 * 32 * 32, dtype=np.float32).reshape(3, 32, 32, 1)
    for kind, images in (("clean", clean), ("noise", clean + np.float32(0.1))):
        with h5py.File(root / "test" / f"graphene_img_{kind}.h5", "w") as file:
            file["images"] = images
    return root


@pytest.fixture
def patterns(tmp_path: Path) -> Path:
    """Nine patterns for each split, of two phases, smaller than the detector."""
    root = tmp_path / "patterns"
    for split in ("train", "test"):
        (root / split).mkdir(parents=True)
        with h5py.File(root / split / "dms_phases.h5", "w") as file:
            file["images"], file["labels"] = np.random.default_rng(1).random((9, 20, 10, 3)), np.arange(9) % 2
    return root


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


def rows_of(look: object, root: Path, count: int, split: str = "test") -> list[list[str]]:
    """Return the captions of a sheet's panels, row by row."""
    return [[panel.text for panel in row.panels] for row in look.samples(root, count, split).rows]


# --- micrographs ------------------------------------------------------------------------------------------------------


def test_a_pair_is_shown_with_its_difference_and_its_scale(pairs: Path) -> None:
    first, second = em.samples(pairs, 2, "test").rows
    assert [panel.text for panel in second.panels] == ["noisy", "clean", "noisy - clean"]
    assert first.panels[0].note == "PSNR 10.5 dB"
    assert (first.panels[2].ramp.low, first.panels[2].ramp.high) == ("-0.100", "0.100")
    assert first.panels[0].bar.text == "5 px"  # 32 pixels, and no truth that tells their size
    assert first.panels[0].bar.pixels == 20  # each four pixels wide


def test_a_simulated_pair_has_a_bar_of_length_its_class_and_its_unit(em_set: Path) -> None:
    shown = em.samples(em_set, 1, "test")
    with h5py.File(em_set / "test" / "graphene_truth.h5") as file:
        side_nm, kind, dose = 0.1 * file["pixel"][0], int(file["class"][0]), file["dose"][0]
    (row,) = shown.rows
    for panel in row.panels:
        number, unit = panel.bar.text.split()
        assert unit == "nm"
        assert panel.bar.pixels * side_nm == pytest.approx(float(number))
        assert panel.ramp.high.endswith(" of vacuum")
    assert row.text == f"pair 0, {em._spelt(em.CLASSES[kind])}, {dose:,.0f} e/Å^2"
    assert any("Stone-Wales" in fact for fact in shown.facts)


def test_both_splits_and_single_files_are_shown(em_set: Path) -> None:
    said = {split: em.samples(em_set, 1, split).facts[0] for split in ("test", "train")}
    assert said["test"].startswith("1 of 2 pairs of the split test")
    assert said["train"].startswith("1 of 3 pairs of the split train")
    assert em.samples(em_set / "train", 1, "test").facts[0] == said["train"]
    assert em.samples(em_set / "train" / em.NOISE, 1, "test").facts[0] == said["train"]


def test_a_split_that_is_missing_gives_way_to_the_other(pairs: Path) -> None:
    (pairs / "test").rename(pairs / "train")
    assert em.samples(pairs, 1, "test").facts[0].startswith("1 of 3 pairs of the split train")


def test_a_file_without_a_partner_is_shown_alone(pairs: Path) -> None:
    (pairs / "test" / em.CLEAN).unlink()
    assert rows_of(em, pairs, 2) == [["image 0", "image 1", "image 2"]]


def test_pictures_are_shown_as_micrographs(tmp_path: Path) -> None:
    wave = np.add.outer(np.arange(600), np.arange(500))
    Image.fromarray((wave % 256).astype(np.uint8)).save(tmp_path / "a.png")
    Image.fromarray((wave * 50).astype(np.uint16)).save(tmp_path / "b.tif")
    np.save(tmp_path / "c.npy", wave.astype(np.float32))
    (tmp_path / "LICENSE").write_text("MIT")
    (row,) = em.samples(tmp_path, 2, "test").rows
    assert [(panel.text, panel.note) for panel in row.panels] == [
        (name, "500 × 600 pixels") for name in ("a.png", "b.tif", "c.npy")
    ]
    assert {panel.image.shape for panel in row.panels} == {(200, 167, 3)}  # three rows become one
    assert {panel.bar.text for panel in row.panels} == {"100 px"}
    assert row.panels[0].bar.pixels == pytest.approx(100 / 3)
    assert row.panels[1].ramp.high == f"{np.percentile((wave * 50).astype(float), 99.5):,.0f}"


def test_images_without_a_number_are_fill(pairs: Path) -> None:
    with h5py.File(pairs / "test" / "graphene_img_noise.h5", "r+") as file:
        file["images"][...] = np.nan
    (row,) = em.samples(pairs, 1, "test").rows
    assert (row.panels[0].image == FILL).all()
    assert row.panels[0].note.startswith("no PSNR")
    assert (FILL, "no value") in row.panels[0].keys
    assert not row.panels[1].keys


def test_real_micrographs_become_a_sheet(real_micrographs: dict[str, np.ndarray], tmp_path: Path) -> None:
    for name, values in real_micrographs.items():
        Image.fromarray(values.astype(np.uint8)).save(tmp_path / f"{name}.png")
    shown = rows_of(em, tmp_path, 2)
    assert [name for row in shown for name in row] == [f"{name}.png" for name in sorted(real_micrographs)]
    drawn = Image.open(io.BytesIO(draw("em_denoise", tmp_path, em.samples, 2)))
    assert drawn.height > 2 * em.LARGEST * 0.9


# --- patterns ---------------------------------------------------------------------------------------------------------


def test_patterns_are_shown_by_phase(patterns: Path) -> None:
    assert rows_of(dms, patterns, 4) == [
        [f"monoclinic, {i}" for i in (0, 2, 4, 6)],
        [f"tetragonal, {i}" for i in (1, 3, 5, 7)],
    ]
    assert len(rows_of(dms, patterns, 2)) == 1
    assert "(5 monoclinic, 4 tetragonal)" in dms.samples(patterns, 2, "test").facts[0]


def test_patterns_have_their_pixels_and_only_a_known_detector_has_angles(patterns: Path, dms_set: Path) -> None:
    (row,) = dms.samples(patterns, 1, "test").rows
    scale = row.panels[0].image.shape[0] / 20
    assert row.panels[0].left.ticks == [((place + 0.5) * scale, str(place)) for place in (0, 5, 10, 15)]
    assert row.panels[-1].right is None
    (row,) = dms.samples(dms_set, 1, "test").rows
    angles = {text: place for place, text in row.panels[-1].right.ticks}
    assert list(angles) == ["56°", "58°", "60°", "62°", "64°"]
    scale = row.panels[-1].image.shape[0] / 487
    assert angles["60°"] == pytest.approx(487 / 2 * scale)
    expected = (487 / 2 + np.tan(np.radians(4)) * 450 / 0.172) * scale
    assert angles["64°"] == pytest.approx(expected)
    assert row.panels[0].left.ticks[1] == (pytest.approx(100.5 * scale), "100")


@pytest.mark.parametrize("generation", ["A", "B", "C"])
def test_every_generation_is_shown_and_its_files_alone(patterns: Path, tmp_path: Path, generation: str) -> None:
    root = tmp_path / "set"
    for split, place in dms.GENERATIONS[generation].items():
        path = root / place.file
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, "a") as file:
            file[place.images] = np.ones((4, 20, 10, 3)) * (9 if split == "test" else 1)
            file[place.labels] = np.array([[1], [1], [0], [1]])
    for split, top in (("test", "9 counts"), ("train", "1 counts")):
        (row,) = dms.samples(root, 1, split).rows
        assert [panel.text for panel in row.panels] == ["monoclinic, 2", "tetragonal, 0"]
        assert row.panels[0].ramp.high == top
    alone = root / dms.GENERATIONS[generation]["test"].file
    assert rows_of(dms, alone, 1) == [["monoclinic, 2", "tetragonal, 0"]]
    assert recognise(alone.rename(root / "data.h5"), programs()) == "dms_classifier"  # by its keys


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.full(9, np.nan), "labels: expected whole numbers, found nan"),
        (np.zeros(4), "expected a label for each pattern, found 4 and 9"),
    ],
)
def test_labels_that_are_none_are_named(patterns: Path, labels: np.ndarray, said: str) -> None:
    with h5py.File(patterns / "test" / "dms_phases.h5", "r+") as file:
        del file["labels"]
        file["labels"] = labels
    with pytest.raises(DataError, match=said):
        draw("dms_classifier", patterns, dms.samples, 2)


# --- scenes -----------------------------------------------------------------------------------------------------------


def test_a_scene_is_shown_with_both_labels(scene: Path) -> None:
    (row,) = slstr.samples(scene, 1, "test").rows
    names = ["false colour", "S8, 10.85 micrometres", "bayes: 50% cloud", "summary: 0% cloud"]
    assert [panel.text for panel in row.panels] == names
    assert tuple(row.panels[1].image[0, 0]) == FILL
    assert row.panels[1].ramp.high == "290 K"
    assert {panel.bar for panel in row.panels} == {("10 km", 20)[::-1]}  # 60 km, of which each is drawn two wide
    assert (row.panels[2].image[5, 5] == slstr.CLOUD).all()
    assert (row.panels[2].image[5, -5] == slstr.CLEAR).all()


def test_shares_are_of_what_was_seen(scene: Path) -> None:
    with h5py.File(scene, "r+") as file:
        file["bts"][:, 40:] = np.nan
    (row,) = slstr.samples(scene, 1, "test").rows
    assert row.panels[2].text == "bayes: 75% cloud"
    assert (row.panels[2].image[:, 80:] == FILL).all()


def test_soft_labels_and_planes_without_any_are_told(scene: Path) -> None:
    with h5py.File(scene, "r+") as file:
        soft = np.full((40, 60, 1), 60.0)
        soft[:20] = 200
        del file["bayes"]
        file["bayes"], file["summary"][...] = soft, np.full((40, 60, 1), 255)
    (row,) = slstr.samples(scene, 1, "test").rows
    assert [panel.text for panel in row.panels[2:]] == ["bayes: 50% cloud", "summary: no label"]


def test_a_label_with_spare_bits_is_fill_and_changes_no_other(scene: Path) -> None:
    """The left half is cloud by bit 2; a training takes no byte above four flags for a label."""
    with h5py.File(scene, "r+") as file:
        file["bayes"][:, 45:] = 255
    (row,) = slstr.samples(scene, 1, "test").rows
    assert row.panels[2].text == "bayes: 67% cloud"
    assert (row.panels[2].image[:, 90:] == FILL).all()


def test_a_night_and_a_scene_without_reflectances_are_told(scene: Path) -> None:
    with h5py.File(scene, "r+") as file:
        file["refs"][...] = 0
    assert rows_of(slstr, scene, 1)[0][0] == "false colour: night, no reflectance"
    with h5py.File(scene, "r+") as file:
        del file["refs"]
    assert rows_of(slstr, scene, 1)[0][0] == "S7, 3.74 micrometres"
    assert not any("False colour" in fact for fact in slstr.samples(scene, 1, "test").facts)


def test_splits_of_scenes_follow_the_manifest(small_set: Path) -> None:
    said = {split: slstr.samples(small_set, 3, split) for split in ("test", "train")}
    for split, shown in said.items():
        assert shown.facts[0].startswith(f"1 scene of the split {split}: 320 × 256 pixels")
        assert shown.simulated
    assert said["test"].rows[0].text != said["train"].rows[0].text


def test_a_real_product_is_shown_with_the_sentence_that_its_licence_asks_for(real_product: Path) -> None:
    shown = slstr.samples(real_product, 1, "test")
    assert shown.foot == ("Contains modified Copernicus Sentinel data 2021.",)
    assert shown.simulated is False
    names = ["S7, 3.74 micrometres", "S8, 10.85 micrometres", "bayes: 7% cloud", "summary: 17% cloud"]
    assert [panel.text for panel in shown.rows[0].panels] == names
    assert recognise(real_product, programs()) == recognise(real_product.parent, programs()) == "slstr_cloud"


def test_a_real_crop_in_no_layout_is_refused(real_crop: Path) -> None:
    with pytest.raises(DataError, match="expected the key bts, found S7_BT_in"):
        draw("slstr_cloud", real_crop, slstr.samples, 1)


# --- any set ----------------------------------------------------------------------------------------------------------


def test_equal_sets_give_equal_bytes(pairs: Path, patterns: Path, scene: Path) -> None:
    for name, root in (("em_denoise", pairs), ("dms_classifier", patterns), ("slstr_cloud", scene)):
        first, second = (draw(name, root, LOOKS[name].samples, 2) for _ in range(2))
        assert first == second
        assert Image.open(io.BytesIO(first)).format == "PNG"


def test_other_processes_give_the_same_bytes(pairs: Path, tmp_path: Path) -> None:
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "datasets.em_denoise.show", str(pairs), "--out", str(tmp_path / f"{seed}.png")]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed})
    assert (tmp_path / "1.png").read_bytes() == (tmp_path / "2.png").read_bytes()


def test_sets_are_recognised(
    em_set: Path, dms_set: Path, small_set: Path, pairs: Path, patterns: Path, scene: Path, tmp_path: Path
) -> None:
    known = programs()
    renamed = Path(shutil.copy(scene, tmp_path / "a.h5"))
    for name, path in (
        ("em_denoise", em_set), ("em_denoise", em_set / "train"), ("em_denoise", pairs),
        ("em_denoise", pairs / "test" / em.NOISE), ("dms_classifier", dms_set), ("dms_classifier", patterns / "test"),
        ("slstr_cloud", small_set), ("slstr_cloud", scene), ("slstr_cloud", renamed),
    ):  # fmt: skip
        assert recognise(path, known) == name
    only_a_manifest = tmp_path / "damaged"
    only_a_manifest.mkdir()
    shutil.copy(dms_set / "manifest.json", only_a_manifest)
    assert recognise(only_a_manifest, known) == "dms_classifier"


def test_what_is_of_no_set_or_of_several_is_said(pairs: Path, patterns: Path, tmp_path: Path) -> None:
    known, empty = programs(), tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "notes.txt").write_text("x")
    for path, found in (
        (empty, "found an empty folder — name the set before the folder: dms_classifier, em_denoise, slstr_cloud"),
        (tmp_path / "notes.txt", "found a file that is of none"),
        (tmp_path / "none", "expected a data set, found nothing"),
        (tmp_path, "found dms_classifier or em_denoise"),
    ):
        with pytest.raises(DataError, match=found):
            recognise(path, known)
    (empty / "a.txt").write_text("x")
    with pytest.raises(DataError, match=r"found a\.txt — name the set"):
        recognise(empty, known)


def test_what_cannot_be_drawn_is_said(pairs: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a data set, found nothing"):
        draw("em_denoise", tmp_path / "none", em.samples, 2)
    for name, look in LOOKS.items():
        (tmp_path / name).mkdir()
        with pytest.raises(DataError, match=r"expected .*, found n(one|either) — "):
            draw(name, tmp_path / name, look.samples, 2)
        (tmp_path / f"{name}.txt").write_text("no image")
        with pytest.raises(DataError, match="expected"):
            draw(name, tmp_path / f"{name}.txt", look.samples, 2)
    for key, value in (
        ("pictures", np.zeros((1, 4, 4, 1))), ("images", 1.0), ("images", np.full((1, 4, 4, 1), b"a")),
        ("images", np.zeros((1, 4, 5, 1))), ("images", np.zeros((1, 0, 0, 1))), ("images/group", np.zeros(1)),
    ):  # fmt: skip
        with h5py.File(pairs / "test" / "graphene_img_noise.h5", "w") as file:
            file[key] = value
        with pytest.raises(DataError, match="expected the layout of em_denoise, found otherwise"):
            draw("em_denoise", pairs, em.samples, 2)


def test_a_claim_of_enormous_images_is_refused_unread(pairs: Path) -> None:
    with h5py.File(pairs / "test" / "graphene_img_noise.h5", "w") as file:
        file.create_dataset("images", (1, 100_000, 100_000, 1), "f4", chunks=(1, 1000, 1000, 1))
    with pytest.raises(DataError, match=r"expected images of 1 to 67108864 pixels, found shape \(1, 100000"):
        draw("em_denoise", pairs, em.samples, 2)


@pytest.mark.parametrize("name", sorted(LOOKS))
def test_damaged_empty_and_single_samples(name: str, pairs: Path, patterns: Path, scene: Path, tmp_path: Path) -> None:
    root = {"em_denoise": pairs, "dms_classifier": patterns, "slstr_cloud": scene.parent / "scenes"}[name]
    if name == "slstr_cloud":
        root.mkdir()
        scene.rename(root / scene.name)
    files = [path for path in root.rglob("*") if path.is_file()]
    assert draw(name, root, LOOKS[name].samples, 5)
    for path in files if name != "slstr_cloud" else ():
        with h5py.File(path, "r+") as file:
            for key in list(file):
                values = file[key][:1]
                del file[key]
                file[key] = values
    assert draw(name, root, LOOKS[name].samples, 5)
    for path in files:
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 3])
    with pytest.raises(DataError, match="it is truncated or damaged; get it again"):
        draw(name, root, LOOKS[name].samples, 5)
    for path in files:
        path.write_bytes(b"")
    with pytest.raises(DataError, match="expected a whole HDF5 file"):
        draw(name, root, LOOKS[name].samples, 5)


def test_damaged_pictures_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    with pytest.raises(DataError, match=r"a\.png: expected a grey picture or a NumPy array, found"):
        draw("em_denoise", tmp_path, em.samples, 2)
    np.save(tmp_path / "a.npy", np.array([{"an": "object"}]))
    (tmp_path / "a.png").unlink()
    with pytest.raises(DataError, match=r"a\.npy: expected a grey picture or a NumPy array, found"):
        draw("em_denoise", tmp_path, em.samples, 2)


def test_a_sheet_says_where_the_set_is_from(em_set: Path, pairs: Path) -> None:
    from datasets.common.sheet import manifest_of, origin

    for path in (em_set, em_set / "train", em_set / "test" / em.NOISE):
        root, manifest = manifest_of("em_denoise", path)
        assert root == em_set.resolve()
        said = origin(manifest, None)
        assert said.startswith("Simulated by datasets.em_denoise.simulate 1.0: train images 3, test images 2, seed 5")
    assert manifest_of("dms_classifier", em_set) is None
    assert manifest_of("em_denoise", pairs) is None
    for damaged in ("{", "[]", json.dumps({"dataset": "em_denoise"})):
        (pairs / "manifest.json").write_text(damaged)
        assert manifest_of("em_denoise", pairs) is None
        assert draw("em_denoise", pairs, em.samples, 1)
    assert origin(None, None).startswith("Without a manifest")
    assert origin(None, False).startswith("Real")
    assert origin({"dataset": "x"}, None).startswith("Published or converted")


@pytest.mark.parametrize(
    ("out", "said"),
    [("", "expected a file to write, found a folder"), ("none/a.png", "none, found none — make it, or name another")],
)
def test_places_that_cannot_take_a_picture_are_named(
    pairs: Path, call: Callable[..., object], out: str, said: str
) -> None:
    done = call("em_denoise.show", pairs, "--out", pairs / out)
    assert (done.code, said in done.error, "Traceback" in done.error) == (2, True, False)


@pytest.mark.parametrize("held", [b"a set's file", b"", b"\x89PNG\r\n\x1a\n of before"])
def test_a_picture_replaces_a_picture_alone(pairs: Path, call: Callable[..., object], held: bytes) -> None:
    out = pairs / "there"
    out.write_bytes(held)
    done = call("em_denoise.show", pairs, "--out", out)
    kept = held == b"a set's file"
    assert (done.code, "expected a picture or no file, found another" in done.error) == (
        (2, True) if kept else (0, False)
    )
    assert (out.read_bytes() == held) == kept


def test_a_folder_that_takes_no_file_is_named(
    pairs: Path, call: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("logging_spec.whole.tempfile.mkstemp", refuse)
    done = call("em_denoise.show", pairs, "--out", pairs / "a.png")
    assert done.code == 3
    assert "expected a folder that may be written, found one that may not" in done.error


def run_verb(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `data show` as a user does."""
    command = [sys.executable, "-m", "harness", "data", "show", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_verb_draws_a_folder_with_and_without_its_name(pairs: Path, tmp_path: Path) -> None:
    sheets = []
    for words in (["em_denoise", pairs], ["em-denoise", pairs], [pairs]):
        out = tmp_path / f"{len(sheets)}.png"
        done = run_verb(*words, "--out", out, "--split", "train", "--count", "1")
        assert (done.returncode, done.stderr) == (0, "")
        sheets.append(out.read_bytes())
    assert len(set(sheets)) == 1


def test_the_verb_refuses_what_is_no_set(pairs: Path, tmp_path: Path) -> None:
    for words, code, said in (
        (["em_denoise", tmp_path / "no"], 3, "expected a data set, found nothing"),
        (["em_denoize"], 2, "did you mean em_denoise?"),
        ([tmp_path / "no"], 2, "expected a benchmark or a folder, found no "),
        ([tmp_path], 0, ""),
    ):
        done = run_verb(*words, "--out", tmp_path / "a.png")
        assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (code, True, False), done.stderr


@pytest.mark.parametrize("form", ["folder", "link", "zip", "ZIP", "beside others"])
def test_a_product_is_drawn_in_every_form_that_is_converted(tmp_path: Path, form: str) -> None:
    make_product(tmp_path / "store" / NAME)
    path = tmp_path / "given" / (f"{NAME}.{form}" if "zip" in form.lower() else NAME)
    path.parent.mkdir()
    if form == "link":
        path.symlink_to((tmp_path / "store" / NAME).rename(tmp_path / "4711"))
    elif form == "folder":
        (tmp_path / "store" / NAME).rename(path)
    else:
        packed = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "store", NAME)
        Path(packed).rename(path)
    root = path.parent if form == "beside others" else path
    if form == "beside others":
        path.rename(path.with_name(f"{NAME}.zip"))
    assert recognise(root, programs()) == "slstr_cloud"
    found = slstr.samples(root, 2, "test")
    assert len(found.rows) == 1
    assert found.foot == ("Contains modified Copernicus Sentinel data 2021.",)

"""The reader of pairs: what it takes, what it refuses, and the words that it refuses it with."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_sets import EM_STATISTICS, Files, em_files, em_images, run_of, write_set

from reference.em_denoise.data import Pairs, Scale, scale_of
from reference.em_denoise.task import DenoiseTask
from reference.runtime import manifest, runconfig
from reference.runtime.errors import DataError

NOISE, CLEAN, TRUTH = (f"train/graphene_{part}.h5" for part in ("img_noise", "img_clean", "truth"))


def open_task(write_run, root: Path) -> DenoiseTask:
    return DenoiseTask(runconfig.load(write_run(run_of("em_denoise") | {"data.directory": str(root)})))


def without(name: str) -> Callable[[Files], None]:
    return lambda files: files.__delitem__(name)


def of_shape(name: str, *shape: int) -> Callable[[Files], None]:
    return lambda files: files[name].update(images=np.ones(shape, np.float32))


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (without(NOISE), "split train: expected graphene_img_noise.h5, found graphene_img_clean.h5, graphene_truth.h5"),
        (without(CLEAN), "split train: expected graphene_img_clean.h5, found graphene_img_noise.h5, graphene_truth.h5"),
        (of_shape(CLEAN, 2, 256, 256, 1), "expected pairs, found 3 noisy and 2 clean images — get both files again"),
        (of_shape(NOISE, 3, 128, 128, 1), "images: expected shape (3, 256, 256, 1), found (3, 128, 128, 1)"),
        (of_shape(CLEAN, 3, 256, 256), "images: expected shape (3, 256, 256, 1), found (3, 256, 256)"),
        (lambda files: files[CLEAN].update(images=np.float32(1)), "images: expected an array, found a single value or"),
        (
            lambda files: files[TRUTH].update({"class": np.zeros(2, np.uint8)}),
            "graphene_truth.h5: class: expected a kind of defect for each image, (3,), found shape (2,)",
        ),
        (
            lambda files: files[TRUTH].update({"class": np.zeros((3, 1), np.uint8)}),
            "graphene_truth.h5: class: expected a kind of defect for each image, (3,), found shape (3, 1)",
        ),
        (
            lambda files: files.update({NOISE: {"frames": np.ones(3)}}),
            "graphene_img_noise.h5: expected the key images, found frames — this file has another layout",
        ),
    ],
)
def test_files_of_another_kind_are_refused_at_the_start(spoil, expected, write_run, tmp_path) -> None:
    files = em_files()
    spoil(files)
    root = write_set(tmp_path / "data", files, EM_STATISTICS)
    with pytest.raises(DataError, match=re.escape(expected)):
        open_task(write_run, root)


def test_no_pairs_at_all_are_refused(write_run, tmp_path) -> None:
    files = em_files()
    for name in (NOISE, CLEAN):
        of_shape(name, 0, 256, 256, 1)(files)
    root = write_set(tmp_path / "data", files, EM_STATISTICS)
    with pytest.raises(DataError, match="train: expected pairs, found 0 noisy and 0 clean images"):
        open_task(write_run, root)


def test_a_missing_manifest_is_named(write_run, tmp_path) -> None:
    root = write_set(tmp_path / "data", em_files(), EM_STATISTICS)
    (root / "manifest.json").unlink()
    expected = "manifest.json: expected a manifest, found no such file — make or download the data set first"
    with pytest.raises(DataError, match=expected):
        open_task(write_run, root)


@pytest.mark.parametrize(
    ("statistics", "expected"),
    [
        (None, "expected $.statistics.clean and data_range, found none — make it with `python -m datasets.em_denoise"),
        ({"clean": {"mean": 1.0}}, "expected $.statistics.clean and data_range, found none"),
        ({"clean": EM_STATISTICS["clean"]}, "expected $.statistics.clean and data_range, found none"),
        (EM_STATISTICS | {"data_range": 0.0}, "expected images that differ, found equal ones"),
        (EM_STATISTICS | {"clean": {"mean": 1, "standard_deviation": 0}}, "expected images that differ"),
    ],
)
def test_a_scale_must_be_known_before_the_clock_starts(statistics, expected, write_run, tmp_path) -> None:
    root = write_set(tmp_path / "data", em_files(), statistics)
    with pytest.raises(DataError, match=re.escape(expected)):
        open_task(write_run, root)


def test_image_i_of_one_file_belongs_to_image_i_of_the_other(tmp_path) -> None:
    root = write_set(tmp_path, em_files(), EM_STATISTICS)
    pairs = Pairs(sorted((root / "train").iterdir()), "train")
    noisy, clean = em_images("train", 3)
    assert len(pairs) == 3
    for index in (2, 0, 1):
        found = pairs.read(index)
        np.testing.assert_array_equal(found[0], noisy[index])
        np.testing.assert_array_equal(found[1], clean[index])


def test_the_kind_of_defect_is_a_code_where_it_is_known(tmp_path) -> None:
    files = em_files()
    root = write_set(tmp_path, files, EM_STATISTICS)
    known = Pairs(list((root / "train").iterdir()), "train")
    assert [known.class_code(index).tolist() for index in range(2)] == [[1, 0, 0, 0], [0, 1, 0, 0]]
    (root / TRUTH).unlink()
    unknown = Pairs(list((root / "train").iterdir()), "train")
    assert unknown.class_code(1).tolist() == [0.25] * 4


@pytest.mark.parametrize("kind", [9, -1, 0.5, float("nan")])
def test_a_kind_of_defect_that_there_is_not_is_refused(kind, tmp_path) -> None:
    files = em_files()
    files[TRUTH]["class"] = np.array([0, kind, 1])
    strange = Pairs(list((write_set(tmp_path, files, EM_STATISTICS) / "train").iterdir()), "train")
    assert strange.class_code(2).tolist() == [0, 1, 0, 0]
    with pytest.raises(DataError, match=rf"class of image 1: expected 0 pristine, .*3 substitution, found {kind}"):
        strange.class_code(1)


@pytest.mark.parametrize("name", [NOISE, CLEAN])
@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_a_value_that_is_not_finite_is_refused(name, value, tmp_path) -> None:
    files = em_files()
    files[name]["images"][2, 100, 7] = value
    pairs = Pairs(list((write_set(tmp_path, files, EM_STATISTICS) / "train").iterdir()), "train")
    pairs.check(1)
    expected = rf"{Path(name).name}: images: image 2: expected finite values, found others — get the file again"
    with pytest.raises(DataError, match=expected):
        pairs.check(2)


def test_the_scale_goes_both_ways(write_run, tmp_path) -> None:
    root = write_set(tmp_path / "data", em_files(), EM_STATISTICS)
    run = runconfig.load(write_run(run_of("em_denoise") | {"data.directory": str(root)}))
    scale = scale_of(manifest.load(run.data))
    assert scale == Scale(mean=1.0, deviation=0.05, data_range=0.4)
    images = em_images("train", 2)[0]
    assert scale.normalise(images).dtype == scale.restore(images).dtype == np.float32
    np.testing.assert_allclose(scale.restore(scale.normalise(images)), images, atol=1e-6)
    np.testing.assert_allclose(scale.normalise(images), (images - 1) / 0.05, rtol=1e-5, atol=1e-5)

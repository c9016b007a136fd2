"""The reader of patterns: both layouts, what it refuses, and the words that it refuses it with."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from small_sets import DMS_STATISTICS, Files, dms_files, dms_patterns, run_of, write_set

from reference.dms_classifier.data import Patterns, Scale, place_of, scale_of
from reference.runtime import manifest, runconfig
from reference.runtime.errors import DataError
from reference.runtime.manifest import Manifest

TRAIN = "train/dms_phases.h5"


@pytest.fixture
def opened(write_run, tmp_path) -> Callable[..., Manifest]:
    """Write a set and open its manifest."""

    def make(files: Files, statistics=DMS_STATISTICS) -> Manifest:
        root = write_set(tmp_path / "data", files, statistics)
        return manifest.load(runconfig.load(write_run(run_of("dms_classifier") | {"data.directory": str(root)})).data)

    return make


@pytest.mark.parametrize("generation", ["A", "C"])
@pytest.mark.parametrize(("split", "count", "seed"), [("train", 4, 1), ("test", 3, 2)])
def test_pattern_i_has_label_i_in_either_layout(generation, split, count, seed, opened) -> None:
    found = Patterns(opened(dms_files(generation)), split)
    images, labels = dms_patterns(count, seed)
    assert len(found) == count
    for index in (count - 1, 0, 1):
        np.testing.assert_array_equal(found.counts(index), images[index, :, :, 0])
        assert found.label(index) == labels[index]
    assert found.labels().tolist() == labels.tolist()
    assert found.labels().dtype == np.int64


@pytest.mark.parametrize("dtype", ["u1", "i8", ">i4", "f4", "bool"])
def test_labels_may_stand_in_a_column_and_be_of_any_number_type(dtype, opened) -> None:
    files = dms_files()
    files[TRAIN]["labels"] = files[TRAIN]["labels"][:, None].astype(dtype)
    assert Patterns(opened(files), "train").labels().tolist() == [0, 1, 1, 0]


def test_the_first_of_equal_channels_is_read_and_one_channel_is_enough(opened) -> None:
    files = dms_files()
    images = files[TRAIN]["images"]
    images[..., 1:] = -1
    expected = images[2, :, :, 0]
    np.testing.assert_array_equal(Patterns(opened(files), "train").counts(2), expected)
    files[TRAIN]["images"] = images[..., :1].astype("f8")
    np.testing.assert_array_equal(Patterns(opened(files), "train").counts(2), expected)


def test_neither_pixels_nor_labels_are_read_before_they_are_asked_for(opened, monkeypatch) -> None:
    found = opened(dms_files())
    monkeypatch.setattr(h5py.Dataset, "__getitem__", lambda *_: pytest.fail("a value was read"))
    assert len(Patterns(found, "test")) == 3


def images(*shape: int, dtype: str = "f4") -> Callable[[Files], None]:
    return lambda files: files[TRAIN].update(images=np.ones(shape, dtype))


def labels(values: object) -> Callable[[Files], None]:
    return lambda files: files[TRAIN].update(labels=np.array(values))


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (images(4, 487, 195), "images: expected shape (4, 487, 195, channels), found (4, 487, 195)"),
        (images(4, 195, 487, 3), "images: expected shape (4, 487, 195, channels), found (4, 195, 487, 3)"),
        (images(4, 487, 195, 0), "images: expected shape (4, 487, 195, channels), found (4, 487, 195, 0)"),
        (images(4, 487, 195, 1, dtype="c8"), "images: expected numbers, found dtype complex64"),
        (
            images(3, 487, 195, 3),
            "expected one or more patterns with a label each, found 4 labels and 3 patterns — get the file again",
        ),
        (labels(0), "labels: expected an array, found a single value or none"),
        (labels([[1, 0]] * 4), "labels: expected shape (4,) or (4, 1), found (4, 2)"),
        (labels([b"a", b"b", b"c", b"d"]), "labels: expected numbers, found dtype |S1"),
        (lambda files: files[TRAIN].pop("labels"), "expected the key labels, found images — this file has another"),
        (lambda files: files[TRAIN].pop("images"), "expected the key images, found labels — this file has another"),
    ],
)
def test_a_file_of_another_kind_is_refused_at_the_start(spoil, expected, opened) -> None:
    files = dms_files()
    spoil(files)
    found = opened(files)
    with pytest.raises(DataError, match=re.escape(f"{found.directory / TRAIN}: {expected}")):
        Patterns(found, "train")


def test_no_patterns_at_all_are_refused(opened) -> None:
    files = dms_files()
    files[TRAIN].update(images=np.ones((0, 487, 195, 3), "f4"), labels=np.ones(0, "i8"))
    with pytest.raises(DataError, match="expected one or more patterns with a label each, found 0 labels and 0"):
        Patterns(opened(files), "train")


@pytest.mark.parametrize("label", [2, -1, 0.5, float("nan")])
def test_a_label_that_is_no_class_is_refused(label, opened) -> None:
    files = dms_files()
    labels([0, 1, label, 1])(files)
    found = Patterns(opened(files), "train")
    assert found.label(1) == 1
    expected = rf"dms_phases\.h5: label of pattern 2: expected 0 monoclinic, 1 tetragonal, found {label}"
    for read in (lambda: found.label(2), found.labels):
        with pytest.raises(DataError, match=expected):
            read()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_count_that_is_not_finite_is_refused(value, opened) -> None:
    files = dms_files("C")
    files["training/data-binary.h5"]["train/images"][3, 400, 100] = value
    found = Patterns(opened(files), "train")
    found.counts(2)
    expected = r"data-binary\.h5: train/images: pattern 3: expected finite counts, found others — get the file again"
    with pytest.raises(DataError, match=expected):
        found.counts(3)


def test_a_set_of_no_known_layout_is_refused(opened) -> None:
    files = dms_files()
    del files[TRAIN]
    expected = "split train: expected train/dms_phases.h5 or training/data-binary.h5, found no file"
    with pytest.raises(DataError, match=expected):
        place_of(opened(files), "train")
    files["train/other.h5"] = {"images": np.ones(1)}
    with pytest.raises(DataError, match=r"training/data-binary\.h5, found train/other\.h5"):
        place_of(opened(files), "train")


@pytest.mark.parametrize(
    ("statistics", "expected"),
    [
        (None, "expected $.statistics.images, found none — make it with `python -m datasets.dms_classifier.manifest"),
        ({"images": {"root_mean": 1.0}}, "expected $.statistics.images, found none"),
        ({"images": {"root_mean": "x", "root_standard_deviation": 1}}, "expected $.statistics.images, found none"),
        ({"images": {"root_mean": 1, "root_standard_deviation": 0}}, "expected patterns that differ, found equal ones"),
    ],
)
def test_a_scale_must_be_known_before_the_clock_starts(statistics, expected, opened) -> None:
    with pytest.raises(DataError, match=re.escape(f"manifest.json: {expected}")):
        scale_of(opened(dms_files(), statistics))


def test_a_scale_that_is_no_number_is_refused() -> None:
    spread = {"images": {"root_mean": 1.0, "root_standard_deviation": float("nan")}}
    with pytest.raises(DataError, match="expected patterns that differ"):
        scale_of(Manifest(directory=Path("/set"), layout={}, splits={}, statistics=spread))


def test_the_square_root_of_counts_is_scaled(opened) -> None:
    scale = scale_of(opened(dms_files()))
    assert scale == Scale(mean=4.0, deviation=2.0)
    for dtype in ("f4", "f8", "u2", "i8"):
        found = scale.normalise(np.array([[0, 16, 100]], dtype))
        assert found.dtype == np.float32
        assert found.tolist() == [[-2.0, 0.0, 3.0]]
    assert scale.normalise(np.array([-9.0])).tolist() == [-2.0], "what is below 0 counts as 0"


def test_even_noise_is_what_the_square_root_is_for() -> None:
    """Poisson noise of any mean has a standard deviation of 1/2 behind the root, over the deviation of the set."""
    scale, rng = Scale(mean=4.0, deviation=0.5), np.random.default_rng(3)
    spreads = [float(scale.normalise(rng.poisson(mean, 40_000).astype("f4")).std()) for mean in (20, 80, 1000)]
    assert spreads == pytest.approx([1, 1, 1], rel=0.02)

"""What can be classified: patterns of either layout, arrays and pictures; everything else is refused by its file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image
from small_sets import DMS_STATISTICS, dms_files, dms_patterns, write_set

from reference.dms_classifier.inputs import read
from reference.runtime.errors import DataError

ONE = np.random.default_rng(1).poisson(900, (487, 195)).astype(np.uint16)


def written(path: Path, **arrays: Any) -> Path:
    """Write an HDF5 file; two underscores in a name stand for a slash."""
    with h5py.File(path, "w") as file:
        for key, array in arrays.items():
            file.create_dataset(key.replace("__", "/"), data=array)
    return path


@pytest.mark.parametrize(
    ("generation", "file", "count", "seed"),
    [("A", "train/dms_phases.h5", 4, 1), ("A", "test/dms_phases.h5", 3, 2), ("C", "training/data-binary.h5", 3, 2)],
)
def test_files_of_the_data_set_come_with_their_labels(generation, file, count, seed, tmp_path) -> None:
    """A file that holds both splits stands for its test patterns: a model has not seen them."""
    write_set(tmp_path, dms_files(generation), DMS_STATISTICS)
    images, labels = dms_patterns(count, seed)
    found = read(tmp_path / file)
    np.testing.assert_array_equal(found.counts, images[..., 0])
    assert found.labels is not None
    assert (found.labels.tolist(), found.labels.dtype) == (labels.tolist(), np.int64)


def test_a_file_with_training_patterns_alone_is_taken_too(tmp_path) -> None:
    images, labels = dms_patterns(2, 5)
    found = read(written(tmp_path / "a.hdf5", train__images=images, train__labels=labels[:, None].astype("u1")))
    np.testing.assert_array_equal(found.counts, images[..., 0])
    assert found.labels is not None
    assert found.labels.tolist() == labels.tolist(), "also where they stand in a column"


@pytest.mark.parametrize("channels", [None, 1, 3])
def test_labels_and_channels_may_be_absent(channels, tmp_path) -> None:
    stack = np.repeat(ONE[None, ..., None], channels, -1) if channels else ONE[None]
    found = read(written(tmp_path / "a.H5", images=stack))
    np.testing.assert_array_equal(found.counts, ONE[None])
    assert found.labels is None


@pytest.mark.parametrize("channels", [None, 1, 3])
def test_an_array_is_one_pattern(channels, tmp_path) -> None:
    np.save(tmp_path / "a.npy", np.repeat(ONE[..., None], channels, -1) if channels else ONE)
    found = read(tmp_path / "a.npy")
    np.testing.assert_array_equal(found.counts, ONE[None])
    assert found.labels is None


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.TIFF"])
def test_a_picture_is_one_pattern_of_counts_beyond_255(name, tmp_path) -> None:
    Image.fromarray(ONE).save(tmp_path / name)
    np.testing.assert_array_equal(read(tmp_path / name).counts, ONE[None])


PATTERNS = np.ones((2, 487, 195, 1), "f4")


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"frames": PATTERNS}, "expected one of the keys test/images, images, train/images, found none"),
        ({"images": PATTERNS[:0]}, "expected one or more patterns of 487 × 195, found shape (0, 487, 195)"),
        ({"images": PATTERNS[0, ..., 0]}, "expected one or more patterns of 487 × 195, found shape (487, 195)"),
        ({"images": PATTERNS[..., :0]}, "expected one or more patterns of 487 × 195, found shape (2, 487, 195, 0)"),
        ({"images": PATTERNS.swapaxes(1, 2)}, "expected one or more patterns of 487 × 195, found shape (2, 195, 487)"),
        ({"images": 1.0}, "images: expected an array, found a single value or none"),
        ({"images": PATTERNS * 1j}, "images: expected numbers, found dtype complex64"),
        ({"images": PATTERNS * np.nan}, "expected finite counts, found others"),
        ({"images": PATTERNS, "labels": [0]}, "expected a label for each pattern, found 1 labels and 2 patterns"),
        (
            {"images": PATTERNS, "labels": [[1, 0], [0, 1]]},
            "expected a label for each pattern, found 4 labels and 2 patterns",
        ),
        ({"images": PATTERNS, "labels": [0, 2]}, "labels: expected 0 monoclinic, 1 tetragonal, found 2"),
        ({"images": PATTERNS, "labels": [-1, 1]}, "labels: expected 0 monoclinic, 1 tetragonal, found -1"),
        ({"images": PATTERNS, "labels": [0, 0.5]}, "labels: expected 0 monoclinic, 1 tetragonal, found 0.5"),
        ({"images": PATTERNS, "labels": [0, np.nan]}, "labels: expected 0 monoclinic, 1 tetragonal, found nan"),
        ({"images": PATTERNS, "labels": np.array([b"a", b"b"])}, "labels: expected numbers, found dtype |S1"),
        ({"images": PATTERNS, "labels__x": [0, 1]}, "labels: expected an array, found a group — this file has another"),
    ],
)
def test_hdf5_files_of_another_kind_are_refused(arrays, expected, tmp_path) -> None:
    path = written(tmp_path / "a.h5", **arrays)
    with pytest.raises(DataError, match=re.escape(f"{path}: {expected}")):
        read(path)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (ONE[:, :100], "expected one or more patterns of 487 × 195, found shape (1, 487, 100)"),
        (ONE[..., None][..., :0], "expected one or more patterns of 487 × 195, found shape (1, 487, 195, 0)"),
        (ONE[0], "expected one or more patterns of 487 × 195, found shape (1, 195)"),
        (ONE + np.inf, "expected finite counts, found others"),
    ],
)
def test_arrays_of_another_kind_are_refused(values, expected, tmp_path) -> None:
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(DataError, match=re.escape(f"a.npy: {expected}")):
        read(tmp_path / "a.npy")


@pytest.mark.parametrize("name", ["absent.h5", "text.h5"])
def test_what_is_no_hdf5_file_is_refused(name, tmp_path) -> None:
    (tmp_path / "text.h5").write_text("<html>404</html>")
    with pytest.raises(DataError, match=rf"{name}: expected an HDF5 file, found: "):
        read(tmp_path / name)

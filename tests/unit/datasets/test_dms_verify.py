"""Every way in which a set of scattering patterns can be spoilt is found and named, also where hashes agree."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from spoiling import agree, declare_empty, edit, flip, put, replace, truncate

TRAIN, TEST, TRUTH = "train/dms_phases.h5", "test/dms_phases.h5", "train/dms_truth.h5"


@pytest.fixture
def copy(dms_set: Path, tmp_path: Path) -> Path:
    """Return a copy of the tiny set to spoil."""
    return Path(shutil.copytree(dms_set, tmp_path / "copy"))


def lose_labels(root: Path) -> None:
    """Lose the labels of a split."""
    with h5py.File(root / TEST, "r+") as file:
        del file["labels"]


def test_a_set_of_three_phases_in_the_shares_of_the_published_one_is_sound(call, tmp_path: Path) -> None:
    options = ["--dataset-id=x", "--train-patterns=14", "--test-patterns=7", "--tetragonal-share=0.71", "--phases=3"]
    assert call("dms_classifier.simulate", "--out", tmp_path / "set", *options).code == 0
    assert call("dms_classifier.verify", tmp_path / "set").code == 0
    with h5py.File(tmp_path / "set" / TRAIN) as file, h5py.File(tmp_path / "set" / TRUTH) as truth:
        labels, lattices = file["labels"][...], truth["lattice"][...]
    assert np.bincount(labels).tolist() == [2, 10, 2]
    slanted = lattices[labels == 2]
    assert (np.ptp(slanted[:, :3], axis=1) == 0).all()
    assert (np.ptp(slanted[:, 3:], axis=1) == 0).all()
    assert (slanted[:, 3] < 90).all()


CONTENT: dict[str, tuple[Callable[[Path], None], str]] = {
    "truncated": (lambda root: truncate(root / TRAIN), "it is truncated or damaged; get it again"),
    "shape": (
        lambda root: replace(root / TRAIN, "images", lambda a: a.swapaxes(1, 2)),
        "images: expected shape (N, 487, 195, 3), found (6, 195, 487, 3)",
    ),
    "channels": (
        lambda root: replace(root / TEST, "images", lambda a: a[..., :1]),
        "images: expected shape (N, 487, 195, 3), found (4, 487, 195, 1)",
    ),
    "dtype": (
        lambda root: replace(root / TEST, "images", lambda a: a.astype("i4")),
        "images: expected dtype float32 or float64, found int32",
    ),
    "chunks": (
        lambda root: replace(root / TEST, "images", lambda a: a, chunks=(1, 487, 195, 3)),
        "images: expected contiguous storage, found chunks of (1, 487, 195, 3) — `h5repack",
    ),
    "no labels": (lose_labels, "labels: expected this data set, found none among images"),
    "fewer labels": (
        lambda root: replace(root / TRAIN, "labels", lambda a: a[:5]),
        "labels: expected 6 labels, one for each pattern, found 5",
    ),
    "label": (lambda root: put(root / TRAIN, "labels", 2, 3), "labels: expected 0 to 2, found 0 to 3"),
    "negative label": (lambda root: put(root / TRAIN, "labels", 2, -1), "labels: expected 0 to 2, found -1 to 1"),
    "NaN label": (
        lambda root: replace(root / TRAIN, "labels", lambda a: np.where(a == 1, np.nan, a)),
        "labels: expected 0 to 2, found nan to nan",
    ),
    "names for labels": (
        lambda root: replace(root / TRAIN, "labels", lambda a: np.array([b"mono"] * len(a))),
        "labels: expected numbers, found |S4 of shape (6,)",
    ),
    "empty": (
        lambda root: declare_empty(root / TRAIN, "images"),
        "images: expected an array, found an empty data set",
    ),
    "NaN": (lambda root: put(root / TEST, "images", (3, 9, 9, 0), np.nan), "images: pattern 3: expected finite counts"),
    "truths": (
        lambda root: replace(root / TRUTH, "domains", lambda a: a[:1]),
        "split train: expected as many patterns in each file, found 6 in train/dms_phases.h5, 1 in train/dms_truth.h5",
    ),
    "truth's shape": (
        lambda root: replace(root / TRUTH, "lattice", lambda a: a[:, :3]),
        "lattice: expected shape (N, 6), found (6, 3)",
    ),
}


def test_a_sound_set_passes(call, dms_set: Path) -> None:
    for options in ((), ("--quick",)):
        done = call("dms_classifier.verify", dms_set, *options)
        assert (done.code, done.error) == (0, "")
        assert "sound" in done.out


@pytest.mark.parametrize("fault", CONTENT)
def test_a_fault_is_found_and_named_though_hashes_agree(call, copy: Path, fault: str) -> None:
    spoil, message = CONTENT[fault]
    spoil(copy)
    agree(copy)
    done = call("dms_classifier.verify", copy)
    assert done.code == 3
    assert message in done.error
    assert len(done.error.strip().splitlines()) == 2


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: flip(root / TRAIN), "expected the SHA-256 of the manifest, found another"),
        (lambda root: (root / TEST).unlink(), "dms_phases.h5: expected a file of "),
        (lambda root: shutil.copy(root / TEST, root / "dms_more.h5"), "only files of the manifest"),
        (lambda root: edit(root, lambda m: m.update(dataset="em_denoise")), "expected a set of dms_classifier"),
    ],
)
def test_a_file_or_manifest_that_is_not_what_was_made_is_named(call, copy: Path, spoil, message: str) -> None:
    spoil(copy)
    done = call("dms_classifier.verify", copy)
    assert done.code == 3
    assert message in done.error


def test_labels_in_a_column_are_labels(call, copy: Path) -> None:
    replace(copy / TRAIN, "labels", lambda a: a[:, None].astype("f4"))
    agree(copy)
    assert call("dms_classifier.verify", copy).code == 0


def test_an_empty_split_is_a_fault(call, copy: Path) -> None:
    replace(copy / TEST, "labels", lambda a: a[:0])
    replace(copy / TEST, "images", lambda a: a[:0])
    agree(copy)
    assert "labels: expected at least one pattern, found none" in call("dms_classifier.verify", copy).error


def test_one_file_for_both_splits_is_verified_key_by_key(call, dms_arguments, tmp_path: Path) -> None:
    root = tmp_path / "one"
    assert call("dms_classifier.simulate", "--out", root, *dms_arguments, "--generation=C").code == 0
    assert call("dms_classifier.verify", root).code == 0
    put(root / "training" / "data-binary.h5", "test/labels", 0, 7)
    replace(root / "training" / "dms_truth.h5", "test/domains", lambda a: a[:2])
    agree(root)
    done = call("dms_classifier.verify", root)
    assert done.code == 3
    assert "test/labels: expected 0 to 2, found " in done.error
    assert "split test: expected as many patterns" in done.error


def test_the_layouts_hold_the_same_patterns_and_replace_one_another(
    call, dms_arguments, dms_set: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(dms_set, tmp_path / "set"))
    assert call("dms_classifier.simulate", "--out", root, *dms_arguments, "--generation=C").code == 0
    assert sorted(path.name for path in root.iterdir() if path.is_dir()) == ["training"]
    with h5py.File(root / "training" / "data-binary.h5") as file, h5py.File(dms_set / TEST) as other:
        np.testing.assert_array_equal(file["test/images"][...], other["images"][...])
        np.testing.assert_array_equal(file["test/labels"][...], other["labels"][...])
        assert (file["test/images"][..., :1] == file["test/images"][...]).all()

"""Every way in which a set of micrographs can be spoilt is found and named, also where sizes and hashes agree."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from spoiling import agree, declare_empty, edit, flip, put, replace, truncate

NOISE, CLEAN, TRUTH = (f"train/graphene_{name}.h5" for name in ("img_noise", "img_clean", "truth"))


@pytest.fixture
def copy(em_set: Path, tmp_path: Path) -> Path:
    """Return a copy of the tiny set to spoil."""
    return Path(shutil.copytree(em_set, tmp_path / "copy"))


def group(root: Path) -> None:
    """Put a group where the images are expected."""
    with h5py.File(root / NOISE, "r+") as file:
        del file["images"]
        file.create_group("images")


def rename(root: Path) -> None:
    """Give the images another key."""
    with h5py.File(root / NOISE, "r+") as file:
        file.move("images", "pictures")


def lose_noise(root: Path) -> None:
    """Have a split without its noisy images, and say so in the manifest."""

    def change(manifest: dict) -> None:
        manifest["splits"]["train"].remove(NOISE)
        manifest["files"] = [entry for entry in manifest["files"] if entry["path"] != NOISE]

    (root / NOISE).unlink()
    edit(root, change)


def chunk(root: Path) -> None:
    """Store the images compressed, image by image."""
    replace(root / CLEAN, "images", lambda a: a, chunks=(1, 256, 256, 1), compression="gzip")


CONTENT: dict[str, tuple[Callable[[Path], None], str]] = {
    "truncated": (lambda root: truncate(root / NOISE), "it is truncated or damaged; get it again"),
    "no HDF5": (lambda root: (root / NOISE).write_text("<html>404</html>"), "expected a whole HDF5 file, found: "),
    "rows": (
        lambda root: replace(root / NOISE, "images", lambda a: a[:, :128]),
        "images: expected shape (N, 256, 256, 1), found (3, 128, 256, 1)",
    ),
    "axes": (
        lambda root: replace(root / NOISE, "images", lambda a: a[..., 0]),
        "images: expected shape (N, 256, 256, 1), found (3, 256, 256)",
    ),
    "dtype": (
        lambda root: replace(root / CLEAN, "images", lambda a: (a * 100).astype("u1")),
        "images: expected dtype float32 or float64, found uint8",
    ),
    "byte order": (lambda root: replace(root / CLEAN, "images", lambda a: a.astype(">f4")), "found >f4"),
    "chunks": (chunk, "images: expected contiguous storage, found chunks of (1, 256, 256, 1), compressed by gzip"),
    "key": (rename, "images: expected this data set, found none among pictures"),
    "group": (group, "images: expected this data set, found a group"),
    "pairs": (
        lambda root: replace(root / NOISE, "images", lambda a: a[:2]),
        "split train: expected as many images in each file, found 3 in train/graphene_img_clean.h5, 2 in",
    ),
    "no pair": (lose_noise, "split train: expected graphene_img_noise.h5, found graphene_img_clean.h5, graphene_truth"),
    "empty": (
        lambda root: declare_empty(root / NOISE, "images"),
        "images: expected an array, found an empty data set",
    ),
    "NaN": (lambda root: put(root / NOISE, "images", (1, 9, 9, 0), np.nan), "images: image 1: expected finite values"),
    "infinity": (lambda root: put(root / CLEAN, "images", (2, 0, 0, 0), np.inf), "images: image 2: expected finite"),
    "negative": (
        lambda root: put(root / NOISE, "images", (0, 0, 0, 0), -0.5),
        "images: image 0: expected intensities of at least 0, found -0.5",
    ),
    "class": (lambda root: put(root / TRUTH, "class", 0, 4), "class: expected 0 to 3, found 4"),
    "dose": (lambda root: put(root / TRUTH, "dose", 0, 0.0), "dose: expected finite values above 0"),
    "truths": (
        lambda root: replace(root / TRUTH, "dose", lambda a: a[:1]),
        "expected as many images in each file, found 3 in",
    ),
    "truth's dtype": (
        lambda root: replace(root / TRUTH, "vacancies", lambda a: a.astype("f4")),
        "vacancies: expected dtype uint16, found float32",
    ),
}


def test_a_sound_set_passes(call, em_set: Path) -> None:
    for options in ((), ("--quick",)):
        done = call("em_denoise.verify", em_set, *options)
        assert (done.code, done.error) == (0, "")
        assert "sound" in done.out


@pytest.mark.parametrize("fault", CONTENT)
def test_a_fault_is_found_and_named_though_hashes_agree(call, copy: Path, fault: str) -> None:
    spoil, message = CONTENT[fault]
    spoil(copy)
    agree(copy)
    done = call("em_denoise.verify", copy)
    assert done.code == 3
    assert message in done.error
    assert len(done.error.strip().splitlines()) == 2


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: truncate(root / NOISE), "bytes, found "),
        (lambda root: flip(root / NOISE), "expected the SHA-256 of the manifest, found another"),
        (lambda root: (root / NOISE).unlink(), "graphene_img_noise.h5: expected a file of "),
        (lambda root: shutil.copy(root / NOISE, root / "train" / "graphene_more.h5"), "only files of the manifest"),
        (lambda root: edit(root, lambda m: m.update(dataset="slstr_cloud")), "expected a set of em_denoise"),
        (lambda root: edit(root, lambda m: m["layout"].clear()), "expected a set of em_denoise with its layout"),
        (lambda root: (root / "manifest.json").write_text("{"), "expected JSON, found: "),
        (lambda root: (root / "manifest.json").unlink(), "expected a manifest, found none — the set is unfinished"),
    ],
)
def test_a_file_or_manifest_that_is_not_what_was_made_is_named(call, copy: Path, spoil, message: str) -> None:
    spoil(copy)
    done = call("em_denoise.verify", copy)
    assert done.code == 3
    assert message in done.error


def test_a_quick_look_reads_no_pixel_and_still_sees_the_shapes(call, copy: Path) -> None:
    put(copy / NOISE, "images", (1, 9, 9, 0), np.nan)
    agree(copy)
    assert call("em_denoise.verify", copy, "--quick").code == 0
    replace(copy / NOISE, "images", lambda a: a[:2])
    agree(copy)
    assert "as many images" in call("em_denoise.verify", copy, "--quick").error


def test_every_fault_is_listed(call, copy: Path) -> None:
    for index in (0, 2):
        put(copy / NOISE, "images", (index, 9, 9, 0), np.nan)
    put(copy / TRUTH, "class", 0, 9)
    agree(copy)
    done = call("em_denoise.verify", copy)
    assert [part in done.error for part in ("image 0", "image 2", "found 9", "3 faults")] == [True] * 4

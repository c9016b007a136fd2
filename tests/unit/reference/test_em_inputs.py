"""What can be denoised: images of the data set as they are, and micrographs brought near to them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image
from skimage.filters import gaussian
from small_sets import EM_STATISTICS, em_files, em_images, write_set

from reference.em_denoise.data import Scale
from reference.em_denoise.inputs import SMALLEST, read
from reference.runtime.errors import DataError

SCALE = Scale(mean=1.0, deviation=0.05, data_range=0.4)
MICROGRAPH = (2000 + 300 * em_images("train", 1)[0][0, :64, :80, 0]).astype(np.uint16)


def test_noisy_images_of_the_data_set_come_with_their_clean_neighbours(tmp_path) -> None:
    write_set(tmp_path, em_files(), EM_STATISTICS)
    noisy, clean = (images[..., 0] for images in em_images("test", 2))
    found = read(tmp_path / "test" / "graphene_img_noise.h5", SCALE)
    np.testing.assert_array_equal(found.noisy, noisy)
    np.testing.assert_array_equal(found.clean, clean)
    assert found.brought is None


@pytest.mark.parametrize("name", ["graphene_img_clean.h5", "graphene_img_noise.h5"])
def test_without_a_neighbour_there_is_no_truth(name, tmp_path) -> None:
    write_set(tmp_path, em_files(), EM_STATISTICS)
    if name == "graphene_img_noise.h5":
        (tmp_path / "test" / "graphene_img_clean.h5").unlink()
    assert read(tmp_path / "test" / name, SCALE).clean is None


@pytest.mark.parametrize(("shape", "dtype"), [((2, 40, 33, 1), "f4"), ((2, 40, 33), "f8"), ((1, 40, 33), "u2")])
def test_stacks_of_any_size_and_number_type_are_taken_in_the_units_of_the_data(shape, dtype, tmp_path) -> None:
    images = np.random.default_rng(1).uniform(1, 99, shape).astype(dtype)
    with h5py.File(tmp_path / "stack.hdf5", "w") as file:
        file["images"] = images
    found = read(tmp_path / "stack.hdf5", SCALE)
    assert (found.noisy.dtype, found.clean, found.brought) == (np.float32, None, None)
    np.testing.assert_allclose(found.noisy, images.reshape(shape[:3]), rtol=1e-6)


def measured(image: np.ndarray) -> tuple[float, float]:
    """Return median and half the spread of an image behind a Gaussian filter of two pixels."""
    low, middle, high = np.quantile(gaussian(image.astype(np.float64), 2), (0.16, 0.5, 0.84))
    return float(middle), float(high - low) / 2


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.npy"])
def test_a_micrograph_is_brought_to_the_level_and_the_contrast_of_clean_images(name, tmp_path) -> None:
    path = tmp_path / name
    np.save(path, MICROGRAPH) if name == "a.npy" else Image.fromarray(MICROGRAPH).save(path)
    found = read(path, SCALE)
    assert (found.noisy.shape, found.noisy.dtype, found.clean) == ((1, 64, 80), np.float32, None)
    assert measured(found.noisy[0]) == (pytest.approx(1.0, abs=1e-4), pytest.approx(0.05, rel=1e-3))
    assert found.brought is not None
    assert "set to those of clean images" in found.brought
    assert np.corrcoef(found.noisy.ravel(), MICROGRAPH.ravel())[0, 1] == pytest.approx(1), "by an affine map"


def test_the_unit_of_a_micrograph_does_not_matter(tmp_path) -> None:
    images = []
    for number, (factor, offset) in enumerate([(1, 0), (1e-6, 5), (1e9, -1e9)]):
        np.save(tmp_path / f"{number}.npy", factor * MICROGRAPH.astype(np.float64) + offset)
        images.append(read(tmp_path / f"{number}.npy", SCALE).noisy)
    np.testing.assert_allclose(images[1], images[0], atol=1e-4)
    np.testing.assert_allclose(images[2], images[0], atol=1e-4)


STACK = np.ones((2, 40, 40, 1), "f4")


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"frames": STACK}, "expected the key images, found frames — this file has another layout"),
        ({"images": STACK * np.inf}, "images: expected finite values, found others"),
        (
            {"images": STACK[:0]},
            "images: expected one or more images of at least 32 × 32, (N, rows, columns, 1), found",
        ),
        ({"images": STACK[:, :31]}, "images: expected one or more images of at least 32 × 32, (N, rows, columns, 1)"),
        ({"images": STACK[0, ..., 0]}, "(N, rows, columns, 1), found shape (40, 40)"),
        ({"images": np.repeat(STACK, 3, -1)}, "(N, rows, columns, 1), found shape (2, 40, 40, 3)"),
        ({"images": STACK * 1j}, "images: expected numbers, found dtype complex64"),
        ({"images": 1.0}, "images: expected an array, found a single value or none"),
    ],
)
def test_stacks_of_another_kind_are_refused(arrays: dict[str, Any], expected, tmp_path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for key, array in arrays.items():
            file[key] = array
    with pytest.raises(DataError, match=rf"a\.h5: .*{re.escape(expected)}|a\.h5: {re.escape(expected)}"):
        read(tmp_path / "a.h5", SCALE)


def test_clean_images_that_do_not_belong_to_the_noisy_ones_are_refused(tmp_path) -> None:
    for name, count in (("noise", 2), ("clean", 1)):
        with h5py.File(tmp_path / f"graphene_img_{name}.h5", "w") as file:
            file["images"] = STACK[:count]
    expected = r"clean\.h5: expected the shape of its noisy images, \(2, 40, 40\), found \(1, 40, 40\)"
    with pytest.raises(DataError, match=expected):
        read(tmp_path / "graphene_img_noise.h5", SCALE)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (MICROGRAPH[:31], f"expected a grey image of at least {SMALLEST} × {SMALLEST}, found shape (31, 80)"),
        (MICROGRAPH[None], f"expected a grey image of at least {SMALLEST} × {SMALLEST}, found shape (1, 64, 80)"),
        (MICROGRAPH + np.nan, "expected finite values, found others"),
        (np.full((64, 64), 255.0), "expected an image with structures, found one grey value nearly everywhere"),
        (np.zeros((64, 64)), "expected an image with structures, found one grey value nearly everywhere"),
        (np.eye(64) * np.eye(64)[3], "expected an image with structures, found one grey value nearly everywhere"),
    ],
)
def test_micrographs_of_another_kind_are_refused(values, expected, tmp_path) -> None:
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(DataError, match=re.escape(f"{tmp_path / 'a.npy'}: {expected}")):
        read(tmp_path / "a.npy", SCALE)


def test_what_is_no_hdf5_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_text("<html>404</html>")
    with pytest.raises(DataError, match=r"a\.h5: expected an HDF5 file, found: "):
        read(tmp_path / "a.h5", SCALE)

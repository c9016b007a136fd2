"""Arrays in HDF5 files: read alike however they are stored, and refused where they are no arrays of numbers."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from reference.runtime.errors import DataError
from reference.runtime.hdf5 import Stored

VALUES = np.arange(24, dtype=np.float32).reshape(4, 3, 2)


def stored(path: Path, **options: Any) -> Stored:
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=VALUES, **options)
    return Stored(path, "images")


@pytest.mark.parametrize("options", [{}, {"chunks": (1, 3, 2)}, {"compression": "gzip"}, {"dtype": ">f8"}])
def test_an_array_reads_the_same_however_it_is_stored(options, tmp_path) -> None:
    found = stored(tmp_path / "a.h5", **options)
    assert (len(found), found.shape) == (4, (4, 3, 2))
    np.testing.assert_array_equal(found[2], VALUES[2])
    np.testing.assert_array_equal(found[1:3, :, 0], VALUES[1:3, :, 0])


def test_an_array_behind_a_link_to_another_file_is_read_from_that_file(tmp_path) -> None:
    """Its place is one in the other file; in this one, other bytes are there."""
    with h5py.File(tmp_path / "frames.h5", "w") as file:
        file["before"], file["frames"] = np.full(100, 7.0), VALUES
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"], file["more"] = h5py.ExternalLink("frames.h5", "/frames"), np.full(1000, 7.0)
    found = Stored(tmp_path / "a.h5", "images")
    found.will_need(1)
    np.testing.assert_array_equal(found[:], VALUES)


@pytest.mark.parametrize(("precision", "offset"), [(12, 0), (12, 4)])
def test_integers_with_bits_to_spare_are_read_as_the_library_reads_them(precision, offset, tmp_path) -> None:
    kind = h5py.h5t.NATIVE_UINT16.copy()
    kind.set_precision(precision)
    kind.set_offset(offset)
    counts = np.arange(24, dtype="u2").reshape(4, 3, 2) * 100
    with h5py.File(tmp_path / "a.h5", "w") as file:
        space = h5py.h5s.create_simple(counts.shape)
        h5py.h5d.create(file.id, b"images", kind, space).write(h5py.h5s.ALL, h5py.h5s.ALL, counts)
    np.testing.assert_array_equal(Stored(tmp_path / "a.h5", "images")[:], counts)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda file: file.create_dataset("frames", data=1), "expected the key images, found frames — this file has"),
        (lambda file: None, "expected the key images, found nothing — this file has another layout"),
        (lambda file: file.create_group("images"), "images: expected an array, found a group — this file has another"),
        (
            lambda file: file.__setitem__("images", np.dtype("f4")),
            "images: expected an array, found a datatype — this file has another",
        ),
        (lambda file: file.create_dataset("images", data=1.0), "images: expected an array, found a single value or"),
        (
            lambda file: file.create_dataset("images", data=h5py.Empty("f4")),
            "images: expected an array, found a single",
        ),
        (
            lambda file: file.create_dataset("images", data=np.array([b"x"])),
            "images: expected numbers, found dtype |S1",
        ),
        (lambda file: file.create_dataset("images", data=[1j]), "images: expected numbers, found dtype complex128"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(make, expected, tmp_path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        make(file)
    with pytest.raises(DataError, match=re.escape(f"{tmp_path / 'a.h5'}: {expected}")):
        Stored(tmp_path / "a.h5", "images")


def test_a_file_that_ends_early_is_refused(tmp_path) -> None:
    path = tmp_path / "a.h5"
    whole = stored(path, chunks=(4, 3, 2))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"a\.h5: images: expected readable data, found: .* — get the file again"):
        whole[0]
    with pytest.raises(DataError, match=r"a\.h5: expected an HDF5 file, found: .* — get the file again"):
        Stored(path, "images")


def test_a_key_that_is_a_link_to_nowhere_is_missing(tmp_path) -> None:
    stored(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["link"] = h5py.SoftLink("/nowhere")
    assert len(Stored(tmp_path / "a.h5", "images"))
    with pytest.raises(DataError, match="expected the key link, found images — this file has another layout"):
        Stored(tmp_path / "a.h5", "link")


def test_an_array_beyond_the_end_of_its_file_is_refused_at_the_start(tmp_path) -> None:
    path = tmp_path / "a.h5"
    stored(path)
    content = path.read_bytes()
    end = content.index(struct.pack("<Q", len(content)))  # what the file says of its own length
    short = len(content) - 8
    path.write_bytes(content[:end] + struct.pack("<Q", short) + content[end + 8 : short])
    with pytest.raises(DataError, match=r"a\.h5: expected an HDF5 file, found: .*open object"):
        Stored(path, "images")

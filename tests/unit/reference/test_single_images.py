"""Single images: the numbers of a file as they are, whatever holds them, and words for what holds none."""

from __future__ import annotations

import contextlib
import re
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from reference.runtime.errors import DataError
from reference.runtime.single_images import read_single

DEEP = (np.arange(40 * 30).reshape(40, 30) * 54).astype(np.uint16)
"""Values of 16 bits, most of them above 255."""

SHALLOW = (np.arange(40 * 30).reshape(40, 30) % 251).astype(np.uint8)


def write_tiff(path: Path, values: np.ndarray, order: str) -> None:
    """Write an uncompressed TIFF of 16 bits; programs of microscopes write both byte orders, Pillow one."""
    rows, columns = values.shape
    data = values.astype(f"{order}u2").tobytes()
    one = lambda number: struct.pack(f"{order}H2x", number)  # noqa: E731
    long = lambda number: struct.pack(f"{order}I", number)  # noqa: E731
    tags = [
        (256, 4, long(columns)), (257, 4, long(rows)), (258, 3, one(16)), (259, 3, one(1)), (262, 3, one(1)),
        (273, 4, long(8)), (277, 3, one(1)), (278, 4, long(rows)), (279, 4, long(len(data))),
    ]  # fmt: skip
    folder = struct.pack(f"{order}H", len(tags))
    folder += b"".join(struct.pack(f"{order}HHI", tag, kind, 1) + value for tag, kind, value in tags)
    head = (b"MM\0*" if order == ">" else b"II*\0") + long(8 + len(data))
    path.write_bytes(head + data + folder + long(0))


@pytest.mark.parametrize("order", ["<", ">"])
def test_sixteen_bits_in_either_byte_order_are_not_clipped(order, tmp_path) -> None:
    write_tiff(tmp_path / "a.tif", DEEP, order)
    np.testing.assert_array_equal(read_single(tmp_path / "a.tif"), DEEP)


@pytest.mark.parametrize(
    ("name", "picture", "expected"),
    [
        ("deep.png", Image.fromarray(DEEP), DEEP),
        ("shallow.png", Image.fromarray(SHALLOW), SHALLOW),
        ("colour.png", Image.fromarray(np.repeat(SHALLOW[..., None], 3, -1)), SHALLOW),
        ("opaque.png", Image.fromarray(SHALLOW).convert("LA"), SHALLOW),
        ("float.tif", Image.fromarray(DEEP.astype(np.float32) / 7), (DEEP.astype(np.float32) / 7)),
        ("whole.tif", Image.fromarray(DEEP.astype(np.int32) * 1000), DEEP.astype(np.int32) * 1000),
        ("binary.png", Image.fromarray(SHALLOW > 99), (SHALLOW > 99) * 255),
    ],
)
def test_pictures_are_read_as_grey_values(name, picture, expected, tmp_path) -> None:
    picture.save(tmp_path / name)
    found = read_single(tmp_path / name)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, expected)


def test_a_palette_is_looked_up(tmp_path) -> None:
    picture = Image.fromarray(SHALLOW).convert("P")
    picture.putpalette([255 - grey for grey in range(256) for _ in range(3)])
    picture.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_single(tmp_path / "a.png"), 255.0 - SHALLOW)


@pytest.mark.parametrize("values", [DEEP, SHALLOW > 99, DEEP.astype(">f4"), DEEP[..., None].astype(np.int64)])
def test_arrays_are_read_as_they_are(values, tmp_path) -> None:
    np.save(tmp_path / "a.npy", values)
    np.testing.assert_array_equal(read_single(tmp_path / "a.npy"), values)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (np.ones((2, 2), complex), "expected a NumPy array of real numbers, found dtype complex128"),
        (np.array(["a"]), "expected a NumPy array of real numbers, found dtype <U1"),
        (np.array([None]), "expected a NumPy array, found: Object arrays cannot be loaded when allow_pickle=False"),
        (b"\x93NUMPY", "expected a NumPy array, found: "),
        (b"", "expected a NumPy array, found: "),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(content, expected, tmp_path) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(content) if isinstance(content, bytes) else np.save(path, content)
    with pytest.raises(DataError, match=re.escape(f"{path}: {expected}")):
        read_single(path)


def test_an_archive_under_the_name_of_an_array_is_refused(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", DEEP)
    path = (tmp_path / "a.npz").rename(tmp_path / "a.npy")
    with pytest.raises(DataError, match=r"a\.npy: expected a NumPy array of real numbers, found an archive of arrays"):
        read_single(path)


@pytest.mark.parametrize("name", ["a.tif", "a.gif", "a.png"])
def test_a_stack_of_which_one_frame_alone_would_be_read_is_refused(name, tmp_path) -> None:
    frames = [Image.fromarray(SHALLOW + np.uint8(more)) for more in (0, 1, 2)]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    message = rf"{name}: expected one picture, found 3 frames — save each by itself, or all as `images` of an \.h5 file"
    with pytest.raises(DataError, match=message):
        read_single(tmp_path / name)


@pytest.mark.parametrize("name", ["absent.png", "folder", "text.png"])
def test_what_is_no_picture_is_refused(name, tmp_path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(DataError, match=rf"{name}: expected a picture, an \.npy or an \.h5 file, found: "):
        read_single(tmp_path / name)


@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bits=st.integers(1, 255), cut=st.booleans())
@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg"])
def test_a_damaged_picture_is_read_or_refused(name, tmp_path_factory, place, bits, cut) -> None:
    path = tmp_path_factory.getbasetemp() / f"damaged-{name}"
    Image.fromarray(SHALLOW).save(path)
    content = bytearray(path.read_bytes())
    at = int(place * len(content))
    content[at] ^= bits
    path.write_bytes(content[:at] if cut else content)
    with warnings.catch_warnings(), contextlib.suppress(DataError):
        warnings.simplefilter("ignore")  # Pillow's own about what is damaged
        assert read_single(path).ndim == 2

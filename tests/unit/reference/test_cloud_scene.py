"""Reading scenes of either generation of converters: values, labels, what counts, and what is refused."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from reference.runtime.errors import DataError
from reference.slstr_cloud.labels import Encoding, decode, encoding_of
from reference.slstr_cloud.scene import Scene


@pytest.mark.parametrize("chunks", [None, True])
@pytest.mark.parametrize(("bts", "refs"), [("f4", "f8"), ("f8", "f8"), ("f4", "f4")])
def test_values_are_normalised_whatever_the_storage(write_scene, chunks, bts, refs) -> None:
    rng = np.random.default_rng(1)
    kelvins, reflectances = rng.uniform(200, 310, (260, 300, 3)), rng.uniform(0, 1, (260, 300, 6))
    path = write_scene(chunks=chunks, bts=kelvins.astype(bts), refs=reflectances.astype(refs))
    images = Scene(path, channels="all").images(3, 40)
    assert images.dtype == np.float32
    expected = np.concatenate([reflectances - 0.5, (kelvins - 270) / 22], axis=-1)[3:259, 40:296]
    np.testing.assert_allclose(images, expected, atol=2e-6)
    np.testing.assert_array_equal(Scene(path, channels="thermal").images(3, 40), images[..., 6:])


def test_what_the_instrument_did_not_see_does_not_count(write_scene) -> None:
    bts = np.full((260, 300, 3), 280.0, "f4")
    bts[10, 10, 1], bts[11, 11, 0] = np.nan, 0.0
    refs = np.full((260, 300, 6), 0.25)
    refs[12, 12, 3] = np.nan
    valid = np.ones((260, 300, 1), "u1")
    valid[13, 13] = 0
    scene = Scene(write_scene(bts=bts, refs=refs, valid=valid), channels="all")
    counts = scene.valid("bayes", 0, 0)
    assert sorted(zip(*np.nonzero(~counts), strict=True)) == [(10, 10), (11, 11), (13, 13)]
    images = scene.images(0, 0)
    assert np.isfinite(images).all()
    assert images[10, 10, 7] == images[11, 11, 6] == images[12, 12, 3] == 0.0


CLOUD = np.random.default_rng(2).random((260, 300, 1)) > 0.5


@pytest.mark.parametrize(
    "plane",
    [
        CLOUD.astype("u1"), CLOUD.astype("i8"), CLOUD.astype("f8"), CLOUD.astype("u1") * 2,
        CLOUD.astype("u1") * 10, CLOUD.astype("u1") * 255, CLOUD.astype("f8") * 255, CLOUD.astype("f4") * 200 + 20,
    ],
    ids=["0/1 u1", "0/1 i8", "0/1 f8", "one bit", "two bits", "0/255 u1", "0/255 f8", "soft 0..255"],
)  # fmt: skip
def test_labels_of_every_encoding(write_scene, plane) -> None:
    scene = Scene(write_scene(bayes=plane), channels="all")
    np.testing.assert_array_equal(scene.label("bayes", 2, 5), CLOUD[2:258, 5:261, 0])
    assert scene.valid("bayes", 2, 5).all()


def test_a_byte_with_a_spare_bit_is_no_label() -> None:
    plane = np.array([[0, 2, 255, 16]], "u1")
    assert encoding_of(plane, "bayes") is Encoding.FLAGS
    cloud, valid = decode(plane, Encoding.FLAGS)
    assert cloud.tolist() == [[False, True, False, False]]
    assert valid.tolist() == [[True, True, False, False]]


@pytest.mark.parametrize("missing", [np.nan, np.inf, -999.0, 1e20])
@pytest.mark.parametrize("largest", [1, 255])
def test_pixels_without_a_label_do_not_change_how_the_others_are_read(write_scene, largest, missing) -> None:
    plane = CLOUD.astype("f8") * largest
    plane[40:60] = missing
    scene = Scene(write_scene(bayes=plane), channels="all")
    valid = scene.valid("bayes", 0, 0, 260, 300)
    assert not valid[40:60].any()
    assert valid[:40].all()
    assert valid[60:].all()
    np.testing.assert_array_equal(scene.label("bayes", 0, 0, 260, 300)[valid], CLOUD[..., 0][valid])


def test_a_plane_of_nothing_but_missing_labels_is_refused(write_scene) -> None:
    scene = Scene(write_scene(bayes=np.full((260, 300, 1), np.nan)), channels="all")
    with pytest.raises(DataError, match=r"bayes: expected labels, found nan to nan — none of them is one"):
        scene.label("bayes", 0, 0)


@pytest.mark.parametrize(("key", "channels"), [("bts", "thermal"), ("refs", "all")])
def test_packed_integers_are_not_taken_for_their_unit(write_scene, key, channels) -> None:
    packed = np.full((260, 300, 3 if key == "bts" else 6), 1200, "i2")
    with pytest.raises(DataError, match=rf"{key}: expected \w+ in floating point, found dtype int16 — packed integers"):
        Scene(write_scene(**{key: packed}), channels=channels)


def test_planes_behind_links_to_another_file_are_read_from_it(write_scene) -> None:
    path = write_scene()
    expected = Scene(path, channels="all").images(0, 0)
    with h5py.File(path.with_name("planes.h5"), "w") as planes, h5py.File(path, "r+") as file:
        planes["before"] = np.ones(5000)
        for key in ("bts", "refs"):
            planes[key] = file[key][...]
            del file[key]
            file[key] = h5py.ExternalLink("planes.h5", key)
    np.testing.assert_array_equal(Scene(path, channels="all").images(0, 0), expected)


@pytest.mark.parametrize("dtype", ["u1", "f8"])
def test_a_plane_that_was_never_filled_is_refused(write_scene, dtype) -> None:
    scene = Scene(write_scene(bayes=np.full((260, 300, 1), 255, dtype)), channels="all")
    with pytest.raises(DataError, match=r"S3A_scene\.hdf: bayes: expected labels, found 255 in every pixel"):
        scene.label("bayes", 0, 0)
    assert scene.label("summary", 0, 0).any()


def test_a_scene_without_reflectances_needs_a_thermal_model(write_scene) -> None:
    path = write_scene(refs=None)
    with pytest.raises(DataError, match=r"refs: expected six reflectances.*--channels thermal"):
        Scene(path, channels="all")
    assert Scene(path, channels="thermal").images(0, 0).shape == (256, 256, 3)


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"bts": None}, "expected the key bts, found bayes, refs, summary"),
        ({"bts": np.zeros((260, 300, 2), "f4")}, r"bts: expected shape \(260, 300, 3\), found \(260, 300, 2\)"),
        ({"refs": np.zeros((130, 150, 6))}, r"refs: expected shape \(260, 300, 6\), found \(130, 150, 6\)"),
        ({"refs": np.zeros((260, 300, 6), "i2")}, "refs: expected dtype f4 or f8, found int16"),
    ],
)
def test_a_file_that_differs_from_the_layout_is_refused(write_scene, replaced, message) -> None:
    layout = {"keys": {"refs": {"dtype": "f8", "accept": {"dtypes": ["f4", "f8"]}}}}
    with pytest.raises(DataError, match=message):
        Scene(write_scene(**replaced), channels="all", layout=layout)


LINKS = {"in the file": h5py.SoftLink("/nowhere"), "to another": h5py.ExternalLink("nowhere.h5", "/bts")}


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_a_link_that_leads_nowhere_is_a_fault_only_where_it_is_read(write_scene, link) -> None:
    path = write_scene()
    with h5py.File(path, "r+") as file:
        file["rads"], file["other"] = link, link
        del file["summary"]
        file["summary"] = link
    scene = Scene(path, channels="all")
    assert scene.planes() == ["bayes"]
    scene.require_labels("bayes")
    assert scene.images(0, 0).shape == (256, 256, 9)
    with pytest.raises(DataError, match="summary: expected this label plane, found bayes"):
        scene.require_labels("summary")
    for key, message in (("valid", "valid: expected an array, found none that can be opened"), ("bts", "the key bts")):
        with h5py.File(path, "r+") as file:
            file.pop(key, None)
            file[key] = link
        with pytest.raises(DataError, match=message):
            Scene(path, channels="all")
        with h5py.File(path, "r+") as file:
            del file[key]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_truncated_file_is_refused(write_scene, share) -> None:
    path = write_scene()
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=r"S3A_scene\.hdf: expected"):
        Scene(path, channels="all").images(0, 0)

"""Faults that products have, each named by its file and place, and products that are unusual and no fault."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from products import COLUMNS, NAME, ROWS, START, make_product, zenith_deg

from datasets.common.failures import DataError
from datasets.common.making import MARK
from datasets.slstr_cloud import sen3
from datasets.slstr_cloud.archive import open_product, stream
from datasets.slstr_cloud.convert_sen3 import convert

OTHER = NAME.replace("_075_", "_076_")
Spoil = Callable[[h5py.File], None]


def corrupt(file: h5py.File) -> None:
    """Change bytes in the middle of a compressed block; the file's structure stays whole."""
    block = file["S8_BT_in"].id.get_chunk_info(0)
    path = file.filename
    file.close()
    with open(path, "r+b") as raw:
        raw.seek(block.byte_offset + block.size // 2)
        raw.write(b"\xa5" * 64)


def put(name: str, change: Callable[[np.ndarray], object]) -> Spoil:
    """Return what stores a changed variable under the name of another, with its attributes."""

    def spoil(file: h5py.File) -> None:
        attributes, values = dict(file[name].attrs), file[name][...]
        del file[name]
        file[name] = change(values)
        file[name].attrs.update(attributes)

    return spoil


def group(name: str) -> Spoil:
    """Return what puts a group in the place of a variable."""

    def spoil(file: h5py.File) -> None:
        del file[name]
        file.create_group(name)

    return spoil


def claim(file: h5py.File) -> None:
    """Claim an image of a million by a million pixels, of which none is stored."""
    del file["S8_BT_in"]
    variable = file.create_dataset("S8_BT_in", (1_000_000, 1_000_000), "i2", chunks=(1000, 1000))
    variable.attrs.update({"scale_factor": [0.01], "add_offset": [283.73], "_FillValue": np.array([-32768], "i2")})


FAULTS: dict[str, tuple[str, Spoil, str]] = {
    "corrupted block": ("S8_BT_in.nc", corrupt, "/S8_BT_in.nc: expected a readable netCDF-4 file, found: "),
    "dtype": (
        "S8_BT_in.nc",
        put("S8_BT_in", np.float64),
        "/S8_BT_in.nc: S8_BT_in: expected int16 with two axes, found",
    ),
    "axes": ("S8_BT_in.nc", put("S8_BT_in", np.ravel), "found int16 of shape (3840,)"),
    "two rows short": (
        "S8_BT_in.nc",
        put("S8_BT_in", lambda v: v[:-2]),
        "expected one shape, found {'S7': (40, 96), 'S8'",
    ),
    "flags two rows short": (
        "flags_in.nc",
        put("bayes_in", lambda v: v[:-2]),
        "expected flags of shape (40, 96), found (38",
    ),
    "radiances two rows short": (
        "S5_radiance_an.nc",
        put("S5_radiance_an", lambda v: v[:-4]),
        "S5: expected (40, 96) pixels of 1 km, found (38, 96)",
    ),
    "group": ("flags_in.nc", group("bayes_in"), "/flags_in.nc: bayes_in: expected a variable, found a group"),
    "no variable": (
        "flags_in.nc",
        lambda f: f.__delitem__("bayes_in"),
        "/flags_in.nc: bayes_in: expected this variable, found",
    ),
    "claimed size": (
        "S8_BT_in.nc",
        claim,
        "/S8_BT_in.nc: S8_BT_in: expected at most 512 MiB, found shape (1000000, 10",
    ),
    "no scale": (
        "S2_radiance_an.nc",
        lambda f: f["S2_radiance_an"].attrs.__delitem__("add_offset"),
        "/S2_radiance_an.nc: S2_radiance_an: expected the attributes scale_factor, add_offset",
    ),
    "no grid": (
        "S2_radiance_an.nc",
        lambda f: f.attrs.__delitem__("track_offset"),
        "/S2_radiance_an.nc: expected a variable",
    ),
    "resolution": (
        "geometry_tn.nc",
        lambda f: f.attrs.__setitem__("resolution", np.bytes_("[ ]")),
        "/geometry_tn.nc: resolution: expected two lengths like",
    ),
    "offset in words": (
        "geometry_tn.nc",
        lambda f: f.attrs.__setitem__("track_offset", "none"),
        "/geometry_tn.nc: expected the variables of a level-1 product, found: could not convert",
    ),
    "irradiance in words": (
        "S4_quality_an.nc",
        put("S4_solar_irradiance_an", lambda v: [b"unknown"]),
        "/S4_quality_an.nc: expected the variables of a level-1 product, found: could not convert",
    ),
    "irradiance as group": (
        "S4_quality_an.nc",
        group("S4_solar_irradiance_an"),
        "/S4_quality_an.nc: expected the variables of a level-1 product, found: ",
    ),
    "irradiance of 0": (
        "S4_quality_an.nc",
        put("S4_solar_irradiance_an", np.zeros_like),
        "solar irradiance of S4 above 0",
    ),
    "no sun": (
        "geometry_tn.nc",
        put("solar_zenith_tn", lambda v: v * np.nan),
        "solar_zenith_tn: expected a tie grid of numb",
    ),
    "sun of another place on the orbit": (
        "geometry_tn.nc",
        lambda f: f.attrs.__setitem__("start_offset", np.array([0], "i4")),
        "solar_zenith_tn: expected tie points all over the image, found 40 rows of them, of which it is at 20436.8 to",
    ),
    "sun of another grid": (
        "geometry_tn.nc",
        lambda f: f.attrs.__setitem__("track_offset", np.array([-20], "i4")),
        "expected tie points all over the image, found 14 columns of them, of which it is at -23.7",
    ),
    "sun of a part": (
        "geometry_tn.nc",
        put("solar_zenith_tn", lambda v: v[:10]),
        "expected tie points all over the image, found 10 rows of them, of which it is at -0.25 to 38.75",
    ),
    "radiances of fill": (
        "S6_radiance_an.nc",
        put("S6_radiance_an", lambda v: np.full_like(v, -32768)),
        "S6: expected radiances by day",
    ),
    "temperatures of fill": (
        "S7_BT_in.nc",
        put("S7_BT_in", lambda v: np.full_like(v, -32768)),
        "found none that is filled and has a label (S7: fill only) — use another scene",
    ),
    "unfilled labels": (
        "flags_in.nc",
        put("bayes_in", lambda v: np.full_like(v, 255)),
        "found 255 in every pixel — the plane was never",
    ),
}


@pytest.fixture
def product(tmp_path: Path) -> Path:
    """Return a sound product to spoil."""
    make_product(tmp_path / NAME)
    return tmp_path / NAME


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_by_its_path_and_leaves_nothing_behind(
    call, product: Path, tmp_path: Path, fault: str
) -> None:
    name, spoil, message = FAULTS[fault]
    with h5py.File(product / name, "r+") as file:
        spoil(file)
    done = call("slstr_cloud.convert", product, "--out", tmp_path / "out")
    assert done.code == 3
    (line,) = done.error.strip().splitlines()
    assert line.startswith(str(product))
    assert message in line
    assert " — " in line or "are missing" in line
    assert not list((tmp_path / "out").rglob("*"))


def attributes(**stated: object) -> Spoil:
    """Return what states attributes of S8 and puts numbers into its 20 pixels that they speak of, where they do."""

    def spoil(file: h5py.File) -> None:
        variable = file["S8_BT_in"]
        variable.attrs.update(stated)
        if {"missing_value", "valid_min", "valid_max", "valid_range"} & set(stated):
            variable[3:5, 10:20] = 12000 if "valid_max" in stated else -12000

    return spoil


def unsigned(file: h5py.File) -> None:
    """Store the integers as unsigned ones in a type that is signed, as netCDF-3 has to."""
    put("S8_BT_in", lambda v: (v.astype("i4") + 32768).astype("u2").view("i2"))(file)
    fill, offset = np.array([0], "i2"), np.array([283.73 - 327.68])
    file["S8_BT_in"].attrs.update({"_Unsigned": np.bytes_("true"), "_FillValue": fill, "add_offset": offset})


ENCODINGS: dict[str, tuple[Spoil, int]] = {
    "other order of bytes": (put("S8_BT_in", lambda v: v.astype(">i2")), 0),
    "another fill value": (
        lambda f: (put("S8_BT_in", lambda v: np.where(v == -32768, 7, v))(f), attributes(_FillValue=np.int16(7))(f)),
        0,
    ),
    "numbers, not arrays of one": (attributes(scale_factor=0.01, add_offset=283.73, _FillValue=np.int16(-32768)), 0),
    "scale in float32": (attributes(scale_factor=np.array([0.01], "f4"), add_offset=np.array([283.73], "f4")), 0),
    "unsigned in signed": (unsigned, 0),
    "missing_value": (attributes(missing_value=np.array([-12000], "i2")), 20),
    "valid_min": (attributes(valid_min=np.array([-11000], "i2")), 20),
    "valid_max": (attributes(valid_max=np.array([11000], "i2")), 20),
    "valid_range": (attributes(valid_range=np.array([-11000, 11000], "i2")), 20),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_of_netcdf_gives_the_same_temperatures(product: Path, encoding: str) -> None:
    usual = convert(product)
    spoil, missing = ENCODINGS[encoding]
    with h5py.File(product / "S8_BT_in.nc", "r+") as file:
        spoil(file)
    expected = usual.bts.copy()
    if missing:
        expected[3:5, 10:20, 1] = np.nan
    found = convert(product)
    np.testing.assert_allclose(found.bts, expected, atol=1e-4)
    assert usual.valid.sum() - found.valid.sum() == missing


@pytest.mark.parametrize("number", [9.969209968386869e36, -999.0])
def test_a_sun_that_was_never_written_is_not_interpolated_from(product: Path, number: float) -> None:
    found = []
    for left in (np.nan, number):  # a sound product has NaN there
        with h5py.File(product / "geometry_tn.nc", "r+") as file:
            file["solar_zenith_tn"][:, :3] = left
        found.append(convert(product).refs)
    np.testing.assert_array_equal(*found)


def test_tie_points_may_lie_otherwise(product: Path) -> None:
    """The sun is a plane, so that tie points of 8 by 2 km tell the same of it."""
    sound = convert(product).refs
    rows, columns = np.meshgrid(np.arange(ROWS / 2), np.arange(20), indexing="ij")
    with h5py.File(product / "geometry_tn.nc", "r+") as file:
        del file["solar_zenith_tn"]
        file["solar_zenith_tn"] = zenith_deg(rows * 2, (columns - 9) * 8.0)
        file.attrs["resolution"] = np.bytes_("[ 8000 2000 ]")
        file.attrs["track_offset"], file.attrs["start_offset"] = np.array([9], "i4"), np.array([START / 2])
    np.testing.assert_allclose(convert(product).refs, sound, rtol=1e-12)


def test_two_rows_less_are_no_fault(call, tmp_path: Path) -> None:
    truth = make_product(tmp_path / NAME, rows=1198, columns=256)
    assert call("slstr_cloud.convert", tmp_path / NAME, "--out", tmp_path / "out").code == 0
    (path,) = (tmp_path / "out").rglob("*.hdf")
    with h5py.File(path) as file:
        assert {file[name].shape[:2] for name in file} == {(1198, 256)}
        np.testing.assert_allclose(file["bts"][...], truth.bts, atol=0.0051)
        np.testing.assert_allclose(file["refs"][-2:, 4:150], truth.refs[-2:, 4:150], atol=1e-4)
    assert call("slstr_cloud.verify", tmp_path / "out").code == 0


def test_a_night_without_radiances_reflects_nothing(call, tmp_path: Path) -> None:
    make_product(tmp_path / NAME, radiances=False)
    with h5py.File(tmp_path / NAME / "flags_in.nc", "r+") as file:
        file["confidence_in"][...] &= np.uint16(0xFFFF ^ sen3.DAY)
    assert call("slstr_cloud.convert", tmp_path / NAME, "--out", tmp_path / "out").code == 0
    with h5py.File(tmp_path / "out" / "night" / NAME.replace(".SEN3", ".hdf")) as file:
        assert not file["refs"][...].any()
        assert "rads" not in file
        assert file.attrs["illumination"] == "night"
        assert "reflectances" not in file.attrs


@pytest.mark.parametrize("dark_rows", [12, 28])
@pytest.mark.parametrize("radiances", [True, False])
def test_over_the_terminator_what_is_missing_is_0_in_the_dark_and_fill_in_the_sun(
    product: Path, dark_rows: int, radiances: bool
) -> None:
    """The processor leaves the radiances of the dark rows out; two pixels of the sunlit ones are missing, too."""
    sound = convert(product).refs
    dark = np.arange(ROWS)[:, None, None] < dark_rows
    with h5py.File(product / "flags_in.nc", "r+") as file:
        file["confidence_in"][:dark_rows] &= np.uint16(0xFFFF ^ sen3.DAY)
    for band in sen3.SOLAR:
        path = product / f"{band}_radiance_an.nc"
        with h5py.File(path, "r+") as file:
            file[f"{band}_radiance_an"][: 2 * dark_rows] = -32768
            file[f"{band}_radiance_an"][-2:, 20:24] = -32768
        if not radiances:
            path.unlink()
    scene = convert(product)
    night = dark_rows > ROWS / 2
    assert scene.attributes["illumination"] == ("night" if night else "day")
    if not radiances and not night:
        assert scene.refs is None
        return
    expected = np.where(dark, 0.0, sound if radiances else np.full_like(sound, np.nan))
    expected[-1, 10:12] = np.nan
    expected[:, :4] = 0.0 if night else np.nan  # outside the swath
    np.testing.assert_array_equal(scene.refs, expected)


def test_each_pixel_is_divided_by_the_irradiance_of_its_own_detector(product: Path) -> None:
    irradiance = np.array([300.0, 350.0, 400.0, 450.0])
    detector = np.arange(ROWS * 2)[:, None] % 4 + np.zeros((1, COLUMNS * 2), int)
    with h5py.File(product / "S4_quality_an.nc", "r+") as file:
        file["S4_solar_irradiance_an"][...] = irradiance
    with h5py.File(product / "indices_an.nc", "w") as file:
        file["detector_an"] = detector.astype("u1")
    with h5py.File(product / "S4_radiance_an.nc") as file:
        fine = sen3.unpack(file["S4_radiance_an"])
    mu0 = sen3.read_solar_cosine(product, sen3.read_radiance(product, "S4")[2], (ROWS, COLUMNS))
    refs = convert(product).refs
    for row, column in [(0, 4), (7, 50), (39, 95)]:
        block = [(2 * row + i, 2 * column + j) for i in (0, 1) for j in (0, 1)]
        expected = np.mean([np.pi * fine[at] / irradiance[detector[at]] for at in block]) / mu0[row, column]
        assert refs[row, column, 3] == pytest.approx(expected, rel=1e-12)
    with h5py.File(product / "indices_an.nc", "r+") as file:
        put("detector_an", lambda v: v[:-4])(file)
    with pytest.raises(DataError, match=r"detector_an: expected shape \(80, 192\), found \(76, 192\)"):
        convert(product)


def test_where_the_sun_is_unknown_no_reflectance_is_made_up(product: Path) -> None:
    sound = convert(product).refs
    with h5py.File(product / "geometry_tn.nc", "r+") as file:
        file["solar_zenith_tn"][20:30] = np.nan
    found = convert(product).refs
    assert np.isnan(found[21:29]).all()
    np.testing.assert_array_equal(found[:19], sound[:19])
    np.testing.assert_array_equal(found[31:], sound[31:])


def test_any_number_of_jobs_gives_the_same_bytes_in_the_folders_of_the_split(
    call, product: Path, tmp_path: Path
) -> None:
    make_product(tmp_path / OTHER, seed=1)
    for jobs in (1, 2):
        out = tmp_path / str(jobs)
        arguments = ["slstr_cloud.convert", product, tmp_path / OTHER, "--out", out, "--split", "training"]
        assert call(*arguments, "--jobs", str(jobs)).code == 0
    one, two = (
        {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in root.rglob("*.*")}
        for root in (tmp_path / "1", tmp_path / "2")
    )
    names = sorted(f"training/day/{name.replace('.SEN3', '.hdf')}" for name in (NAME, OTHER))
    assert sorted(one) == ["manifest.json", *names]
    assert one == two
    manifest = json.loads((tmp_path / "1" / "manifest.json").read_text())
    assert manifest["splits"] == {"train": names, "test": []}


def test_a_later_conversion_fills_the_other_split(call, product: Path, tmp_path: Path) -> None:
    make_product(tmp_path / OTHER, seed=1)
    for name, split in ((NAME, "training"), (OTHER, "inference")):
        assert call("slstr_cloud.convert", tmp_path / name, "--out", tmp_path / "out", "--split", split).code == 0
    splits = json.loads((tmp_path / "out" / "manifest.json").read_text())["splits"]
    assert splits == {
        "train": [f"training/day/{NAME.replace('.SEN3', '.hdf')}"],
        "test": [f"inference/day/{OTHER.replace('.SEN3', '.hdf')}"],
    }


def test_a_product_that_memory_is_too_small_for_stops_no_other(
    call, product: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_product(tmp_path / OTHER, rows=400, columns=600)
    read = sen3.read_temperatures

    def within_limits(folder: Path) -> object:
        bts, cosmetic = read(folder)
        if bts.shape[0] > ROWS:
            raise MemoryError("Unable to allocate 13.0 GiB")
        return bts, cosmetic

    monkeypatch.setattr(sen3, "read_temperatures", within_limits)
    done = call("slstr_cloud.convert", tmp_path / OTHER, product, "--out", tmp_path / "out")
    assert done.code == 3
    (line,) = done.error.strip().splitlines()
    assert line.startswith(f"{tmp_path / OTHER}: expected memory for the scene, found too little: Unable to allocate")
    assert [path.name for path in (tmp_path / "out").rglob("*.hdf")] == [NAME.replace(".SEN3", ".hdf")]


FOREIGN = {
    "of a simulated set": {"simulated": True, "dataset": "slstr_cloud", "dataset_id": "slstr_cloud-sim-small-v1"},
    "of another data set": {"simulated": False, "dataset": "em_denoise", "dataset_id": "em_graphene_sim"},
    "of another program": {"name": "a web page"},
}


@pytest.mark.parametrize("words", [(), ("--dataset-id", "mine")], ids=["", "named"])
@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_manifest_that_is_not_of_such_a_set_is_kept(
    call, product: Path, tmp_path: Path, foreign: str, words: tuple[str, ...]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    manifest = json.dumps(FOREIGN[foreign])
    (out / "manifest.json").write_text(manifest)
    done = call("slstr_cloud.convert", product, "--out", out, *words)
    assert done.code == 2
    (line,) = done.error.strip().splitlines()
    assert line.startswith(f"{out / 'manifest.json'}: expected that of a set of scenes, found one of ")
    assert line.endswith(" — name another folder by --out")
    assert (out / "manifest.json").read_text() == manifest
    assert [path.name for path in out.iterdir()] == ["manifest.json"]


def test_an_unfinished_simulation_is_left_alone(call, product: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / MARK).write_text("")
    done = call("slstr_cloud.convert", product, "--out", tmp_path / "out")
    assert done.code == 2
    assert "expected a set of converted scenes, found one that simulate has begun" in done.error


def test_a_file_for_a_folder_is_refused(call, product: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    done = call("slstr_cloud.convert", product, "--out", tmp_path / "out")
    assert done.code == 2
    assert f"{tmp_path / 'out'}: expected a folder for the scenes, found a file" in done.error
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize(
    ("first", "then", "message"),
    [
        ([], ["--split", "training"], "expected scenes in the folder of a split, found day/"),
        (["--split", "training"], [], "expected scenes in no folder of a split, found training/day/"),
    ],
)
def test_no_scene_is_left_out_of_the_splits(
    call, product: Path, tmp_path: Path, first: list[str], then: list[str], message: str
) -> None:
    make_product(tmp_path / OTHER, seed=1)
    out = tmp_path / "out"
    assert call("slstr_cloud.convert", product, "--out", out, *first).code == 0
    manifest = (out / "manifest.json").read_bytes()
    done = call("slstr_cloud.convert", tmp_path / OTHER, "--out", out, *then)
    assert done.code == 2
    assert message in done.error
    assert (out / "manifest.json").read_bytes() == manifest
    assert len(list(out.rglob("*.hdf"))) == 1


@pytest.mark.parametrize("scenes", [1, 2, 3, 5])
def test_a_set_without_folders_of_splits_has_one_to_test_on_or_says_that_it_has_none(
    call, product: Path, tmp_path: Path, scenes: int
) -> None:
    products = [NAME.replace("_075_", f"_{number:03d}_") for number in range(scenes)]
    for name in products:
        shutil.copytree(product, tmp_path / "products" / name)
    done = call("slstr_cloud.convert", *sorted((tmp_path / "products").iterdir()), "--out", tmp_path / "out")
    assert done.code == 0
    splits = json.loads((tmp_path / "out" / "manifest.json").read_text())["splits"]
    assert [len(splits[split]) for split in ("train", "test")] == {1: [1, 0], 2: [1, 1], 3: [2, 1], 5: [4, 1]}[scenes]
    assert ("no scene in the split test" in done.out) == (scenes == 1)


def test_a_set_keeps_its_name_when_scenes_are_added(call, product: Path, tmp_path: Path) -> None:
    make_product(tmp_path / OTHER, seed=1)
    out = tmp_path / "out"
    assert call("slstr_cloud.convert", product, "--out", out, "--dataset-id", "mine").code == 0
    assert call("slstr_cloud.convert", tmp_path / OTHER, "--out", out).code == 0
    assert json.loads((out / "manifest.json").read_text())["dataset_id"] == "mine"


def bomb(path: Path, unpacked: int, stated: int) -> None:
    """Write a zip whose one member unpacks to more bytes than the zip states, in both places where it states them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("P.SEN3/flags_in.nc", bytes(unpacked))
    content = path.read_bytes()
    assert content.count(struct.pack("<I", unpacked)) == 2
    path.write_bytes(content.replace(struct.pack("<I", unpacked), struct.pack("<I", stated)))


def test_a_member_that_unpacks_to_more_than_it_states_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    bomb(path, unpacked=100 << 20, stated=1000)
    assert path.stat().st_size < 1 << 17
    tracemalloc.start()
    with pytest.raises(DataError, match=r"bomb\.zip: .*Bad CRC-32"), open_product(path) as found:
        stream(found / "flags_in.nc")
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()

"""Many products at once, and the faults that products and zips have."""

from __future__ import annotations

import re
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from products import NAME, make_product

from datasets.common.failures import DataError
from datasets.slstr_cloud import archive
from datasets.slstr_cloud.archive import open_product
from datasets.slstr_cloud.convert_sen3 import convert


def zipped(product: Path) -> Path:
    """Return a zip of a product beside it."""
    return Path(shutil.make_archive(str(product), "zip", product.parent, product.name))


def test_a_zip_gives_what_its_folder_gives_and_a_bad_product_stops_no_other(call, tmp_path: Path) -> None:
    make_product(tmp_path / "a" / NAME)
    make_product(tmp_path / "b" / NAME)
    bad = tmp_path / NAME.replace("_075_", "_076_")
    make_product(bad)
    (bad / "S8_BT_in.nc").unlink()
    assert call("slstr_cloud.convert", tmp_path / "a" / NAME, "--out", tmp_path / "x").code == 0
    done = call(
        "slstr_cloud.convert", bad, zipped(tmp_path / "b" / NAME), tmp_path / "a" / NAME, "--out", tmp_path / "y"
    )
    assert done.code == 3
    assert "S8_BT_in.nc: expected this file of the product" in done.error
    assert "expected names once" in done.error
    name = f"day/{NAME.removesuffix('.SEN3')}.hdf"
    with h5py.File(tmp_path / "x" / name) as one, h5py.File(tmp_path / "y" / name) as other:
        for key in one:
            np.testing.assert_array_equal(one[key][...], other[key][...])
    assert (tmp_path / "y" / "manifest.json").is_file()


def test_products_of_both_satellites_are_taken_and_other_names_refused(call, tmp_path: Path) -> None:
    make_product(tmp_path / NAME.replace("S3A", "S3B"))
    other = tmp_path / NAME.replace("S3A", "S3C")
    done = call("slstr_cloud.convert", tmp_path / NAME.replace("S3A", "S3B"), other, "--out", tmp_path / "x")
    assert done.code == 3
    assert f"{other}: expected a name that begins with S3A_SL_1_RBT or S3B_SL_1_RBT, found another" in done.error
    assert (tmp_path / "x" / "day" / f"{NAME.replace('S3A', 'S3B').removesuffix('.SEN3')}.hdf").is_file()


def packed(path: Path, members: dict[str, Path | bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """Return a zip of files, and of bytes, by their names in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, held in members.items():
            file.writestr(name, held if isinstance(held, bytes) else held.read_bytes())
    return path


def linked(link: Path, to: Path) -> Path:
    """Return a link in a folder of its own."""
    link.parent.mkdir()
    link.symlink_to(to)
    return link


FORMS: dict[str, Callable[[Path, Path], Path]] = {
    "link of that name to a numbered folder": lambda p, at: linked(at / "l" / NAME, p.rename(at / "4711")),
    "link to the product": lambda p, at: linked(at / "l" / "scene 1", p),
    "folder without .SEN3": lambda p, at: p.rename(at / NAME.removesuffix(".SEN3")),
    "copy that a browser named": lambda p, at: zipped(p).rename(at / f"{NAME} (1).zip"),
    "ending in capitals": lambda p, at: zipped(p).rename(at / f"{NAME}.ZIP"),
    "packed from inside the folder": lambda p, at: packed(at / f"{NAME}.zip", {f.name: f for f in p.iterdir()}),
    "packed under another name": lambda p, at: packed(at / f"{NAME}.zip", {f"x/{f.name}": f for f in p.iterdir()}),
    "below other folders": lambda p, at: packed(at / f"{NAME}.zip", {f"a/é/{NAME}/{f.name}": f for f in p.iterdir()}),
    "packed by macOS": lambda p, at: packed(
        at / f"{NAME}.zip",
        {f"{NAME}/{f.name}": f for f in p.iterdir()}
        | {f"__MACOSX/{NAME}/._{f.name}": b"x" for f in p.iterdir()}
        | {f"__MACOSX/._{NAME}": b"x", ".DS_Store": b"x"},
    ),
    "with a browser's files": lambda p, at: packed(
        at / f"{NAME}.zip", {f"{NAME}/{f.name}": f for f in p.iterdir()} | {"EOPMetadata.xml": b"x", "a/b.txt": b"x"}
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_form_that_a_product_comes_in_changes_no_byte(call, tmp_path: Path, form: str) -> None:
    (tmp_path / "é ü 数").mkdir()
    make_product(tmp_path / NAME)
    assert call("slstr_cloud.convert", tmp_path / NAME, "--out", tmp_path / "usual").code == 0
    product = FORMS[form](tmp_path / NAME, tmp_path / "é ü 数")
    done = call("slstr_cloud.convert", product, "--out", tmp_path / "out")
    assert done.code == 0, done.error
    name = f"day/{NAME.removesuffix('.SEN3')}.hdf"
    assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "usual" / name).read_bytes()


def test_a_product_and_a_copy_of_it_are_not_two_scenes(call, tmp_path: Path) -> None:
    make_product(tmp_path / NAME)
    copy = Path(shutil.copytree(tmp_path / NAME, tmp_path / f"{NAME} (copy)"))
    done = call("slstr_cloud.convert", tmp_path / NAME, copy, "--out", tmp_path / "out")
    assert done.code == 3
    assert f"{copy}: expected names once, found {tmp_path / NAME} too" in done.error
    assert len(list((tmp_path / "out").rglob("*.hdf"))) == 1


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "expected one product, a folder whose name ends in .SEN3, found none — fetch it again"),
        ([f"{NAME}/flags_in.nc", "Q.SEN3/flags_in.nc"], f"found 2 (Q.SEN3, {NAME}) — zip each product by itself"),
        (["a/flags_in.nc", "b/flags_in.nc"], "found 2 (a, b) — zip each product by itself"),
    ],
)
def test_a_zip_of_no_product_or_of_several_is_refused(tmp_path: Path, names: list[str], message: str) -> None:
    path = packed(tmp_path / f"{NAME}.zip", dict.fromkeys(names, b"x"))
    with pytest.raises(DataError, match=re.escape(message)), open_product(path):
        pass


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_zip_stops_no_other_product(call, tmp_path: Path, compression: int) -> None:
    make_product(tmp_path / NAME)
    other = NAME.replace("_075_", "_076_")
    bad = packed(tmp_path / f"{other}.zip", {f"{other}/{f.name}": f for f in (tmp_path / NAME).iterdir()}, compression)
    content = bytearray(bad.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 64] = b"\xa5" * 64
    bad.write_bytes(content)
    done = call("slstr_cloud.convert", bad, tmp_path / NAME, "--out", tmp_path / "out")
    assert done.code == 3
    (line,) = done.error.strip().splitlines()
    assert line.startswith(str(bad))
    assert line.endswith(" — fetch it again")
    assert [path.name for path in (tmp_path / "out").rglob("*.hdf")] == [NAME.replace(".SEN3", ".hdf")]


def test_unsafe_and_damaged_zips_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = zipfile.ZipInfo("P.SEN3/l")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    members = {"names inside": "../P.SEN3/x", "the link": link, "at most 0 MiB": "P.SEN3/bomb"}
    monkeypatch.setattr(archive, "MEMBER_LIMIT", 1000)
    for number, (message, member) in enumerate(members.items()):
        path = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(member, bytes(2000 if "bomb" in str(member) else 1))
        with pytest.raises(DataError, match=message), open_product(path):
            pass
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match="whole zip"), open_product(path):
        pass


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.attrs.__delitem__("scale_factor"), "scale_factor missing"),
        (lambda v: v.write_direct(np.full(v.shape, -32768, "i2")), "found none that is filled"),
    ],
)
def test_a_bad_temperature_is_refused(tmp_path: Path, change, message: str) -> None:
    make_product(tmp_path / NAME)
    with h5py.File(tmp_path / NAME / "S8_BT_in.nc", "r+") as file:
        change(file["S8_BT_in"])
    with pytest.raises(DataError, match=message):
        convert(tmp_path / NAME)


def test_a_temperature_of_another_dtype_is_refused(tmp_path: Path) -> None:
    make_product(tmp_path / NAME)
    with h5py.File(tmp_path / NAME / "S8_BT_in.nc", "r+") as file:
        del file["S8_BT_in"]
        file["S8_BT_in"] = np.full((40, 96), 280.0)
    with pytest.raises(DataError, match="S8_BT_in: expected int16"):
        convert(tmp_path / NAME)


def test_quality_tells_fill_cosmetic_and_duplicate(tmp_path: Path) -> None:
    make_product(tmp_path / NAME)
    with h5py.File(tmp_path / NAME / "flags_in.nc", "r+") as file:
        file["confidence_in"][5, 10] = 1 << 8
        file["confidence_in"][5, 11] = 1 << 9
    found = convert(tmp_path / NAME).quality[5, :, 0]
    assert list(found[[0, 10, 11, 12]]) == [1, 2, 4, 0]

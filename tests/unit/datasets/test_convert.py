"""Many products at once, and the faults that products and zips have."""

from __future__ import annotations

import shutil
import stat
import zipfile
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

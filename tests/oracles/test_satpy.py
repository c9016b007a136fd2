"""The converter's reading of products against satpy's reader `slstr_l1b`."""

from __future__ import annotations

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

satpy = pytest.importorskip("satpy", reason="satpy is in the oracles' environment alone: make oracles")

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "unit" / "datasets"))

from products import IRRADIANCE, NAME, make_product  # noqa: E402

from datasets.slstr_cloud import sen3  # noqa: E402

REAL = ROOT.parent / "shared" / "data" / "real" / "slstr"


def load(path: Path, band: str, calibration: str) -> np.ndarray:
    """Return what satpy reads of one band."""
    scene = satpy.Scene([str(path)], reader="slstr_l1b", reader_kwargs={"user_calibration": {f"{band}_nadir": 1.0}})
    scene.load([band], calibration=calibration)
    return scene[band].values


@pytest.mark.parametrize("band", sen3.THERMAL)
def test_real_temperatures_agree_exactly(band: str) -> None:
    products = sorted(REAL.glob("*.SEN3"))
    if not products:
        pytest.skip(f"no real product in {REAL}")
    with sen3.opened(products[0], f"{band}_BT_in.nc") as file:
        ours = sen3.packed(file, f"{band}_BT_in")
    np.testing.assert_array_equal(load(products[0] / f"{band}_BT_in.nc", band, "brightness_temperature"), ours)


def test_reflectances_agree_after_the_missing_cosine(tmp_path: Path) -> None:
    folder = tmp_path / NAME
    make_product(folder)
    path = folder / "S1_radiance_an.nc"
    with h5py.File(path) as file:
        shape = file["S1_radiance_an"].shape
    with h5py.File(folder / "viscal.nc", "w") as file:
        file["S1_solar_irradiances"] = np.full((4, 2), IRRADIANCE[0], "f4")
        _name_axes(file, "S1_solar_irradiances", ("visible_detectors", "views"))
    with h5py.File(folder / "indices_an.nc", "w") as file:
        file["detector_an"] = np.zeros(shape, "u1")
        _name_axes(file, "detector_an", ("rows", "columns"))
    with h5py.File(path, "r+") as file:
        file["S1_radiance_an"].attrs["units"] = "mW.m-2.sr-1.nm-1"
        file.attrs["start_time"], file.attrs["stop_time"] = "2021-08-27T07:43:36.1Z", "2021-08-27T07:46:35.8Z"
        _name_axes(file, "S1_radiance_an", ("rows", "columns"))
    theirs = sen3.mean_two_by_two(load(path, "S1", "reflectance")) / 100
    _, relative, _ = sen3.read_radiance(folder, "S1")
    np.testing.assert_allclose(np.pi * relative, theirs, rtol=1e-6)


def _name_axes(file: h5py.File, name: str, axes: tuple[str, str]) -> None:
    for number, axis in enumerate(axes):
        file[axis] = np.arange(file[name].shape[number], dtype=">f4")
        file[axis].make_scale(axis)
        file[name].dims[number].attach_scale(file[axis])

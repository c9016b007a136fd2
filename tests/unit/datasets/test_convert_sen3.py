"""The converter on a synthetic product whose every number is known, and on a real one."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from products import COLUMNS, IRRADIANCE, NAME, RADIANCE_STEP, ROWS, make_product

from datasets.common.failures import DataError
from datasets.slstr_cloud import sen3
from datasets.slstr_cloud.convert_sen3 import convert


def test_reflectances_come_back_within_the_packing(tmp_path: Path) -> None:
    truth = make_product(tmp_path / NAME)
    scene = convert(tmp_path / NAME)
    seen = scene.valid[..., 0] > 0
    assert seen.sum() == ROWS * (COLUMNS - 4)
    for channel in range(6):
        # Half a packing step, as reflectance, where the sun is lowest.
        step = np.pi * RADIANCE_STEP[channel] / 2 / (IRRADIANCE[channel] * truth.mu0.min())
        error = np.abs(scene.refs[..., channel] - truth.refs[..., channel])[seen]
        assert error.max() < 1.1 * step
    assert np.isnan(scene.refs[:, :4]).all()
    expected = truth.refs * np.array(IRRADIANCE) * truth.mu0[..., None] / np.pi
    np.testing.assert_allclose(scene.rads[seen], expected[seen], atol=max(RADIANCE_STEP))


def test_temperatures_and_labels_come_back(tmp_path: Path) -> None:
    truth = make_product(tmp_path / NAME)
    scene = convert(tmp_path / NAME)
    np.testing.assert_allclose(scene.bts, truth.bts, atol=0.0051)
    np.testing.assert_array_equal(scene.bayes[..., 0], truth.bayes)
    np.testing.assert_array_equal(scene.summary[:, 4:, 0], (truth.confidence >> 14)[:, 4:] & 1)
    assert scene.attributes["attribution"] == "Contains modified Copernicus Sentinel data 2021"


def test_the_file_is_written_as_laid_out(run_module, tmp_path: Path) -> None:
    make_product(tmp_path / NAME)
    done = run_module("slstr_cloud.convert_sen3", tmp_path / NAME, tmp_path / "out.hdf")
    assert done.returncode == 0, done.stderr
    assert "4.17% fill" in done.stdout
    with h5py.File(tmp_path / "out.hdf") as file:
        kinds = {name: (file[name].dtype.str[1:], file[name].shape[2], file[name].chunks) for name in file}
        assert file.attrs["source"] == NAME
        assert file.attrs["simulated"] == 0
    expected = {"bts": ("f4", 3), "rads": ("f4", 6), "refs": ("f8", 6), "bayes": ("u1", 1), "summary": ("i8", 1)}
    assert kinds == {
        name: (*kind, None) for name, kind in {**expected, "valid": ("u1", 1), "quality": ("u1", 1)}.items()
    }


def test_a_scene_replaces_a_scene_alone(call, tmp_path: Path) -> None:
    """Two products for a product and its scene is a slip that must not cost the second."""
    make_product(tmp_path / NAME)
    other = Path(shutil.make_archive(str(tmp_path / "other"), "zip", tmp_path, NAME))
    for out in (other, tmp_path / NAME / "flags_in.nc"):
        held = out.read_bytes()
        done = call("slstr_cloud.convert_sen3", tmp_path / NAME, out)
        assert done.code == 2
        assert f"{out}: expected a scene or no file, found another file there — name another" in done.error
        assert out.read_bytes() == held
    assert call("slstr_cloud.convert_sen3", tmp_path / NAME, tmp_path / NAME).code == 2
    assert call("slstr_cloud.convert_sen3", tmp_path / NAME, tmp_path / "none" / "out.hdf").code == 2
    assert [call("slstr_cloud.convert_sen3", tmp_path / NAME, tmp_path / "out.hdf").code for _ in range(2)] == [0, 0]


def test_without_radiances_there_are_no_reflectances_and_it_is_said(run_module, tmp_path: Path) -> None:
    make_product(tmp_path / NAME, radiances=False)
    done = run_module("slstr_cloud.convert_sen3", tmp_path / NAME, tmp_path / "out.hdf")
    assert done.returncode == 0
    assert "reflectances absent: the product holds no S1 to S6 radiances" in done.stdout
    with h5py.File(tmp_path / "out.hdf") as file:
        assert sorted(file) == ["bayes", "bts", "quality", "summary", "valid"]
        assert file.attrs["reflectances"].startswith("absent: ")


def test_below_the_horizon_the_cosine_is_one(tmp_path: Path) -> None:
    make_product(tmp_path / NAME)
    with h5py.File(tmp_path / NAME / "geometry_tn.nc", "r+") as file:
        file["solar_zenith_tn"][...] = 100.0
    scene = convert(tmp_path / NAME)
    seen = scene.valid[..., 0] > 0
    expected = np.pi * scene.rads[seen] / np.array(IRRADIANCE)
    np.testing.assert_allclose(scene.refs[seen], expected, rtol=1e-5)


def test_old_baselines_can_be_calibrated(tmp_path: Path) -> None:
    make_product(tmp_path / NAME)
    ratio = convert(tmp_path / NAME, calibrate=True).refs / convert(tmp_path / NAME).refs
    np.testing.assert_allclose(np.nanmedian(ratio, axis=(0, 1)), [0.97, 0.98, 0.98, 1.0, 1.11, 1.13], rtol=1e-6)


def test_a_renamed_product_is_known_by_what_its_files_call_it(tmp_path: Path) -> None:
    make_product(tmp_path / "4711")
    with pytest.raises(DataError, match="expected a name that ends in the baseline, found 4711 — rename it back"):
        convert(tmp_path / "4711", calibrate=True)  # a guess could apply the factors twice
    with h5py.File(tmp_path / "4711" / "flags_in.nc", "r+") as file:
        file.attrs["product_name"] = np.bytes_(NAME.replace("_004", "_005"))
    scene, calibrated = convert(tmp_path / "4711"), convert(tmp_path / "4711", calibrate=True)
    assert scene.attributes["source"] == NAME.replace("_004", "_005")
    assert scene.attributes["attribution"] == "Contains modified Copernicus Sentinel data 2021"
    np.testing.assert_array_equal(calibrated.refs, scene.refs)


def test_the_irradiance_of_the_calibration_file_is_the_second_choice(tmp_path: Path) -> None:
    make_product(tmp_path / NAME)
    expected = convert(tmp_path / NAME).refs
    (tmp_path / NAME / "S5_quality_an.nc").unlink()
    with h5py.File(tmp_path / NAME / "viscal.nc", "w") as file:
        file["S5_solar_irradiances"] = np.full((8, 2), IRRADIANCE[4], "f4")
    np.testing.assert_allclose(convert(tmp_path / NAME).refs, expected)


def test_labels_with_spare_bits_are_masked(tmp_path: Path) -> None:
    make_product(tmp_path / NAME)
    with h5py.File(tmp_path / NAME / "flags_in.nc", "r+") as file:
        file["bayes_in"][10, 10:20] = 255
        file["bayes_in"][11, 10:20] = 16
    scene = convert(tmp_path / NAME)
    assert not scene.valid[10:12, 10:20].any()
    assert not scene.bayes[10:12, 10:20].any()
    assert scene.valid[12, 10:20].all()


@pytest.mark.parametrize(
    ("label", "message"),
    [(255, "found 255 in every pixel — the plane was never filled"), (16, "expected labelled pixels, found none")],
)
def test_a_plane_without_labels_is_refused(run_module, tmp_path: Path, label: int, message: str) -> None:
    make_product(tmp_path / NAME)
    with h5py.File(tmp_path / NAME / "flags_in.nc", "r+") as file:
        file["bayes_in"][...] = label
    done = run_module("slstr_cloud.convert_sen3", tmp_path / NAME, tmp_path / "out.hdf")
    assert done.returncode == 3
    assert message in done.stderr
    assert not (tmp_path / "out.hdf").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("S8_BT_in.nc", "expected this file of the product, found none"),
        ("S3_radiance_an.nc", "expected radiances of all of S1 to S6 or of none, S3 are missing"),
        ("geometry_tn.nc", "expected this file of the product, found none"),
    ],
)
def test_a_missing_file_is_named(run_module, tmp_path: Path, name: str, message: str) -> None:
    make_product(tmp_path / NAME)
    (tmp_path / NAME / name).unlink()
    done = run_module("slstr_cloud.convert_sen3", tmp_path / NAME, tmp_path / "out.hdf")
    assert done.returncode == 3
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_damaged_file_is_named(run_module, tmp_path: Path) -> None:
    make_product(tmp_path / NAME)
    path = tmp_path / NAME / "S9_BT_in.nc"
    path.write_bytes(path.read_bytes()[:3000])
    done = run_module("slstr_cloud.convert_sen3", tmp_path / NAME, tmp_path / "out.hdf")
    assert done.returncode == 3
    assert "S9_BT_in.nc: expected a readable netCDF-4 file" in done.stderr


def test_a_missing_product_is_refused(run_module, tmp_path: Path) -> None:
    done = run_module("slstr_cloud.convert_sen3", tmp_path / "none.SEN3", tmp_path / "out.hdf")
    assert done.returncode == 3
    assert "expected the folder of a product, found none" in done.stderr


def test_the_real_product_has_its_known_numbers(real_product: Path) -> None:
    scene = convert(real_product)
    seen = scene.valid[..., 0] > 0
    assert (~seen).sum() == 66_179
    assert seen[:, 37:1480].all()
    percentiles = np.nanpercentile(scene.bts[..., 1:].reshape(-1, 2), [1, 50, 99], axis=0).T
    np.testing.assert_allclose(percentiles, [[241.6, 299.2, 311.6], [238.3, 296.8, 309.2]], atol=0.06)
    assert (scene.bayes > 0).mean() == pytest.approx(0.0645, abs=5e-5)
    assert set(np.unique(scene.bayes)) == {0, 2}
    assert (scene.summary > 0).mean() == pytest.approx(0.164, abs=5e-4)
    assert scene.refs is None
    assert scene.attributes["cosmetic_share"] == pytest.approx(394_488 / 1_800_000, abs=0.002)


def test_the_real_sun_is_where_its_tie_points_put_it(real_product: Path) -> None:
    with sen3.opened(real_product, "geometry_tn.nc") as file:
        zenith, tie = sen3.unpack(file["solar_zenith_tn"]), sen3.grid_of(file)
    image = sen3.Grid(start=tie.start, track=998, row_m=1000, column_m=1000)
    mu0 = sen3.read_solar_cosine(real_product, image, (1200, 1500))
    columns = 998 + (np.arange(130) - 64) * 16
    inside = (columns >= 0) & (columns < 1500) & np.isfinite(zenith).all(0)
    assert inside.sum() > 80
    np.testing.assert_allclose(mu0[:, columns[inside]], np.cos(np.deg2rad(zenith[:, inside])), atol=1e-9)
    assert [round(sen3.read_irradiance(real_product, band).mean()) for band in sen3.SOLAR] == [
        1802,
        1491,
        939,
        359,
        241,
        76,
    ]


def test_the_real_crop_is_a_part_of_the_conversion(real_product: Path, real_crop: Path) -> None:
    scene = convert(real_product)
    rows, columns = slice(640, 1152), slice(40, 552)
    with h5py.File(real_crop) as crop:
        for channel, band in enumerate(sen3.THERMAL):
            expected = sen3.unpack(crop[f"{band}_BT_in"]).astype(np.float32)
            np.testing.assert_array_equal(scene.bts[rows, columns, channel], expected)
            assert expected.min() == pytest.approx({"S7": 255.52, "S8": 213.84, "S9": 213.16}[band], abs=0.006)
        np.testing.assert_array_equal(scene.bayes[rows, columns, 0], crop["bayes_in"][...])
        np.testing.assert_array_equal(scene.summary[rows, columns, 0], crop["confidence_in"][...] >> 14 & 1)
    assert (scene.bayes[rows, columns] > 0).sum() == 29_278
    assert scene.valid[rows, columns].all()

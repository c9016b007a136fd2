"""Products on their way into a prediction: folders and zips are converted, each to a scene of its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
from products import NAME, make_product

from datasets.slstr_cloud.convert_sen3 import convert
from harness import predict, registry
from harness.errors import DataError
from harness.stops import Stops


def ready(path: Path, run: Path) -> Path:
    """Make an input ready as a prediction does."""
    (run / "artifacts").mkdir(parents=True, exist_ok=True)
    configuration: Any = SimpleNamespace(benchmark=registry.load("slstr_cloud"))
    directory: Any = SimpleNamespace(root=run)
    with Stops() as stops:
        return predict._ready(path, configuration, directory, stops)


@pytest.mark.parametrize("ending", [".zip", ".ZIP", "without .SEN3"])
def test_a_zip_gives_the_scene_that_its_folder_gives(tmp_path: Path, ending: str) -> None:
    product = tmp_path / NAME
    make_product(product)
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, NAME))
    name = NAME.removesuffix(".SEN3") + ".zip" if ending == "without .SEN3" else NAME + ending
    packed = packed.rename(tmp_path / name)
    scenes = [ready(path, tmp_path / "runs" / str(number)) for number, path in enumerate((product, packed))]
    assert [scene.name for scene in scenes] == [NAME.replace(".SEN3", ".hdf")] * 2
    with h5py.File(scenes[0]) as one, h5py.File(scenes[1]) as other:
        assert set(one) == set(other)
        for key in one:
            np.testing.assert_array_equal(one[key][...], other[key][...])
        assert dict(one.attrs) == dict(other.attrs)


def test_links_of_an_archive_keep_their_names(tmp_path: Path) -> None:
    """Two scenes in two numbered folders of one name, under the names of their products."""
    other = NAME.replace("_075_", "_076_")
    for seed, name in enumerate((NAME, other)):
        make_product(tmp_path / "store" / str(seed) / "data", seed=seed)
        (tmp_path / name).symlink_to(tmp_path / "store" / str(seed) / "data")
    scenes = [ready(tmp_path / name, tmp_path / "run") for name in (NAME, other)]
    assert [scene.name for scene in scenes] == [name.replace(".SEN3", ".hdf") for name in (NAME, other)]
    with h5py.File(scenes[1]) as file:
        assert file.attrs["source"] == other


def test_two_products_of_one_name_are_not_taken_for_one(tmp_path: Path) -> None:
    make_product(tmp_path / "a" / NAME)
    make_product(tmp_path / "b" / NAME, seed=1)
    ready(tmp_path / "a" / NAME, tmp_path / "run")
    with pytest.raises(DataError, match="expected products once, found one of the same name before it"):
        ready(tmp_path / "b" / NAME, tmp_path / "run")


def test_a_link_that_leads_nowhere_is_a_fault_only_of_a_file_that_is_read(tmp_path: Path) -> None:
    product = tmp_path / NAME
    make_product(product)
    usual = convert(product)
    (product / "geodetic_in.nc").symlink_to("nowhere")
    (product / "viscal.nc").symlink_to("nowhere")  # read only where a quality file is missing
    with h5py.File(product / "flags_in.nc", "r+") as file:
        file["cloud_in"] = h5py.SoftLink("/nowhere")
    np.testing.assert_array_equal(convert(product).bts, usual.bts)
    (product / "S8_BT_in.nc").unlink()
    (product / "S8_BT_in.nc").symlink_to("nowhere")
    with pytest.raises(DataError, match=r"S8_BT_in\.nc: expected this file of the product, found none"):
        ready(product, tmp_path / "run")

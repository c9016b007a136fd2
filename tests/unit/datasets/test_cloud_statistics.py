"""Statistics of scenes against fields of known spectrum, steps of known height, and the real product's numbers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from products import NAME, make_product

from datasets.slstr_cloud.fields import correlated_field
from datasets.slstr_cloud.measured import GROUNDS, Measured, scenes_of
from datasets.slstr_cloud.simulate import options_of, scene_jobs
from datasets.slstr_cloud.simulator import simulate_surface
from datasets.slstr_cloud.statistics import measure
from datasets.slstr_cloud.structure import REACH_PX, cloud_edges, row_spectrum, spectral_slope

ROOT = Path(__file__).resolve().parents[3]


def test_the_slope_of_a_power_law_is_its_exponent() -> None:
    k = np.arange(385).clip(1)
    assert spectral_slope(k**-2.0) == pytest.approx(-2, abs=0.01)
    assert spectral_slope(k**-1.35) == pytest.approx(-1.35, abs=0.01)
    assert spectral_slope(k[:200] ** -2.0) is None, "the band goes beyond what a short row resolves"
    assert spectral_slope(np.zeros(385)) is None


@pytest.mark.parametrize("beta", [5 / 3, 2.4])
def test_the_slope_of_a_field_is_the_one_it_was_drawn_with(beta: float) -> None:
    field = correlated_field(np.random.default_rng(5), (200, 1500), beta=beta, outer_px=400)
    assert spectral_slope(row_spectrum(field)) == pytest.approx(-beta, abs=0.12)


def test_a_wave_has_its_power_at_its_wavenumber() -> None:
    wave = 3 * np.sin(2 * np.pi * 40 * np.arange(1500) / 768)[None, :].repeat(4, axis=0)
    wave[0, 700] = np.nan
    power = row_spectrum(wave)
    assert power.argmax() == 40
    # A Hann window passes half of the amplitude at the peak: |FFT|^2 / n = (a n / 4)^2 / n.
    assert power[40] == pytest.approx((3 * 768 / 4) ** 2 / 768, rel=0.01)
    assert row_spectrum(wave[:1]) is None, "no row is whole"


def step(width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return an image that falls by 10 K over `width` pixels around the middle, and where it is cloud."""
    column = np.arange(40)
    image = 290 - 10 * np.clip((column - 20 + (width + 1) / 2) / width, 0, 1)
    return image[None].repeat(6, axis=0), np.broadcast_to(column >= 20, (6, 40))


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_sharp_edge_has_all_its_contrast_in_one_step(mirrored: bool) -> None:
    image, cloud = (array[:, ::-1] if mirrored else array for array in step(1))
    edges = cloud_edges(image, cloud, np.ones_like(cloud))
    assert (edges.pairs, edges.crossings, edges.profiles) == (6 * 39, 6, 6)
    np.testing.assert_allclose(edges.steps, 10)
    np.testing.assert_allclose(edges.profile_sum / 6, [0] * REACH_PX + [-10] * REACH_PX)


def test_a_soft_edge_spreads_its_contrast_and_fill_is_no_edge() -> None:
    image, cloud = step(4)
    valid = np.ones(cloud.shape, bool)
    valid[0] = False
    valid[1, 25] = False
    edges = cloud_edges(image, cloud, valid)
    assert edges.crossings == 5
    assert edges.profiles == 4
    np.testing.assert_allclose(edges.steps, 2.5)


def test_a_cloud_that_ends_within_the_profile_is_no_clean_edge() -> None:
    image, cloud = step(1)
    cloud = cloud & (np.arange(40) < 20 + REACH_PX - 1)
    edges = cloud_edges(image, cloud, np.ones_like(cloud))
    assert (edges.crossings, edges.profiles) == (12, 0)


def test_shares_and_percentiles_of_a_scene_that_is_known() -> None:
    ramp = np.linspace(200, 300, 1001)[None].repeat(2, axis=0).astype(np.float32)
    cloud = ramp < 230
    ground = np.where(np.arange(1001) < 500, GROUNDS.index("ocean"), GROUNDS.index("snow")).astype(np.uint8)
    valid = np.ones(cloud.shape, bool)
    valid[1] = False
    scene = Measured(
        channels={"S8": ramp},
        clouds={"bayes": cloud, "summary": ~cloud},
        valid=valid,
        ground=ground[None].repeat(2, axis=0),
    )
    found = measure([scene, scene])
    assert found["scenes"] == 2
    assert found["fill_share"] == 0.5
    assert found["groups"]["all"]["bayes"] == pytest.approx(0.3, abs=0.002)
    assert found["groups"]["ocean"] == pytest.approx({"share": 0.5, "bayes": 0.6, "summary": 0.4}, abs=0.002)
    assert "lake" not in found["groups"]
    assert found["channels"]["S8"]["all"]["percentiles"] == pytest.approx([201, 225, 250, 275, 299], abs=0.2)
    assert found["channels"]["S8"]["clear snow"]["percentiles"][0] == pytest.approx(250.5, abs=0.2)
    assert sum(found["channels"]["S8"]["all"]["histogram"]) == 2 * 1001


def test_a_simulated_set_is_told_by_the_ground_it_was_made_with(call, small_set: Path, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- statistics -->\nold\n<!-- /statistics -->\nafter\n")
    done = call("slstr_cloud.statistics", f"a={small_set}", "--json", tmp_path / "all.json", "--readme", readme)
    assert done.code == 0, done.error
    found = json.loads((tmp_path / "all.json").read_text())["a"]
    made = json.loads((small_set / "manifest.json").read_text())["made_by"]
    jobs = [job for split in scene_jobs(small_set, options_of(made)).values() for job in split]
    kinds = [simulate_surface(j.seed_sequence, rows=j.rows, columns=j.columns, night=j.night).kind for j in jobs]
    assert found["groups"]["snow"]["share"] == pytest.approx(np.mean([kind == 3 for kind in kinds]))
    # The ground is the scene's own: clear water is dark, clear snow is bright.
    median = {name: found["channels"]["S2"][f"clear {name}"]["percentiles"][2] for name in ("ocean", "snow")}
    assert median["ocean"] < 0.1 < 0.5 < median["snow"]
    text = readme.read_text()
    assert text.startswith("before\n<!-- statistics -->\n| share of the pixels | a |")
    assert "old" not in text
    assert text.endswith("<!-- /statistics -->\nafter\n")


def test_what_is_no_scene_is_refused_by_name(call, tmp_path: Path) -> None:
    assert call("slstr_cloud.statistics", "nothing").error.startswith("nothing: expected NAME=PATH")
    done = call("slstr_cloud.statistics", f"a={tmp_path}/none.hdf")
    assert done.code == 3
    assert "expected a data set with manifest.json, an S3A….hdf file or a .SEN3 folder" in done.error


def test_a_product_says_by_its_flags_what_the_ground_is(tmp_path: Path) -> None:
    make_product(tmp_path / NAME)
    with h5py.File(tmp_path / NAME / "flags_in.nc", "r+") as file:
        bits = {"ocean": 1 << 1, "lake": 1 << 3 | 1 << 4, "snow": 1 << 3 | 1 << 13}  # a lake and snow are land as well
        for row, word in enumerate(bits.values()):
            file["confidence_in"][row] = word
        file["confidence_in"][3:] = 1 << 3
    (scene,) = scenes_of(tmp_path / NAME)
    assert [GROUNDS[scene.ground[row, 50]] for row in range(5)] == [*bits, "land", "land"]
    assert sorted(scene.channels) == [f"S{number}" for number in range(1, 10)]


def test_the_real_product_has_its_known_structure(real_product: Path) -> None:
    (scene,) = scenes_of(real_product)
    assert sorted(scene.channels) == ["S7", "S8", "S9"]
    slope = spectral_slope(row_spectrum(np.where(scene.valid, scene.channels["S8"], np.nan)))
    assert slope == pytest.approx(-1.35, abs=0.01)
    lake = scene.valid & (scene.ground == GROUNDS.index("lake"))
    assert scene.clouds["bayes"][lake].mean() == pytest.approx(0.54, abs=0.005)


def test_what_the_picture_of_statistics_needs_is_there_in_the_oracles_environment() -> None:
    """That environment has no rich, which draws the progress of a simulation."""
    modules = "datasets.slstr_cloud.histograms, datasets.slstr_cloud.structure, datasets.common.page"
    code = f"import sys; sys.modules['rich'] = sys.modules['click'] = None; import {modules}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    source = (ROOT / "tools" / "scene_plots.py").read_text(encoding="utf-8")
    imported = re.findall(r"^from (datasets\S*) import", source, re.MULTILINE)
    assert sorted(imported) == sorted(modules.split(", "))

"""The scanned micrographs against closed forms and measurements on a real frame; the others as they were."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from datasets.em_denoise import simulate, stem
from datasets.em_denoise.simulator import SIDE, simulate_pair
from datasets.em_denoise.specimen import CARBON, SILICON, Specimen

FIRST_RING_PER_ANG = 0.469
"""Of graphene, {10}: 2/(√3 · 2.46 Å)."""

MEASURED_GAIN = 12.5
"""Photon transfer of a real dark-field frame of graphene: variance over mean, in counts."""


def specimen(positions_ang: list[tuple[float, float]], species: list[int]) -> Specimen:
    """Return single atoms."""
    places = np.array(positions_ang)
    return Specimen(positions_ang=places, species=np.array(species), vacancies=0, stone_wales=0, substitutions=0)


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the scan neither jitter nor flicker."""
    monkeypatch.setattr(stem, "JITTER_ANG", 0.0)
    monkeypatch.setattr(stem, "ROW_NOISE_COUNTS", 0.0)


def slope(mean: np.ndarray, variance: np.ndarray) -> float:
    """Return the slope of variances over means."""
    return float(np.polyfit(mean.ravel(), variance.ravel(), 1)[0])


# --- the choice -------------------------------------------------------------------------------------------------------


def test_without_the_option_sets_are_those_of_before() -> None:
    """Results stand on these sets: the numbers are of the simulator before it knew scans."""
    pair = simulate.run_job(simulate.PairJob(seed=7, number=0, doses=(1e4, 1e6), mode=simulate.Options.mode))
    clean = [0.98844635, 0.9537409, 0.9993002, 0.9916446, 0.94096607, 0.97271305, 0.9892259, 0.95283127, 0.9681191]
    noisy = [0.9455007, 0.92806226, 0.94805264, 1.003345, 0.9603871, 0.9195557, 1.0110009, 0.9935625, 0.95060456]
    np.testing.assert_allclose(pair.clean[40::88, 40::88].ravel(), clean, rtol=2e-7)
    np.testing.assert_allclose(pair.noisy[40::88, 40::88].ravel(), noisy, rtol=2e-7)
    seed = np.random.SeedSequence(7, spawn_key=(0,))
    assert np.array_equal(pair.noisy, simulate_pair(seed, (1e4, 1e6)).noisy)
    options = simulate.parser().parse_args(["--out", "x", "--dataset-id", "x"])
    assert simulate.made_by(
        simulate.Options(**{k: v for k, v in vars(options).items() if k not in ("out", "jobs")})
    ) == {
        "program": "datasets.em_denoise.simulate",
        "version": "1.0",
        "options": {
            "dataset_id": "x",
            "train_images": 256,
            "test_images": 32,
            "seed": 0,
            "lowest_dose": 10000.0,
            "highest_dose": 1000000.0,
        },
    }


def test_a_scanned_set_has_the_layout_of_the_others_and_says_what_it_is(call, em_set: Path, tmp_path: Path) -> None:
    root = tmp_path / "stem"
    given = ["--dataset-id=stem", "--train-images=2", "--test-images=1", "--seed=5", "--mode=stem"]
    assert call("em_denoise.simulate", "--out", root, *given).code == 0
    assert call("em_denoise.verify", root).code == 0
    manifest, other = (json.loads((folder / "manifest.json").read_text()) for folder in (root, em_set))
    assert manifest["made_by"]["options"]["mode"] == "stem"
    assert (manifest["layout"], manifest["splits"]) == (other["layout"], other["splits"])
    scores = manifest["statistics"]["baselines"]
    assert scores["gaussian_filter"]["psnr"] > scores["mean"]["psnr"] + 3  # not levelled: images differ in brightness
    with h5py.File(root / "train" / "graphene_img_noise.h5") as file:
        noisy = file["images"][...]
    assert noisy.dtype == np.float32
    assert np.array_equal(noisy, np.rint(noisy))
    assert 0 <= noisy.min() < noisy.max() <= 255


# --- columns ----------------------------------------------------------------------------------------------------------


def test_a_column_is_a_gaussian_that_holds_the_atoms_signal() -> None:
    pixel, probe, row, column = 0.15, 0.45, 12 * 0.15, 20 * 0.15
    found = stem.columns_per_dose(specimen([(row, column)], [CARBON]), 40, pixel, probe)
    assert np.unravel_index(found.argmax(), found.shape) == (12, 20)
    assert found.sum() == pytest.approx(stem.CARBON_ANG2, rel=1e-3)
    assert found[12, 23] / found[12, 20] == pytest.approx(np.exp(-0.5 * (3 * pixel / probe) ** 2))
    assert found[15, 20] == pytest.approx(found[12, 23])


def test_silicon_is_brighter_by_the_power_of_its_number() -> None:
    carbon, silicon = (
        stem.columns_per_dose(specimen([(3.0, 3.0)], [kind]), 40, 0.15, 0.45) for kind in (CARBON, SILICON)
    )
    np.testing.assert_allclose(silicon, carbon * (14 / 6) ** 1.7)


def test_the_first_ring_of_the_lattice_is_where_that_of_graphene_is() -> None:
    found = {"clean": [], "noisy": []}
    for seed in range(5):
        pair = stem.simulate_stem_pair(np.random.SeedSequence(seed), (1e5, 1e5))
        f = np.fft.fftfreq(SIDE, pair.truth["pixel"])
        radius = np.hypot(f[:, None], f[None, :])
        ring = (radius > 0.40) & (radius < 0.54)
        for name, image in (("clean", pair.clean), ("noisy", pair.noisy)):
            window = np.hanning(SIDE)[:, None] * np.hanning(SIDE)[None, :]
            power = np.abs(np.fft.fft2((image - image.mean()) * window)) ** 2
            power -= np.median(power[radius > 1.5])  # shot noise
            found[name].append((radius[ring] * power[ring]).sum() / power[ring].sum())
    for radii in found.values():
        assert np.mean(radii) == pytest.approx(FIRST_RING_PER_ANG, rel=0.01)


# --- the record -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("steady")
def test_variance_grows_with_the_mean_as_in_the_real_frame() -> None:
    random = np.random.default_rng(0)
    electrons = np.tile(np.linspace(1, 9, 64), (64, 1))
    detector = stem.draw_detector(random, electrons)
    records = np.stack([stem.record(random, electrons, detector) for _ in range(300)])
    assert slope(records.mean(axis=0), records.var(axis=0)) == pytest.approx(MEASURED_GAIN, rel=0.05)


@pytest.mark.usefixtures("steady")
def test_a_whole_pair_has_that_photon_transfer_and_about_five_electrons_a_pixel() -> None:
    slopes, levels = [], []
    for seed in range(8):
        pair = stem.simulate_stem_pair(np.random.SeedSequence(seed), (1e5, 1e5))
        if pair.truth["substitutions"]:
            continue  # silicon makes the operator turn the gain down
        order = np.argsort(pair.clean.ravel())
        parts = [
            (pair.clean.ravel()[p].mean(), (pair.noisy - pair.clean).ravel()[p].var())
            for p in np.array_split(order, 16)
        ]
        slopes.append(slope(*np.array(parts).T))
        levels.append(pair.clean.mean() / MEASURED_GAIN)
    assert len(slopes) >= 2
    assert np.mean(slopes) == pytest.approx(MEASURED_GAIN, rel=0.06)
    assert 3 < np.mean(levels) < 8


def test_rows_vary_by_more_than_shot_noise_as_in_the_real_frame() -> None:
    random, electrons = np.random.default_rng(1), np.full((256, 512), 62.5 / MEASURED_GAIN)
    detector = stem.Detector(gain=MEASURED_GAIN, offset=40.0)
    rows = np.concatenate([stem.record(random, electrons, detector).mean(axis=1) for _ in range(8)])
    assert rows.std() == pytest.approx(1.46, rel=0.05)  # 1.23 without the rows' own noise


def test_jitter_moves_each_row_along_itself_and_keeps_its_signal() -> None:
    places = np.arange(200) * 0.15
    image = np.tile(np.exp(-0.5 * ((places - 15.0) / 0.45) ** 2), (400, 1))
    moved = stem.jitter(np.random.default_rng(2), image, 0.15)
    centres = (moved * places).sum(axis=1) / moved.sum(axis=1)
    assert centres.std() == pytest.approx(stem.JITTER_ANG, rel=0.1)
    assert centres.mean() == pytest.approx(15.0, abs=0.02)
    np.testing.assert_allclose(moved.sum(axis=1), image.sum(axis=1), rtol=1e-9)


def test_the_gain_keeps_the_brightest_column_inside_the_eight_bits() -> None:
    random = np.random.default_rng(3)
    assert stem.draw_detector(random, np.array([5.0])).gain == MEASURED_GAIN
    bright = stem.draw_detector(random, np.array([5.0, 400.0]))
    assert bright.gain * 400 + bright.offset < 255
    assert stem.record(random, np.full((4, 4), 1e6), bright).max() == 255

"""The simulator's extras: each changes what it says and nothing else, and none is there unless asked for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from datasets.slstr_cloud.climate import draw_climate
from datasets.slstr_cloud.clouds import draw_broken_cloud, draw_haze, draw_thin_cirrus
from datasets.slstr_cloud.extras import Extras
from datasets.slstr_cloud.scene import Scene
from datasets.slstr_cloud.simulate import Options, made_by, options_of
from datasets.slstr_cloud.simulator import simulate_scene

SHAPE = (256, 256)

PINNED_BTS = [291.0005, 277.3267, 276.3809]
PINNED_REFS = [0.334035, 0.357498, 0.397021, 0.022542, 0.245018, 0.181624]
PINNED_CLOUD = (35033, 25455)
"""Mean brightness temperatures and reflectances, and cloudy pixels by both labels, of the plain scene of seed 11."""


def scene(**extras: float) -> Scene:
    """Simulate one small scene by day."""
    return simulate_scene(np.random.SeedSequence(11), rows=256, columns=256, night=False, extras=Extras(**extras))


@pytest.fixture(scope="module")
def plain() -> Scene:
    """Return the scene without extras."""
    return scene()


def test_the_plain_scene_is_what_it_was_before_there_were_extras(plain: Scene) -> None:
    # Taken from version 1.0 of the simulator; last bits differ between processors, these digits do not.
    assert plain.bts.mean((0, 1), dtype=np.float64) == pytest.approx(PINNED_BTS, abs=1e-3)
    assert plain.refs.mean((0, 1)) == pytest.approx(PINNED_REFS, abs=1e-5)
    assert (int((plain.bayes > 0).sum()), int(plain.summary.sum())) == pytest.approx(PINNED_CLOUD, abs=3)


def test_label_noise_turns_its_share_of_labels_in_patches_and_nothing_else(plain: Scene) -> None:
    noisy = scene(label_noise=0.08)
    for name in ("bts", "refs", "rads", "summary"):
        np.testing.assert_array_equal(getattr(noisy, name), getattr(plain, name))
    wrong = ((noisy.bayes > 0) != (plain.bayes > 0))[..., 0]
    assert wrong.mean() == pytest.approx(0.08, abs=0.01)
    assert set(np.unique(noisy.bayes)) <= {0, 1, 3}
    beside = (wrong[:, 1:] & wrong[:, :-1]).sum() / wrong[:, 1:].sum()
    assert beside > 0.6, "independent pixels would have 0.08"


def test_cosmetic_fill_copies_neighbours_with_their_labels(plain: Scene) -> None:
    filled = scene(cosmetic_fill=0.2)
    assert filled.attributes["cosmetic_share"] == pytest.approx(0.2, abs=0.01)
    changed = (filled.bts != plain.bts).any(-1)
    assert changed.mean() == pytest.approx(0.2, abs=0.02)
    everything = [np.concatenate([s.bts, s.refs, s.bayes, s.summary], axis=-1) for s in (filled, plain)]
    copies = [np.roll(everything[1], step, axis=axis) for axis in (0, 1) for step in (1, -1)]
    inner = np.s_[1:-1, 1:-1]
    same = np.any([(everything[0] == copy).all(-1) for copy in copies], axis=0)
    assert same[inner][changed[inner]].all()


def test_haze_brightens_the_dark_sea_and_leaves_the_labels(plain: Scene) -> None:
    hazy = scene(haze=0.5)
    np.testing.assert_array_equal(hazy.bayes, plain.bayes)
    clear = plain.bayes[..., 0] == 0
    dark = clear & (plain.refs[..., 1] < 0.1)
    brighter = np.median((hazy.refs - plain.refs)[dark], axis=0)
    assert brighter[1] > 0.03
    assert brighter[1] > brighter[5] > 0


def test_broken_cloud_covers_pixels_in_part_and_is_warm(plain: Scene) -> None:
    rng = np.random.default_rng(3)
    climate = draw_climate(rng, night=False)
    layer = draw_broken_cloud(rng, climate, SHAPE, share=0.3)
    assert (layer.cover > 0).mean() == pytest.approx(0.3, abs=0.02)
    assert 0.3 < layer.cover[layer.cover > 0].mean() < 0.8
    assert (climate.air_k - layer.temperature_k).max() < 8.5
    assert (scene(broken_cloud=0.3).bayes > 0).mean() > (plain.bayes > 0).mean() + 0.05


def test_thin_cirrus_is_thin_and_cold_and_haze_is_smooth() -> None:
    rng = np.random.default_rng(4)
    climate = draw_climate(rng, night=False)
    cirrus = draw_thin_cirrus(rng, climate, SHAPE, share=0.3)
    assert (cirrus.optical_depth > 0).mean() == pytest.approx(0.3, abs=0.02)
    assert cirrus.optical_depth.max() <= 0.5
    assert cirrus.temperature_k.max() < 240
    haze = draw_haze(rng, climate, SHAPE, optical_depth=0.4)
    assert haze.optical_depth.mean() == pytest.approx(0.4, abs=0.1)
    assert not haze.cloud_depth().any()
    assert np.abs(np.diff(haze.optical_depth)).mean() < 0.05 * haze.optical_depth.std()


def test_extras_are_in_the_manifest_where_there_are_any_and_only_then() -> None:
    plain = {"dataset_id": "a", "train_scenes": 1, "test_scenes": 1, "rows": 256, "columns": 256, "seed": 1}
    options = Options(**plain, night_share=0.0)
    assert made_by(options)["options"] == {**plain, "night_share": 0.0}
    harder = Options(**plain, night_share=0.0, extras=Extras(haze=0.4, label_noise=0.05))
    assert made_by(harder)["options"]["extras"] == {"haze": 0.4, "label_noise": 0.05}
    for given in (options, harder):
        assert options_of(json.loads(json.dumps(made_by(given)))) == given


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--haze=3", "--haze: expected 0 to 2, found 3"),
        ("--cosmetic-fill=0.5", "--cosmetic-fill: expected 0 to 0.4, found 0.5"),
        ("--label-noise=-0.1", "--label-noise: expected 0 to 1, found -0.1"),
        ("--thin-cirrus=nan", "--thin-cirrus: expected 0 to 1, found nan"),
    ],
)
def test_impossible_extras_are_refused(call, small_arguments, tmp_path: Path, option: str, message: str) -> None:
    done = call("slstr_cloud.simulate", "--out", tmp_path / "out", *small_arguments, option)
    assert (done.code, done.error.strip()) == (2, message)
    assert not (tmp_path / "out").exists()

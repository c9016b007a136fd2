"""How values are normalised: fixed numbers, or each scene by itself; and that all parts of a run agree on it."""

from __future__ import annotations

import numpy as np
import pytest
from cloud_twin import RuleBackend, write_data

from reference.runtime import runconfig
from reference.slstr_cloud import facts, normalisation
from reference.slstr_cloud.inference import predict_scene
from reference.slstr_cloud.scene import Scene
from reference.slstr_cloud.task import CloudTask

HOLES = np.s_[3:9, 5:50]


@pytest.fixture
def spoilt(write_scene) -> Scene:
    """A scene with every kind of hole: fill, NaN, infinity and pixels that its own plane calls invalid."""
    rng = np.random.default_rng(1)
    bts, refs = rng.uniform(200, 310, (260, 300, 3)).astype("f4"), rng.uniform(0, 1.5, (260, 300, 6))
    valid = np.ones((260, 300, 1), "u1")
    bts[HOLES], bts[20:30, :, 1], bts[40, 40, 0] = 0.0, np.nan, np.inf
    refs[HOLES], refs[60:70, :, 3] = 1e6, np.nan
    valid[100:120], bts[100:120], refs[100:120] = 0, 9.9e3, -9.9e3
    return Scene(write_scene(bts=bts, refs=refs, valid=valid), channels="all")


def test_each_channel_of_a_scene_gets_mean_0_and_deviation_1_over_what_was_seen(spoilt) -> None:
    images = spoilt.images(0, 0, 260, 300, kind="scene").astype("f8")
    seen = spoilt.valid(None, 0, 0, 260, 300)
    assert 0.5 < seen.mean() < 1
    for channel, name in enumerate(facts.CHANNELS["all"]):
        values = images[..., channel][seen]
        values = values[values != 0.0]  # what a channel alone did not see became 0
        assert values.mean() == pytest.approx(0, abs=1e-6), name
        assert values.std() == pytest.approx(1, abs=1e-6), name
    assert np.isfinite(images).all()
    assert not images[20:30, :, 7].any()
    assert not images[60:70, :, 3].any()


def test_a_group_shares_one_scale_as_in_the_earlier_suite(write_scene) -> None:
    rng = np.random.default_rng(1)
    bts, refs = rng.uniform(200, 310, (260, 300, 3)), rng.uniform(0, 1, (260, 300, 6)) * np.arange(1, 7)
    scene = Scene(write_scene(bts=bts, refs=refs), channels="all")
    expected = np.concatenate([(refs - refs.mean()) / refs.std(), (bts - bts.mean()) / bts.std()], axis=-1)
    np.testing.assert_allclose(scene.images(0, 0, 260, 300, kind="scene_group"), expected, atol=1e-5)
    thermal = Scene(scene.path, channels="thermal")
    np.testing.assert_allclose(thermal.images(0, 0, 260, 300, kind="scene_group"), expected[..., 6:], atol=1e-5)


@pytest.mark.parametrize("kind", normalisation.NORMALISATIONS)
def test_a_tile_is_scaled_as_its_scene_is(spoilt, kind) -> None:
    whole = spoilt.images(0, 0, 260, 300, kind=kind)
    np.testing.assert_array_equal(spoilt.images(4, 33, kind=kind), whole[4:260, 33:289])


@pytest.mark.parametrize("kind", ["scene", "scene_group"])
def test_night_has_no_reflectance_and_a_flat_channel_becomes_0(write_scene, kind) -> None:
    bts = np.random.default_rng(2).uniform(200, 310, (260, 300, 3))
    bts[..., 0] = 251.3 if kind == "scene" else bts[..., 0]
    night = Scene(write_scene(bts=bts, refs=np.zeros((260, 300, 6))), channels="all")
    images = night.images(0, 0, kind=kind)
    assert np.abs(images[..., : 7 if kind == "scene" else 6]).max() < 1e-5
    assert images[..., 7:].std() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("kind", ["scene", "scene_group"])
def test_where_nothing_was_seen_the_fixed_numbers_stay(write_scene, kind) -> None:
    nothing = {"bts": np.full((260, 300, 3), np.nan), "refs": np.full((260, 300, 6), np.nan)}
    scene = Scene(write_scene(**nothing), channels="all")
    fixed, found = scene.scaling("fixed"), scene.scaling(kind)
    np.testing.assert_array_equal(found.offsets, fixed.offsets)
    np.testing.assert_array_equal(found.scales, fixed.scales)
    assert not scene.images(0, 0, kind=kind).any()


def task_of(write_run, **changes) -> CloudTask:
    return CloudTask(runconfig.load(write_run(changes)))


@pytest.mark.parametrize("kind", normalisation.NORMALISATIONS)
def test_training_evaluation_and_whole_scenes_see_the_same_values(kind, write_run, write_scene, tmp_path) -> None:
    write_data(tmp_path / "data", write_scene)
    task = task_of(write_run, **{"hyperparameters.normalisation": kind, "hyperparameters.batch_size": 99})
    assert task.memory == {"normalisation": kind}
    scene = task.test_scenes[0]
    whole = scene.images(0, 0, scene.rows, scene.columns, kind=kind)
    top, left = scene.rows % 256 // 2, scene.columns % 256 // 2
    tile = whole[top : top + 256, left : left + 256]
    np.testing.assert_array_equal(task.eval_batch(np.array([0]))["images_NHWC"][0], tile)
    backend = RuleBackend(channel=7, above=False)
    predict_scene(scene, task, backend)
    (windows,) = backend.seen
    inside = (-(352 - scene.rows + 80) // 2, -(352 - scene.columns + 80) // 2)
    assert windows.shape == (4, 256, 256, 9)
    np.testing.assert_array_equal(windows[0, -inside[0] :, -inside[1] :], whole[: 256 + inside[0], : 256 + inside[1]])
    train = task.train_batch(np.array([0]), 1)["images_NHWC"][0]
    first = Scene(tmp_path / "data" / "train" / "S3A_0.hdf", channels="all")
    np.testing.assert_array_equal(train, first.images(0, 22, kind=kind))


@pytest.mark.parametrize(("memory", "expected"), [({"normalisation": "scene"}, "scene"), ({}, "fixed")])
def test_a_prediction_normalises_as_its_model_was_trained(memory, expected, write_run) -> None:
    task = task_of(write_run, mode="predict", **{"hyperparameters.normalisation": "scene_group"})
    task.memory = memory  # as a checkpoint brings it; one without it is of fixed numbers
    assert task.normalisation == expected


def test_baselines_do_not_depend_on_it(write_run, write_scene, tmp_path) -> None:
    write_data(tmp_path / "data", write_scene)
    found = {}
    for kind in normalisation.NORMALISATIONS:
        task = task_of(write_run, **{"hyperparameters.normalisation": kind})
        found[kind] = list(task.baselines(RuleBackend(channel=7, above=False)))
    assert found["fixed"] == found["scene"] == found["scene_group"]
    (rule,) = [baseline.text for baseline in found["scene"] if baseline.name == "best_threshold"]
    assert rule.startswith("S8 ≤ 2")

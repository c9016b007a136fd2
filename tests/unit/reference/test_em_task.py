"""The benchmark's task on a set of three pairs: crops, whole images, what models are told, metrics, baselines."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from small_sets import EM_STATISTICS, em_files, em_images, prediction_of, run_of, write_set

from reference.em_denoise import facts, metrics
from reference.em_denoise.models import MODELS
from reference.em_denoise.noise import flat_field, noise_level
from reference.em_denoise.task import DenoiseTask
from reference.runtime import layers, runconfig
from reference.runtime.errors import Refused


@pytest.fixture
def task_of(write_run, tmp_path: Path):
    """Open the task with some hyperparameters replaced."""
    root = write_set(tmp_path / "data", em_files(), EM_STATISTICS)

    def make(seed: int = 7, statistics: dict[str, Any] | None = None, **hyperparameters: Any) -> DenoiseTask:
        if statistics:
            write_set(root, em_files(), EM_STATISTICS | statistics)
        changes = run_of("em_denoise", **hyperparameters) | {"data.directory": str(root), "seed": seed}
        return DenoiseTask(runconfig.load(write_run(changes)))

    return make


def alone(**more: Any) -> SimpleNamespace:
    return SimpleNamespace(rank=0, facts=SimpleNamespace(ranks=1), allreduce_sum=lambda array, name: array, **more)


def as_network(image: np.ndarray) -> np.ndarray:
    return ((image - 1.0) / 0.05).astype(np.float32)


def test_an_epoch_has_every_crop_of_every_image(task_of) -> None:
    task = task_of(crop=64, crops_per_image=4)
    assert (task.train_count, task.eval_count, task.batch_size) == (12, 2, 128)


def test_a_crop_is_a_window_of_one_pair_and_both_images_share_it(task_of) -> None:
    task = task_of(crop=64, crops_per_image=2, flat_field="none")
    batch = task.train_batch(np.array([3]), 1)
    noisy, clean = (as_network(images[1, ..., 0]) for images in em_images("train", 3))
    inside = np.lib.stride_tricks.sliding_window_view(clean, (64, 64))
    places = np.argwhere((np.abs(inside - batch["clean_NHWC"][0, ..., 0]) < 1e-4).all((-1, -2)))
    assert len(places) == 1, "sample 3 is the second crop of image 1"
    row, column = places[0]
    np.testing.assert_allclose(batch["noisy_NHWC"][0, ..., 0], noisy[row : row + 64, column : column + 64], atol=1e-3)


def test_a_crop_follows_from_seed_epoch_and_number_alone(task_of) -> None:
    task = task_of(crop=32, crops_per_image=4)
    many = task.train_batch(np.array([11, 0, 5]), 2)
    for position, sample in enumerate((11, 0, 5)):
        for name, array in task_of(crop=32, crops_per_image=4).train_batch(np.array([sample]), 2).items():
            np.testing.assert_array_equal(array[0], many[name][position])
    other_epoch = task.train_batch(np.array([5]), 3)["clean_NHWC"]
    other_seed = task_of(crop=32, crops_per_image=4, seed=8).train_batch(np.array([5]), 2)["clean_NHWC"]
    other_crop = task.train_batch(np.array([4]), 2)["clean_NHWC"]
    for other in (other_epoch, other_seed, other_crop):
        assert not np.array_equal(other[0], many["clean_NHWC"][2])


def test_turned_and_mirrored_crops_are_pairs_still(task_of) -> None:
    plain, turned = task_of(crop=64), task_of(crop=64, augment="dihedral")
    kinds = set()
    for epoch in range(1, 25):
        before, after = (task.train_batch(np.array([0]), epoch) for task in (plain, turned))
        ways = {
            (turns, mirrored): [np.rot90(before[n][0][:, ::-1] if mirrored else before[n][0], turns) for n in before]
            for turns in range(4)
            for mirrored in (False, True)
        }
        (way,) = [w for w, images in ways.items() if np.array_equal(images[1], after["clean_NHWC"][0])]
        np.testing.assert_array_equal(ways[way][0], after["noisy_NHWC"][0])
        kinds.add(way)
    assert len(kinds) == 8, "every one of the eight comes up"


def test_evaluation_is_on_whole_images(task_of) -> None:
    task = task_of(crop=40, flat_field="none")
    batch = task.eval_batch(np.array([1, 0]))
    assert {name: (array.shape, array.dtype.name) for name, array in batch.items()} == {
        "noisy_NHWC": ((2, 256, 256, 1), "float32"), "clean_NHWC": ((2, 256, 256, 1), "float32"),
    }  # fmt: skip
    noisy, clean = em_images("test", 2)
    np.testing.assert_allclose(batch["noisy_NHWC"], as_network(noisy[::-1]), atol=1e-3)
    np.testing.assert_allclose(batch["clean_NHWC"], as_network(clean[::-1]), atol=1e-3)
    assert task.eval_batch(np.empty(0, np.int64))["noisy_NHWC"].shape == (0, 256, 256, 1)


def test_illumination_is_evened_out_before_anything_is_cropped(task_of) -> None:
    noisy = em_images("test", 2)[0][0, ..., 0]
    batch = task_of().eval_batch(np.array([0]))
    np.testing.assert_allclose(batch["noisy_NHWC"][0, ..., 0], as_network(flat_field(noisy)), atol=1e-3)
    crop = task_of(crop=64).train_batch(np.array([0]), 1)["noisy_NHWC"][0]
    whole = task_of().train_batch(np.array([0]), 1)["noisy_NHWC"][0]
    windows = np.lib.stride_tricks.sliding_window_view(whole[..., 0], (64, 64))
    assert (windows == crop[..., 0]).all((-1, -2)).sum() == 1


def test_models_are_told_what_they_ask_for(task_of) -> None:
    asked = {
        name: set(task_of(model=name, crop=32).train_batch(np.array([0]), 1)) - {"noisy_NHWC", "clean_NHWC"}
        for name in MODELS
    }
    assert {name for name, more in asked.items() if more} == {"ffdnet", "class_aware"}
    ffdnet = task_of(model="ffdnet").eval_batch(np.array([0, 1]))
    expected = [noise_level(image[..., 0]) for image in ffdnet["noisy_NHWC"]]
    assert ffdnet["noise_level_N"].tolist() == pytest.approx(expected)
    assert ffdnet["noise_level_N"][0] == pytest.approx(0.2 / 0.05, rel=0.1), "in the network's unit"
    classes = task_of(model="class_aware").eval_batch(np.array([1, 0]))["class_NK"]
    assert classes.tolist() == [[0, 1, 0, 0], [1, 0, 0, 0]]


@pytest.mark.parametrize(("name", "value"), [("crop", 36), ("crop", 264), ("model", "gan"), ("augment", "yes")])
def test_hyperparameters_out_of_range_are_refused(name, value, task_of) -> None:
    with pytest.raises(Refused, match=rf"\$\.hyperparameters\.{name}: .*{value}"):
        task_of(**{name: value})


def test_metrics_are_in_the_units_of_the_data(task_of) -> None:
    task = task_of(flat_field="none")
    batch = task.eval_batch(np.arange(2))
    outputs = batch["clean_NHWC"][..., 0] + np.float32(0.5)
    halves = [task.score(outputs[i : i + 1], {n: a[i : i + 1] for n, a in batch.items()}) for i in range(2)]
    found = task.metrics({name: halves[0][name] + halves[1][name] for name in halves[0]})
    assert tuple(found) == tuple(task.metric_names) == facts.METRICS
    assert found["loss"] == pytest.approx(0.25, rel=1e-5), "in the network's unit"
    assert found["mse"] == pytest.approx(0.25 * 0.05**2, rel=1e-3)
    assert found["psnr"] == pytest.approx(10 * np.log10(0.4**2 / (0.25 * 0.05**2)), abs=0.01)
    nothing = task.no_statistics()
    assert {name: array.shape for name, array in nothing.items()} == {n: a.shape for n, a in halves[0].items()}


def test_baselines_are_scored_on_the_test_images(task_of) -> None:
    known = {"baselines": {"gaussian_filter": {"psnr": 21.5}}}
    found = {baseline.name: baseline for baseline in task_of(flat_field="none", statistics=known).baselines(alone())}
    assert list(found) == ["identity", "mean", "gaussian_filter"]
    assert [baseline.kind for baseline in found.values()] == ["trivial", "trivial", "classical"]
    noisy, clean = (images[..., 0] for images in em_images("test", 2))
    mean = metrics.sums(np.full_like(clean, 1.0), clean, 0.4)
    assert found["identity"].value == pytest.approx(metrics.means(metrics.sums(noisy, clean, 0.4))["psnr"], abs=1e-3)
    assert found["mean"].value == pytest.approx(metrics.means(mean)["psnr"], abs=1e-3)
    assert found["gaussian_filter"].value == 21.5


def test_baselines_are_the_same_on_any_number_of_ranks(task_of) -> None:
    task, parts, whole = task_of(), [], []
    for rank in range(3):
        part = SimpleNamespace(
            rank=rank, facts=SimpleNamespace(ranks=3), allreduce_sum=lambda a, n: parts.append(a) or a + 1
        )
        list(task.baselines(part))
    one = SimpleNamespace(rank=0, facts=SimpleNamespace(ranks=1), allreduce_sum=lambda a, n: whole.append(a) or a)
    list(task.baselines(one))
    np.testing.assert_allclose(sum(parts), whole[0])


def test_what_predictions_need_is_remembered(task_of, write_run) -> None:
    task = task_of()
    assert task.memory == {"mean": 1.0, "deviation": 0.05, "data_range": 0.4}
    assert {"model", "flat_field"} <= set(task.model_options)
    later = DenoiseTask(runconfig.load(write_run(prediction_of("em_denoise", "/in.h5"))))
    assert later.memory == {}, "no data set is opened"
    later.memory = task.memory
    assert later.scale == task.scale


def test_initial_weights_follow_from_the_seed(task_of) -> None:
    drawn = [task_of(seed=seed).initial_weights() for seed in (7, 7, 8)]
    kernel = "bottleneck_convolution2/kernel"
    assert np.array_equal(drawn[0][kernel], drawn[1][kernel])
    assert not np.array_equal(drawn[0][kernel], drawn[2][kernel])
    assert drawn[0].keys() == layers.initial_weights(MODELS["unet"].LAYERS, 0).keys()
    assert task_of(learning_rate=0.2, warmup_steps=0).optimiser(4).schedule.at(0) == 0.2, "the batch is global"

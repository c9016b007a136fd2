"""The benchmark's task on a set of four patterns: batches, dropout, metrics, baselines, what is remembered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy_twin import NumpyBackend
from small_sets import DMS_STATISTICS, dms_files, dms_patterns, prediction_of, run_of, write_set

from reference.dms_classifier import facts, metrics
from reference.dms_classifier.models import MODELS
from reference.dms_classifier.task import PhaseTask
from reference.runtime import layers, runconfig
from reference.runtime.errors import DataError, Refused
from reference.runtime.hdf5 import Stored


@pytest.fixture
def task_of(write_run, tmp_path: Path):
    """Open the task with some hyperparameters replaced."""

    def make(
        seed: int = 7,
        generation: str = "A",
        train: int = 4,
        statistics: dict[str, Any] | None = None,
        **hyperparameters: Any,
    ) -> PhaseTask:
        root = write_set(tmp_path / generation, dms_files(generation, train), DMS_STATISTICS | (statistics or {}))
        changes = run_of("dms_classifier", **hyperparameters) | {"data.directory": str(root), "seed": seed}
        return PhaseTask(runconfig.load(write_run(changes)))

    return make


def as_network(images: np.ndarray) -> np.ndarray:
    return ((np.sqrt(images[..., :1]) - 4) / 2).astype(np.float32)


@pytest.mark.parametrize("generation", ["A", "C"])
def test_batches_hold_what_their_indices_name_in_either_layout(generation, task_of) -> None:
    task = task_of(generation=generation, model="cnn")
    assert (task.train_count, task.eval_count) == (4, 3)
    for batch, seed, count, order in (
        (task.train_batch(np.array([3, 0]), 1), 1, 4, [3, 0]),
        (task.eval_batch(np.array([2, 1])), 2, 3, [2, 1]),
    ):
        images, labels = dms_patterns(count, seed)
        np.testing.assert_allclose(batch["images_NHWC"], as_network(images[order]), atol=1e-6)
        assert batch["images_NHWC"].dtype == np.float32
        assert (batch["labels_N"].tolist(), batch["labels_N"].dtype) == (labels[order].tolist(), np.int64)
    assert batch["index_N"].tolist() == [2, 1]
    nothing = task.eval_batch(np.empty(0, np.int64))
    assert nothing["images_NHWC"].shape == (0, 487, 195, 1)


def test_nothing_is_read_before_the_clock_starts(task_of, monkeypatch) -> None:
    monkeypatch.setattr(Stored, "__getitem__", lambda *_: pytest.fail("a value was read"))
    task_of()


def test_only_dmsnet_takes_masks(task_of) -> None:
    told = {
        name: set(task_of(model=name).train_batch(np.array([0]), 1)) - {"images_NHWC", "labels_N"} for name in MODELS
    }
    assert told == {"cnn": set(), "dmsnet": {"dropout1_NU", "dropout2_NU"}}


def test_dropout_leaves_half_of_the_units_and_doubles_them(task_of) -> None:
    batch = task_of(model="dmsnet").train_batch(np.arange(4), 1)
    for number, units in enumerate(facts.HIDDEN, start=1):
        mask = batch[f"dropout{number}_NU"]
        assert (mask.shape, mask.dtype) == ((4, units), np.float32)
        assert set(np.unique(mask)) == {0.0, 2.0}, "what is left keeps the mean"
        assert mask.mean() == pytest.approx(1, abs=0.15)


def test_a_mask_follows_from_seed_epoch_sample_and_layer_alone(task_of) -> None:
    task, name = task_of(model="dmsnet"), "dropout1_NU"
    many = task.train_batch(np.array([3, 0, 2]), 2)
    for position, sample in enumerate((3, 0, 2)):
        alone = task_of(model="dmsnet").train_batch(np.array([sample]), 2)
        for key in (name, "dropout2_NU"):
            np.testing.assert_array_equal(alone[key][0], many[key][position])
    others = [
        task.train_batch(np.array([0]), 3)[name][0],
        task_of(model="dmsnet", seed=8).train_batch(np.array([0]), 2)[name][0],
        many[name][0],
    ]
    assert not any(np.array_equal(other, many[name][1]) for other in others)
    assert not np.array_equal(many[name][1, :256], many["dropout2_NU"][1])


@pytest.mark.parametrize("count", [0, 2])
def test_no_unit_is_left_out_of_an_evaluation(count, task_of) -> None:
    batch = task_of(model="dmsnet").eval_batch(np.arange(count))
    for number, units in enumerate(facts.HIDDEN, start=1):
        np.testing.assert_array_equal(batch[f"dropout{number}_NU"], np.ones((count, units), np.float32))


def test_metrics_do_not_depend_on_who_scored_which_pattern(task_of) -> None:
    task = task_of(model="cnn")
    logits = np.array([0.5, -1.0, 2.0], np.float32)
    labels = dms_patterns(3, 2)[1]
    expected = metrics.scores(logits, labels)
    for shares in ([[0, 1, 2]], [[2], [0, 1]], [[1], [], [2, 0]]):
        totals = task.no_statistics()
        for share in shares:
            indices = np.array(share, np.int64)
            part = task.score(logits[indices], task.eval_batch(indices))
            totals = {name: totals[name] + part[name] for name in totals}
        found = task.metrics(totals)
        assert found == pytest.approx(expected)
        assert tuple(found) == task.metric_names == facts.METRICS


@pytest.mark.parametrize(
    ("train", "value", "text"),
    [
        (5, 2 / 3, "always tetragonal, 0.6000 of the training patterns"),
        (4, 1 / 3, "always monoclinic, 0.5000 of the training patterns"),
    ],
)
def test_the_commoner_class_of_the_training_is_scored_on_the_test_patterns(train, value, text, task_of) -> None:
    """Two of the three test patterns are tetragonal; of equally common classes the first one is said."""
    (found,) = task_of(train=train).baselines(NumpyBackend())
    assert (found.name, found.metric, found.kind) == ("majority", "accuracy", "trivial")
    assert (found.value, found.text) == (pytest.approx(value), text)


def test_the_linear_model_comes_from_the_manifest_as_a_classical_method(task_of) -> None:
    task = task_of(statistics={"baselines": {"linear_model": {"accuracy": 0.8125}}})
    majority, linear = task.baselines(NumpyBackend())
    assert (linear.name, linear.metric, linear.kind, linear.value) == ("linear_model", "accuracy", "classical", 0.8125)
    assert majority.kind == "trivial"
    assert linear.text == "ridge regression on pixels of 16 × 16; scored when the data set was made"


@pytest.mark.parametrize(("name", "value"), [("model", "vit"), ("batch_size", 0), ("epsilon", -1), ("colour", 1)])
def test_hyperparameters_out_of_range_are_refused(name, value, task_of) -> None:
    with pytest.raises(Refused, match=rf"\$\.hyperparameters.*{name}"):
        task_of(**{name: value})


def test_a_set_without_a_scale_is_refused(task_of) -> None:
    with pytest.raises(DataError, match=r"expected \$\.statistics\.images"):
        task_of(statistics={"images": None})


def test_what_predictions_need_is_remembered(task_of, write_run) -> None:
    task = task_of()
    assert task.memory == {"mean": 4.0, "deviation": 2.0}
    assert task.model_options == ("model",)
    later = PhaseTask(runconfig.load(write_run(prediction_of("dms_classifier", "/in.h5"))))
    assert later.memory == {}, "no data set is opened"
    later.memory = task.memory
    assert later.scale == task.scale


def test_initial_weights_follow_from_the_seed_and_are_those_of_the_model(task_of) -> None:
    drawn = [task_of(seed=seed, model="cnn").initial_weights() for seed in (7, 7, 8)]
    kernel = next(name for name in drawn[0] if name.endswith("kernel"))
    assert np.array_equal(drawn[0][kernel], drawn[1][kernel])
    assert not np.array_equal(drawn[0][kernel], drawn[2][kernel])
    assert drawn[0].keys() == layers.initial_weights(MODELS["cnn"].LAYERS, 0).keys()


def test_the_learning_rate_grows_as_asked_for(task_of) -> None:
    settings = {"learning_rate": 0.1, "warmup_steps": 0, "epsilon": 1e-6}
    for scaling, expected in (("none", 0.1), ("linear", 0.4), ("sqrt", 0.2)):
        optimiser = task_of(learning_rate_scaling=scaling, **settings).optimiser(4)
        assert (optimiser.schedule.at(0), optimiser.epsilon) == (pytest.approx(expected), 1e-6)
    warming = task_of(**settings | {"warmup_steps": 4}).optimiser(1).schedule
    assert warming.at(0) < warming.at(3) <= 0.1

"""The benchmark's task on a data set of three small scenes: manifest, tiles, metrics, baselines, weights."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from reference.runtime import layers, runconfig
from reference.runtime.errors import DataError
from reference.slstr_cloud import baselines, facts, metrics, model
from reference.slstr_cloud.task import CloudTask


@pytest.fixture
def data(tmp_path: Path, write_scene) -> Path:
    """Two training scenes of one tile each and a test scene of two; clouds are cold."""
    files, splits = [], {"train": [], "test": []}
    for number, (split, columns) in enumerate([("train", 300), ("train", 256), ("test", 512)]):
        bts = np.random.default_rng(number).uniform(240, 300, (256, columns, 3)).astype("f4")
        bayes = (bts[..., 1:2] < 262).astype("u1")
        content = write_scene(256, columns, bts=bts, bayes=bayes).read_bytes()
        name = f"{split}/S3A_{9 - number}.hdf"
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        splits[split].append(name)
        files.append({"path": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()})
    manifest: dict[str, Any] = {"layout": {"keys": {}}, "splits": splits, "files": files}
    (tmp_path / "data" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return tmp_path / "data"


def task_of(write_run, **changes: Any) -> CloudTask:
    return CloudTask(runconfig.load(write_run(changes)))


def test_scenes_are_ordered_by_file_name(data, write_run) -> None:
    task = task_of(write_run)
    assert (task.train_count, task.eval_count) == (2, 2)
    first = task.train_batch(np.array([0]), 1)["images_NHWC"]
    raw = np.random.default_rng(1).uniform(240, 300, (256, 256, 3)).astype("f4")  # S3A_8, made second, comes first
    np.testing.assert_allclose(first[0, ..., 6:], (raw - 270) / 22, atol=2e-6)


def test_a_batch_is_what_its_tiles_are(data, write_run) -> None:
    task = task_of(write_run)
    both = task.eval_batch(np.array([1, 0]))
    assert {name: array.dtype.name for name, array in both.items()} == {
        "images_NHWC": "float32", "label_NHW": "uint8", "valid_NHW": "uint8",
    }  # fmt: skip
    for position, index in enumerate((1, 0)):
        alone = task.eval_batch(np.array([index]))
        for name, array in alone.items():
            np.testing.assert_array_equal(array[0], both[name][position])
    assert task.eval_batch(np.empty(0, np.int64))["images_NHWC"].shape == (0, 256, 256, 9)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: (data / "manifest.json").unlink(), "manifest.json: expected a manifest, found no such file"),
        (lambda data: (data / "manifest.json").write_text("{}"), "manifest.json: expected a data-set manifest"),
        (lambda data: (data / "test" / "S3A_7.hdf").unlink(), "S3A_7.hdf: expected .* bytes, found: No such file"),
        (lambda data: (data / "test" / "S3A_7.hdf").write_bytes(b"HDF"), "S3A_7.hdf: expected .* bytes, found 3"),
    ],
)
def test_a_damaged_data_set_is_refused_at_the_start(spoil, message, data, write_run) -> None:
    spoil(data)
    with pytest.raises(DataError, match=message):
        task_of(write_run)


def test_another_manifest_is_refused(data, write_run) -> None:
    with pytest.raises(DataError, match="expected SHA-256 0000"):
        task_of(write_run, **{"data.manifest_sha256": "0" * 64})


def test_metrics_count_every_valid_pixel_once(data, write_run) -> None:
    task = task_of(write_run)
    batch = task.eval_batch(np.arange(2))
    batch["valid_NHW"][0, :100] = 0
    logits = np.random.default_rng(3).normal(size=(2, 256, 256)).astype("f4")
    halves = [
        task.score(logits[i : i + 1], {name: array[i : i + 1] for name, array in batch.items()}) for i in range(2)
    ]
    found = task.metrics({name: halves[0][name] + halves[1][name] for name in halves[0]})
    label, valid = batch["label_NHW"] == 1, batch["valid_NHW"] == 1
    said = logits >= 0
    tp, fp = (said & label & valid).sum(), (said & ~label & valid).sum()
    fn, tn = (~said & label & valid).sum(), (~said & ~label & valid).sum()
    probability = 1 / (1 + np.exp(-logits.astype("f8")))
    entropy = -np.where(label, np.log(probability), np.log(1 - probability))
    assert found == pytest.approx(
        {
            "accuracy": (tp + tn) / valid.sum(),
            "balanced_accuracy": (tp / (tp + fn) + tn / (tn + fp)) / 2,
            "f1": 2 * tp / (2 * tp + fp + fn),
            "iou": tp / (tp + fp + fn),
            "loss": np.mean([entropy[i][valid[i]].mean() for i in range(2)]),
        }
    )


def test_metrics_where_a_class_is_missing() -> None:
    nothing = metrics.confusion(np.array([0, 0, 0, 9]))
    assert (nothing.accuracy, nothing.balanced_accuracy, nothing.f1, nothing.iou) == (1, 1, 1, 1)
    missed = metrics.confusion(np.array([0, 0, 9, 0]))
    assert (missed.accuracy, missed.balanced_accuracy, missed.f1, missed.iou) == (0, 0, 0, 0)


def test_losses_do_not_overflow() -> None:
    logits = np.array([[[-1e4, 1e4]]])
    label, valid = np.array([[[True, True]]]), np.array([[[True, True]]])
    assert metrics.sample_losses(logits, label, valid) == pytest.approx([5e3])
    assert metrics.sample_losses(logits, label, ~valid).tolist() == [0.0]
    assert metrics.probability(logits).tolist() == [[[0.0, 1.0]]]
    assert metrics.logit(0.5) == 0.0


def test_baselines_find_the_cold_clouds(data, write_run) -> None:
    task = task_of(write_run)
    alone = SimpleNamespace(rank=0, facts=SimpleNamespace(ranks=1), allreduce_sum=lambda array, name: array)
    found = {baseline.name: baseline for baseline in task.baselines(alone)}
    share = task.eval_batch(np.arange(2))["label_NHW"].mean()
    assert found["all_cloud"].value == pytest.approx(share)
    assert found["all_clear"].value == pytest.approx(1 - share)
    assert found["best_threshold"].value > 0.99
    assert found["best_threshold"].text.startswith("S8 ≤ 26")


def test_baselines_are_the_same_on_any_number_of_ranks(data, write_run) -> None:
    task = task_of(write_run)
    counts = []
    for rank in range(3):
        part = SimpleNamespace(
            rank=rank, facts=SimpleNamespace(ranks=3), allreduce_sum=lambda a, n: counts.append(a) or a + 1
        )
        list(task.baselines(part))
    whole: list[Any] = []
    alone = SimpleNamespace(rank=0, facts=SimpleNamespace(ranks=1), allreduce_sum=lambda a, n: whole.append(a) or a)
    list(task.baselines(alone))
    assert sum(counts).tolist() == whole[0].tolist()


def test_the_threshold_is_the_best_of_its_candidates() -> None:
    rng = np.random.default_rng(4)
    label = rng.random((1, 64, 64)) < 0.4
    images = rng.normal(size=(1, 64, 64, 3)).astype("f4")
    images[..., 2] += np.where(label, -1.0, 1.0)
    rule = baselines.fit([{"images_NHWC": images, "label_NHW": label, "valid_NHW": np.ones_like(label)}])
    assert (rule.channel, rule.above) == (2, False)
    right = [((images[..., 2] <= cut) == label).mean() for cut in np.linspace(-3, 3, 1201)]
    assert (rule.predict(images) == label).mean() >= max(right) - 0.002


@pytest.mark.parametrize("cloud_above", [True, False])
def test_the_threshold_lies_between_neighbouring_bins(cloud_above) -> None:
    label = np.random.default_rng(4).random((1, 64, 64)) < 0.4
    images = np.where(label == cloud_above, 0.020, 0.010).astype("f4")[..., None]  # an edge lies at 0.0117
    rule = baselines.fit([{"images_NHWC": images, "label_NHW": label, "valid_NHW": np.ones_like(label)}])
    assert np.array_equal(rule.predict(images), label)


@pytest.mark.parametrize("channels", ["all", "thermal"])
def test_the_network_has_the_published_size(channels) -> None:
    drawn = layers.initial_weights(model.layers(len(facts.CHANNELS[channels])), 7)
    assert sum(array.size for array in drawn.values()) == facts.PARAMETERS[channels]
    assert all(array.dtype == np.float32 for array in drawn.values())
    assert not any(drawn[name].any() for name in drawn if name.endswith("bias"))
    kernel = drawn["bottleneck_convolution2/kernel"]
    assert kernel.std() == pytest.approx(math.sqrt(2 / (9 * 256)), rel=0.01)
    again = layers.initial_weights(model.layers(len(facts.CHANNELS[channels])), 7)
    assert all(np.array_equal(drawn[name], again[name]) for name in drawn)

"""Inference over whole test scenes: every scene once, every pixel once, the same on any number of ranks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from cloud_twin import S2, S8, Exchange, RuleBackend, on_ranks, write_data

from logging_spec.events import Event, parse_line
from reference.runtime import lifecycle, runconfig
from reference.runtime.backend import Inference
from reference.slstr_cloud import inference, normalisation
from reference.slstr_cloud.task import CloudTask

PHASE = [
    "inference_start", "inference_throughput", "inference_latency_ms", *["inference_quality"] * 4, "inference_stop",
]  # fmt: skip
KEYS = json.loads((runconfig.ROOT / "logging_spec/keys.json").read_text(encoding="utf-8"))["keys"]


def events_of(path: Path) -> list[Event]:
    return [event for line in path.read_text(encoding="utf-8").splitlines() if (event := parse_line(line))]


def inferred(run: runconfig.RunConfig, ranks: int, *, channel: int = S8, above: bool = False) -> list[list[Event]]:
    """Infer with a rule on one channel on some ranks and return what each of them logged."""

    def work(rank: int, exchange: Exchange) -> list[Event]:
        task = CloudTask(run)
        backend = RuleBackend(channel=channel, above=above, rank=rank, ranks=ranks, exchange=exchange)
        with lifecycle.open_log(run, rank) as log:
            task.inference(backend, log)
        return events_of(run.output.events / f"rank{rank:05d}.mllog")

    return on_ranks(ranks, work)


def quality(events: list[Event]) -> dict[str, Any]:
    return {event.metadata["metric"]: event.value for event in events if event.key == "inference_quality"}


def expected(task: CloudTask, plane: str) -> dict[str, float]:
    """Score the rule S8 < 270 K on whole scenes, pixel by pixel."""
    said, label, valid = [], [], []
    for scene in task.test_scenes:
        whole = (0, 0, scene.rows, scene.columns)
        said.append((scene.kelvins(1) < 270).ravel())
        label.append(scene.label(plane, *whole).ravel())
        valid.append(scene.valid(plane, *whole).ravel())
    said, label, valid = (np.concatenate(parts) for parts in (said, label, valid))
    said, label = said[valid], label[valid]
    hit, recalls = (said & label).sum(), [(said == label)[label == cloud].mean() for cloud in (True, False)]
    return {
        "accuracy": (said == label).mean(),
        "balanced_accuracy": np.mean(recalls),
        "f1": 2 * hit / (said.sum() + label.sum()),
        "iou": hit / (said | label).sum(),
    }


@pytest.fixture
def ready(write_run, write_scene, tmp_path):
    """Write scenes and return what makes a run of them."""

    def make(test_scenes: int = 2, **changes: Any) -> runconfig.RunConfig:
        write_data(tmp_path / "data", write_scene, test_scenes=test_scenes)
        return runconfig.load(write_run(changes))

    return make


def test_the_runtime_sees_that_the_benchmark_has_the_phase(ready) -> None:
    assert isinstance(CloudTask(ready()), Inference)


@pytest.mark.parametrize(("ranks", "test_scenes"), [(1, 2), (2, 2), (3, 2), (2, 3), (3, 1)])
def test_any_number_of_ranks_scores_every_pixel_of_every_scene_once(ranks, test_scenes, ready) -> None:
    run = ready(test_scenes, **{"hyperparameters.labels": "summary"})
    first, *others = inferred(run, ranks)
    assert [event.key for event in first] == PHASE
    assert quality(first) == pytest.approx(expected(CloudTask(run), "summary"))
    assert first[-1].metadata["samples_count"] == test_scenes
    for events in others:
        assert [event.key for event in events] == ["inference_start", "inference_stop"]


def test_each_event_is_as_the_registry_of_keys_says(ready) -> None:
    (events,) = inferred(ready(), 1)
    for event in events:
        entry = KEYS[event.key]
        jsonschema.validate(event.value, entry["value"])
        jsonschema.validate(event.metadata, {"type": "object", **entry.get("metadata", {})})
    values = {event.key: event for event in events}
    assert values["inference_throughput"].metadata["unit"] == "scenes/s"
    assert set(values["inference_latency_ms"].value) == {"p50", "p90", "p99"}
    took_s = (events[-1].metadata["mono_ns"] - events[0].metadata["mono_ns"]) / 1e9
    assert 2 / values["inference_throughput"].value <= took_s, "the scenes are computed inside the phase"


@pytest.mark.parametrize(("ranks", "computed"), [(1, [3]), (2, [2, 2]), (3, [0, 2, 2])])
def test_a_rank_warms_up_on_its_first_scene_and_times_the_others(ranks, computed, ready, monkeypatch) -> None:
    calls: list[list[str]] = [[] for _ in range(ranks)]
    plain = inference.predict_scene

    def counted(scene, task, backend):
        calls[backend.rank].append(scene.path.name)
        return plain(scene, task, backend)

    monkeypatch.setattr(inference, "predict_scene", counted)
    first, *_ = inferred(ready(2), ranks)
    assert [len(names) for names in calls] == computed
    assert sorted(name for names in calls for name in names[1:]) == ["S3A_2.hdf", "S3A_3.hdf"]
    assert [event.metadata["warmup"] for event in first if event.key == "inference_latency_ms"] == [1]


def test_a_scene_is_measured_in_its_own_time_whatever_evaluations_know_of_it(ready, monkeypatch) -> None:
    run = ready(2, **{"hyperparameters.normalisation": "scene"})
    task = CloudTask(run)
    task.eval_batch(np.arange(task.eval_count))
    measured = []
    plain = normalisation.measured
    monkeypatch.setattr(normalisation, "measured", lambda *given: measured.append(1) or plain(*given))
    task.eval_batch(np.arange(task.eval_count))
    assert not measured, "once for each scene"
    with lifecycle.open_log(run, 0) as log:
        task.inference(RuleBackend(channel=S8, above=False), log)
    assert len(measured) == inference.WARMUP + 2


@pytest.mark.parametrize(("plane", "channel", "above"), [("bayes", S8, False), ("summary", S2, True)])
def test_the_label_plane_of_the_run_is_the_one_that_counts(plane, channel, above, ready) -> None:
    run = ready(**{"hyperparameters.labels": plane})
    (events,) = inferred(run, 1, channel=channel, above=above)
    assert quality(events)["accuracy"] == 1.0
    (events,) = inferred(run, 1, channel=S2 if channel == S8 else S8, above=not above)
    assert quality(events)["accuracy"] < 0.6

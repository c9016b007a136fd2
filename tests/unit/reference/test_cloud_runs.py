"""Whole runs of the benchmark without a framework: each label plane and each normalisation from start to prediction."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cloud_twin import S2, S8, RuleBackend, write_data

from logging_spec.events import Event, parse_line
from reference.runtime import program
from reference.runtime.errors import Refused
from reference.slstr_cloud.predict import predict
from reference.slstr_cloud.task import CloudTask

BRIGHT = {"channel": S2, "above": True}
COLD = {"channel": S8, "above": False}


@pytest.fixture
def do(write_run, write_scene, tmp_path: Path, monkeypatch) -> Callable[..., list[Event]]:
    """Do one run with a rule in place of a model and return its events."""
    for name in [name for name in os.environ if name.startswith(("OMPI_", "PMI", "SLURM_"))]:
        monkeypatch.delenv(name)
    write_data(tmp_path / "data", write_scene)

    def execute(rule: dict[str, Any], **changes: Any) -> list[Event]:
        log = tmp_path / "events" / "rank00000.mllog"
        log.unlink(missing_ok=True)
        settings = {name.replace("__", "."): value for name, value in changes.items()}
        before = signal.getsignal(signal.SIGUSR2)
        try:
            program.execute(
                ["--run-config", str(write_run({"limits.max_epochs": 1, "target.value": 0.99} | settings))],
                make_task=CloudTask,
                make_backend=lambda run, task, place: RuleBackend(**rule),
                predict=predict,
            )
        finally:
            signal.signal(signal.SIGUSR2, before)
        return [event for line in log.read_text(encoding="utf-8").splitlines() if (event := parse_line(line))]

    return execute


@pytest.mark.parametrize(
    ("labels", "rule", "reached"),
    [("bayes", COLD, True), ("bayes", BRIGHT, False), ("summary", BRIGHT, True), ("summary", COLD, False)],
)
def test_a_run_is_scored_against_its_label_plane(labels, rule, reached, do) -> None:
    events = do(rule, hyperparameters__labels=labels)
    keys = [event.key for event in events]
    (accuracy,) = [event.value for event in events if event.key == "eval_accuracy"]
    assert (accuracy == 1.0) is reached
    assert keys.count("inference_start") == keys.count("inference_stop") == int(reached), "only where it was reached"
    if reached:
        assert [event.value for event in events if event.key == "inference_quality"] == [1.0] * 4
        assert keys.index("run_stop") < keys.index("inference_start") < keys.index("baseline")
    thresholds = [event for event in events if event.metadata.get("name") == "best_threshold"]
    assert thresholds[0].metadata["rule"].startswith("S8" if labels == "bayes" else "S2")


def test_a_model_predicts_with_the_normalisation_it_was_trained_with(do, tmp_path) -> None:
    do(COLD, hyperparameters__normalisation="scene")
    scene = str(tmp_path / "data" / "test" / "S3A_3.hdf")
    later = {"mode": "predict", "resume_from": str(tmp_path / "checkpoints"), "data__inputs": [scene]}
    do(COLD, **later, hyperparameters__normalisation="fixed")
    document = json.loads((tmp_path / "artifacts" / "predictions.json").read_text(encoding="utf-8"))
    assert document["model"]["normalisation"] == "scene"


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_a_checkpoint_of_another_normalisation_is_refused(mode, do, tmp_path) -> None:
    do(BRIGHT, hyperparameters__normalisation="scene")
    later = {"mode": mode, "resume_from": str(tmp_path / "checkpoints"), "limits__max_epochs": 2}
    expected = r"\$\.hyperparameters\.normalisation: expected scene, as in the checkpoint, found fixed"
    with pytest.raises(Refused, match=expected):
        do(BRIGHT, **later)
    do(BRIGHT, **later, hyperparameters__normalisation="scene")

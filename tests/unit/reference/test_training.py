"""The story of a training: where it stops, what it logs, how it goes on; shown on a task of a few numbers."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy_twin import LineTask, NumpyBackend

from logging_spec.events import parse_line
from reference.runtime import checkpoints, program, sharding
from reference.runtime.errors import DataError, Refused

TARGET = {"metric": "closeness", "direction": "max", "value": 0.999999}


@dataclass(kw_only=True)
class Story:
    """One run from arguments to events."""

    events: list[Any]
    backend: NumpyBackend
    task: LineTask

    def keys(self) -> list[str]:
        return [event.key for event in self.events]

    def metadata(self, key: str) -> list[dict[str, Any]]:
        return [event.metadata for event in self.events if event.key == key]


@pytest.fixture
def tell(write_run, tmp_path: Path, monkeypatch) -> Callable[..., Story]:
    """Execute a run of `LineTask` on `NumpyBackend`."""
    for name in [name for name in os.environ if name.startswith(("OMPI_", "PMI", "SLURM_"))]:
        monkeypatch.delenv(name)

    def execute(
        changes: dict[str, Any],
        *,
        task: LineTask | None = None,
        backend: type[NumpyBackend] = NumpyBackend,
        **options: Any,
    ) -> Story:
        task, twin = task or LineTask(), backend(**options)
        log = tmp_path / "events" / "rank00000.mllog"
        log.unlink(missing_ok=True)
        before = signal.getsignal(signal.SIGUSR2)
        try:
            program.execute(
                ["--run-config", str(write_run({"target": TARGET} | changes))],
                make_task=lambda run: task,
                make_backend=lambda run, task, place: twin,
                predict=lambda run, task, backend: None,
            )
        finally:
            signal.signal(signal.SIGUSR2, before)
        events = [event for line in log.read_text().splitlines() if (event := parse_line(line))]
        return Story(events=events, backend=twin, task=task)

    return execute


def test_life_cycle_in_order(tell) -> None:
    story = tell({"limits.max_epochs": 2})
    keys = story.keys()
    epoch = ["epoch_start", *["tracked_stats"] * 3, "train_loss", "throughput", "data_wait", "epoch_stop"]
    evaluation = ["eval_start", "eval_closeness", "eval_loss", "eval_stop", "checkpoint"]
    ending = ["run_stop", "baseline", "quality_margin"]
    assert keys[keys.index("run_start") :] == ["run_start", *(epoch + evaluation) * 2, *ending]
    assert keys[0] == "init_start"
    assert keys.index("init_stop") == keys.index("run_start") - 1
    assert {"seed", "global_batch_size", "train_samples", "eval_samples", "quality_target"} < set(keys)
    assert story.metadata("run_stop")[0]["status"] == "aborted"
    assert story.metadata("run_stop")[0]["reason"] == "target not reached in 2 epochs"
    assert story.metadata("run_stop")[0]["samples_count"] == 20
    assert [stop["samples_count"] for stop in story.metadata("epoch_stop")] == [10, 10]


def test_every_sample_once_in_an_epoch(tell) -> None:
    story = tell({"limits.max_epochs": 2})
    assert sorted(story.task.seen[:10]) == sorted(story.task.seen[10:]) == list(range(10))
    assert story.task.seen[:10] != story.task.seen[10:]


def test_it_stops_at_the_target(tell) -> None:
    story = tell({"limits.max_epochs": 50})
    assert story.metadata("run_stop")[0]["status"] == "success"
    assert "reason" not in story.metadata("run_stop")[0]
    qualities = [event.value for event in story.events if event.key == "eval_closeness"]
    assert qualities[-1] >= TARGET["value"]
    assert all(quality < TARGET["value"] for quality in qualities[:-1])


def test_a_signal_stops_after_the_step_and_the_rest_of_the_epoch_follows_on_resume(tell, tmp_path) -> None:
    def signal_in_step_4(step: int) -> None:
        if step == 4:
            os.kill(os.getpid(), signal.SIGUSR2)

    stopped = tell({}, after_step=signal_in_step_4)
    assert len(stopped.backend.learning_rates) == 5  # the wish is seen when the next step agrees on it
    assert stopped.keys()[-5:] == ["epoch_stop", "checkpoint", "run_stop", "baseline", "quality_margin"]
    stop = stopped.metadata("run_stop")[0]
    assert (stop["status"], stop["reason"]) == ("aborted", "stopped on request (SIGUSR2)")
    resumed = tell({"resume_from": str(tmp_path / "checkpoints"), "limits.max_epochs": 3})
    whole = tell({"output.checkpoints": str(tmp_path / "others"), "limits.max_epochs": 3})
    assert resumed.task.seen == whole.task.seen[18:], "two samples of the second epoch, and the whole third one"
    assert len(resumed.task.seen) == 12
    assert np.array_equal(resumed.backend.state()["weights/line/kernel"], whole.backend.state()["weights/line/kernel"])


def test_the_wish_of_another_rank_counts(tell) -> None:
    story = tell({}, other_wishes=1)
    assert story.metadata("run_stop")[0]["reason"] == "another rank asked to stop"
    assert len(story.backend.learning_rates) == 1


def test_the_time_limit_ends_the_run(tell) -> None:
    story = tell({"limits.max_seconds": 1e-9, "limits.max_epochs": 50})
    assert story.metadata("run_stop")[0]["reason"] == "time limit reached"


def test_a_diverging_training_says_so_and_saves_nothing(tell, tmp_path) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        story = tell({"limits.max_epochs": 100}, task=LineTask(learning_rate=1e30))
    assert story.metadata("run_stop")[0]["status"] == "aborted"
    assert story.metadata("run_stop")[0]["reason"].startswith("the loss is no longer finite in epoch 1, step")
    assert not list((tmp_path / "checkpoints").glob("*"))


def test_two_epochs_are_one_and_a_resumed_one(tell, tmp_path) -> None:
    tell({"limits.max_epochs": 2, "output.checkpoints": str(tmp_path / "whole")})
    tell({"limits.max_epochs": 1})
    resumed = tell({"limits.max_epochs": 2, "resume_from": str(tmp_path / "checkpoints" / "epoch-0001.npz")})
    assert resumed.keys().count("epoch_start") == 1
    assert [event.value for event in resumed.events if event.key == "resumed_from_epoch"] == [1]
    ours, theirs = (checkpoints.load(tmp_path / name / "epoch-0002.npz") for name in ("checkpoints", "whole"))
    assert ours.progress == theirs.progress
    for name, array in theirs.state.items():
        assert np.array_equal(ours.state[name], array)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"limits.max_epochs": 1}, Refused, r"\$\.limits\.max_epochs: expected at least 2"),
        ({"seed": 8}, Refused, r"\$\.seed: expected 7, as in the checkpoint, found 8"),
        ({"hyperparameters.learning_rate": 0.5}, Refused, r"\$\.hyperparameters\.learning_rate: expected 0\.001"),
        ({"mode": "eval", "hyperparameters.learning_rate": 0.5}, Refused, r"\$\.hyperparameters\.learning_rate"),
        ({"resume_from": "/nowhere/epoch-0001.npz"}, DataError, "/nowhere/epoch-0001.npz: expected a checkpoint"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(changes, error, message, tell, tmp_path) -> None:
    tell({"limits.max_epochs": 1})
    with pytest.raises(error, match=message):
        tell({"resume_from": str(tmp_path / "checkpoints")} | changes)


def test_eval_only_evaluates(tell, tmp_path) -> None:
    trained = tell({"limits.max_epochs": 1})
    evaluated = tell({"mode": "eval", "resume_from": str(tmp_path / "checkpoints"), "target": TARGET | {"value": 0.0}})
    value = [[event.value for event in story.events if event.key == "eval_closeness"] for story in (trained, evaluated)]
    assert value[0] == value[1]
    assert "epoch_start" not in set(evaluated.keys())
    assert evaluated.metadata("run_stop")[0]["status"] == "success"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"world_size_expected": 2}, r"\$\.world_size_expected: expected 1, the ranks that started, found 2"),
        ({"target": TARGET | {"metric": "acuracy"}}, r"\$\.target\.metric: expected one of closeness, loss"),
        ({"mode": "eval"}, r"\$\.resume_from: expected a checkpoint, in mode eval"),
    ],
)
def test_what_cannot_be_is_refused_before_the_clock_starts(changes, message, tell, tmp_path) -> None:
    with pytest.raises(Refused, match=message):
        tell(changes)
    assert "run_start" not in (tmp_path / "events" / "rank00000.mllog").read_text()


def test_no_checkpoints_where_none_are_wanted(tell, tmp_path) -> None:
    story = tell({"checkpoint.every_epochs": 0})
    assert "checkpoint" not in set(story.keys())
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize(("margin", "sufficient"), [(0.0, True), (0.9, False)])
def test_the_log_says_whether_the_model_beats_the_baselines_by_enough(margin: float, sufficient: bool, tell) -> None:
    task = LineTask()
    task.margin = margin
    story = tell({"limits.max_epochs": 50}, task=task)
    best = max(event.value for event in story.events if event.key == "eval_closeness")
    (lead,) = [event for event in story.events if event.key == "quality_margin"]
    assert lead.value == pytest.approx(best - 0.1)
    expected = {"metric": "closeness", "required": margin, "sufficient": sufficient}
    assert {name: lead.metadata[name] for name in expected} == expected


@pytest.mark.parametrize(("epochs", "times"), [(50, 1), (1, 0)])
def test_inference_is_timed_once_the_target_is_reached(epochs: int, times: int, tell) -> None:
    class InferringTask(LineTask):
        calls = 0

        def inference(self, backend, log) -> None:
            self.calls += 1
            with log.interval("inference") as interval:
                interval.stop["samples_count"] = self.eval_count

    task = InferringTask()
    story = tell({"limits.max_epochs": epochs}, task=task)
    assert task.calls == times
    keys = story.keys()
    assert keys[keys.index("run_stop") + 1 : keys.index("baseline")] == ["inference_start", "inference_stop"] * times


def test_an_epoch_is_read_ahead_while_the_one_before_it_is_evaluated(tell) -> None:
    asked, started = [], threading.Event()

    class Task(LineTask):
        def train_batch(self, indices: Any, epoch: int) -> Any:
            asked.append(epoch)
            if epoch == 2:
                started.set()
            return super().train_batch(indices, epoch)

        def eval_batch(self, indices: Any) -> Any:
            assert started.wait(10), "the second epoch is read although no step has asked for it yet"
            return super().eval_batch(indices)

    story = tell({"limits.max_epochs": 2}, task=Task())
    assert asked == [1, 1, 1, 2, 2, 2]
    assert len(story.backend.learning_rates) == 6
    orders = [sharding.permutation(10, seed=7, epoch=epoch).tolist() for epoch in (1, 2)]
    assert story.task.seen == orders[0] + orders[1]


def test_damage_in_the_next_epoch_does_not_keep_this_one_from_its_checkpoint(tell, tmp_path) -> None:
    class Task(LineTask):
        def train_batch(self, indices: Any, epoch: int) -> Any:
            if epoch == 2:
                raise DataError("sample 3 is damaged")
            return super().train_batch(indices, epoch)

    with pytest.raises(DataError, match="sample 3 is damaged"):
        tell({"limits.max_epochs": 2}, task=Task())
    assert [path.name for path in (tmp_path / "checkpoints").glob("*.npz")] == ["epoch-0001.npz"]
    assert not [thread for thread in threading.enumerate() if thread.name == "read-ahead"]


def waits(story: Story) -> list[Any]:
    return [event for event in story.events if event.key == "data_wait"]


def test_an_epoch_says_how_long_its_steps_waited_for_data(tell) -> None:
    class SlowTask(LineTask):
        def train_batch(self, indices: Any, epoch: int) -> Any:
            time.sleep(0.05)
            return super().train_batch(indices, epoch)

    slow = waits(tell({"limits.max_epochs": 2}, task=SlowTask()))
    assert [wait.metadata["epoch_num"] for wait in slow] == [1, 2]
    assert all(wait.value > 0.1 for wait in slow), "three batches of 0.05 s, with nothing to hide them behind"
    assert all(0.5 < wait.metadata["share"] <= 1 for wait in slow)
    assert all(wait.metadata["slowest_rank"] == 0 for wait in slow)


def test_what_one_epoch_waited_is_not_counted_again_in_the_next(tell) -> None:
    class SlowAtFirst(LineTask):
        def train_batch(self, indices: Any, epoch: int) -> Any:
            time.sleep(0.2 if epoch == 1 else 0)
            return super().train_batch(indices, epoch)

    first, second = waits(tell({"limits.max_epochs": 2}, task=SlowAtFirst()))
    assert second.value < first.value / 2


def test_reading_that_steps_hide_is_not_waited_for(tell) -> None:
    def step_takes_longer_than_reading(step: int) -> None:
        time.sleep(0.1)

    for wait in waits(tell({"limits.max_epochs": 2}, after_step=step_takes_longer_than_reading)):
        assert 0 <= wait.metadata["share"] < 0.5


def test_the_rank_that_waited_longest_is_the_one_that_counts(tell) -> None:
    class OneOfThree(NumpyBackend):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.facts = replace(self.facts, ranks=3)

        def allreduce_sum(self, values: Any, name: str) -> Any:
            return values + np.array([0.0, 4000.0, 2000.0]) if name == "data_wait" else values

    story = tell({"world_size_expected": 3, "limits.max_epochs": 1}, backend=OneOfThree)
    (wait,) = waits(story)
    assert (wait.value, wait.metadata["slowest_rank"]) == (4000, 1)

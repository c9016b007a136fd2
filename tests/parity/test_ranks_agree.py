"""A training is the same on one rank and on many, twice the same, and the same in one piece and in two.

One base run of each twin, of one rank and two epochs of two steps (two tiles, then one), is what the others are held
against. On more ranks a step leaves a rank without a tile, and so does the evaluation of the one test tile.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import parity_runs
import pytest
from parity_runs import Finished

pytestmark = [pytest.mark.mpi, pytest.mark.slow]

LOSSES = 1e-5  # found: 2e-7 of the loss
METRICS = 2e-4  # found: 2e-5


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return parity_runs.make_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module", params=["pt", "tf"])
def base(request: pytest.FixtureRequest, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Train two epochs on one rank."""
    folder = tmp_path_factory.mktemp(f"base-{request.param}")
    done = parity_runs.train(folder, data, request.param, 1, limits={"max_epochs": 2, "max_seconds": None})
    assert done.code == 0, done.output
    return done


def twin_of(base: Finished) -> str:
    return base.values("implementation")[0]


def test_the_life_cycle_is_told_by_rank_0(base: Finished) -> None:
    keys = [event.key for event in base.events()]
    assert keys[0] == "init_start"
    assert keys[keys.index("init_stop") + 1] == "run_start"
    assert keys.count("epoch_start") == keys.count("eval_stop") == keys.count("checkpoint") == 2
    assert base.values("train_samples") + base.values("eval_samples") == [3, 1]
    assert base.values("model_parameters") == [1_948_609]
    assert [event.metadata["status"] for event in base.events() if event.key == "run_stop"] == ["aborted"]


def test_more_ranks_follow_the_same_losses(base: Finished, data: Path, tmp_path: Path) -> None:
    ranks = 3
    done = parity_runs.train(tmp_path, data, twin_of(base), ranks)
    assert done.code == 0, done.output
    assert done.values("number_of_ranks") == [ranks]
    losses = [[stats["loss"] for stats in run.values("tracked_stats")] for run in (base, done)]
    np.testing.assert_allclose(losses[1], losses[0][:2], rtol=LOSSES)
    for metric in ("accuracy", "balanced_accuracy", "f1", "iou", "loss"):
        assert done.values(f"eval_{metric}")[0] == pytest.approx(base.values(f"eval_{metric}")[0], abs=METRICS)
    baselines = [run.values("baseline") for run in (base, done)]
    assert baselines[0] == baselines[1]
    for rank in range(1, ranks):
        assert [event.key for event in done.events(rank)] == [
            "init_start", "init_stop", "run_start", "epoch_start", "epoch_stop", "eval_start", "eval_stop", "run_stop",
        ]  # fmt: skip


def test_the_same_seed_gives_the_same_bits(base: Finished, data: Path, tmp_path: Path) -> None:
    again = parity_runs.train(tmp_path, data, twin_of(base), 1)
    assert again.code == 0, again.output
    assert again.values("eval_accuracy")[0] == base.values("eval_accuracy")[0]
    assert_equal(again.state(1), base.state(1))


def test_one_epoch_and_one_more_are_two(base: Finished, data: Path, tmp_path: Path) -> None:
    changes: dict[str, Any] = {
        "limits": {"max_epochs": 2, "max_seconds": None},
        "resume_from": str(base.folder / "checkpoints" / "epoch-0001.npz"),
    }
    resumed = parity_runs.train(tmp_path, data, twin_of(base), 1, **changes)
    assert resumed.code == 0, resumed.output
    assert resumed.values("resumed_from_epoch") == [1]
    assert resumed.values("eval_accuracy") == base.values("eval_accuracy")[1:]
    assert_equal(resumed.state(2), base.state(2))


def test_sigusr2_ends_after_a_step_with_a_checkpoint(base: Finished, data: Path, tmp_path: Path) -> None:
    twin = twin_of(base)
    source = {"directory": str(data), "dataset_id": "micro", "manifest_sha256": None, "simulated": True}
    limits = {"max_epochs": 1000, "max_seconds": None}
    run_file = parity_runs.write_run(tmp_path, twin, data=source, world_size_expected=2, limits=limits)
    process = parity_runs.start(run_file, twin, 2)
    log = tmp_path / "events" / "rank00000.mllog"
    deadline = time.monotonic() + 200
    while not (log.exists() and "tracked_stats" in log.read_text()) and process.poll() is None:
        assert time.monotonic() < deadline, "no step was logged"
        time.sleep(0.1)
    process.send_signal(signal.SIGUSR2)
    done = parity_runs.finish(process, tmp_path)
    assert done.code == 0, done.output
    stop = next(event.metadata for event in done.events() if event.key == "run_stop")
    assert (stop["status"], stop["reason"]) == ("aborted", "stopped on request (SIGUSR2)")
    name = done.values("checkpoint")[-1]
    assert (tmp_path / name).is_file()


def assert_equal(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> None:
    assert ours.keys() == theirs.keys()
    for name, array in theirs.items():
        assert np.array_equal(ours[name], array), name

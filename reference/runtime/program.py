"""What happens when an implementation is started: from the arguments to the exit code."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from logging_spec import ranks
from logging_spec.ranks import Ranks

from . import lifecycle, runconfig, staging
from .backend import Backend, Inference, Preparable, Task
from .errors import Refused
from .lifecycle import EventLog
from .runconfig import RunConfig
from .stop import StopRequest
from .training import ANOTHER, Ending, Training

T = TypeVar("T", bound=Task)


def execute(
    arguments: list[str],
    *,
    make_task: Callable[[RunConfig], T],
    make_backend: Callable[[RunConfig, T, Ranks], Backend],
    predict: Callable[[RunConfig, T, Backend], None],
) -> None:
    """Do the run that the arguments name.

    Args:
        arguments: `--run-config PATH`.
        make_task: builds the benchmark's task; it may look at the data set's manifest, and at no pixel.
        make_backend: builds the framework's backend; it imports the framework, which takes seconds.
        predict: does mode predict, inside the timed part of the run.

    Raises:
        Refused: the configuration is refused.
        DataError: data are missing or bad.
    """
    run = runconfig.from_arguments(arguments)
    place = _place()
    stop = StopRequest()
    stop.listen()
    with lifecycle.open_log(run, place.rank) as log, contextlib.ExitStack() as copies:
        with log.interval("init"):
            task = make_task(run)
            backend = make_backend(run, task, place)
            training = Training(run=run, task=task, backend=backend, log=log, stop=stop)
            _check(run, task, backend, place)
            _log_init(run, task, backend, log, place)
            training.prepare()
        stories: dict[str, Callable[[], Ending]] = {
            "train": training.train,
            "eval": lambda: _evaluate(run, training),
            "predict": lambda: _predict(run, task, backend, predict),
        }
        with log.interval("run") as interval:
            stop.start_clock(run.limits.max_seconds)
            samples = task.samples if isinstance(task, Preparable) else {}
            staged = staging.staged(run, samples, backend=backend, log=log, stop=stop)
            data = copies.enter_context(staged)
            if data is not None and data is not run.data:
                task = make_task(replace(run, data=data))
                training.use(task)
            ending = stories[run.mode]() if data is not None else Ending(reason=stop.reason or ANOTHER)
            interval.stop = {"status": "success" if ending.reached else "aborted"}
            interval.stop |= {"reason": ending.reason} if ending.reason else {}
            interval.stop |= {"samples_count": training.progress.samples} if run.mode == "train" else {}
        if run.mode == "train" and ending.reached and isinstance(task, Inference):
            task.inference(backend, log)
        if run.mode != "predict":
            _log_baselines(run, task, backend, log, training.best)
        copies.close()
        backend.shutdown()


def _evaluate(run: RunConfig, training: Training) -> Ending:
    reached = run.target.reached(training.evaluate()[run.target.metric])
    return Ending(reached=reached, reason=None if reached else "the checkpoint is short of the target")


def _predict(run: RunConfig, task: T, backend: Backend, predict: Callable[[RunConfig, T, Backend], None]) -> Ending:
    predict(run, task, backend)
    return Ending(reached=True)


def _log_baselines(run: RunConfig, task: Task, backend: Backend, log: EventLog, best: float | None) -> None:
    """Log what trivial methods score, and whether the model beats the best of them by enough."""
    bar: float | None = None
    for baseline in task.baselines(backend):
        if baseline.metric == run.target.metric and baseline.kind == "trivial":
            bar = run.target.better(bar, baseline.value)
        metadata = {"name": baseline.name, "metric": baseline.metric, "kind": baseline.kind}
        log.point("baseline", baseline.value, metadata | ({"rule": baseline.text} if baseline.text else {}))
    if bar is not None and best is not None:
        lead, required = run.target.lead(best, bar), task.margin
        sufficient = lead > 0 and lead >= required
        metadata = {"metric": run.target.metric, "required": required, "sufficient": sufficient}
        log.point("quality_margin", lead, metadata)


def _place() -> Ranks:
    try:
        return ranks.from_environment(os.environ)
    except ValueError as error:
        raise Refused(str(error)) from None


def _check(run: RunConfig, task: Task, backend: Backend, place: Ranks) -> None:
    if backend.facts.ranks != run.world_size_expected:
        remedy = f"start it with mpirun -np {run.world_size_expected}, or write the number that is started"
        run.refuse(
            "$.world_size_expected", f"{backend.facts.ranks}, the ranks that started", run.world_size_expected, remedy
        )
    if backend.rank != place.rank:
        raise Refused(
            f"ranks: expected that Horovod and the {place.launcher} environment agree, found rank {backend.rank} and "
            f"rank {place.rank} — start the ranks with the mpirun of the library that Horovod was built with"
        )
    if run.target.metric not in task.metric_names:
        expected = f"one of {', '.join(task.metric_names)}"
        run.refuse("$.target.metric", expected, run.target.metric, "choose a metric of this benchmark")
    if run.mode != "train" and run.resume_from is None:
        run.refuse("$.resume_from", f"a checkpoint, in mode {run.mode}", "null", "name one")


def _log_init(run: RunConfig, task: Task, backend: Backend, log: EventLog, place: Ranks) -> None:
    hosts = backend.allreduce_sum(np.array([place.local_rank == 0], np.int64), "hosts")
    lifecycle.log_facts(log, run, backend.facts, hosts=int(hosts[0]))
    optimiser = task.optimiser(backend.facts.ranks)
    log.point("global_batch_size", task.batch_size)
    log.point("gradient_accumulation_steps", 1)
    for name, samples in (("train_samples", task.train_count), ("eval_samples", task.eval_count)):
        if samples:
            log.point(name, samples)
    log.point("opt_name", "adam")
    log.point("opt_base_learning_rate", optimiser.schedule.base)
    log.point("opt_learning_rate_scaling", optimiser.schedule.scaling)
    log.point("opt_learning_rate_warmup_steps", optimiser.schedule.warmup_steps)
    log.point("opt_epsilon", optimiser.epsilon)
    target = run.target
    log.point("quality_target", target.value, {"metric": target.metric, "direction": target.direction})

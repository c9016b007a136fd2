"""What a twin computes from given weights and batches, model by model: `python twin_steps.py JOBS.json`.

It runs as a process of its own, because two frameworks in one process fight for threads and memory. Each job names a
twin's package, a run.json, the samples of a batch, the side of the squares that batches are cut to, and the file for
what is found.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logging_spec.ranks import Ranks
from reference.runtime import runconfig
from reference.runtime.backend import Backend, Batch, Task
from reference.runtime.checkpoints import State

BATCHES = 4
"""The steps go through that many batches, again and again."""

LEARNING_RATE = 1e-4
BETA1 = 0.9
SHAKE = 0.05
"""How much initial weights are shaken, as a part of their size."""

STATISTICS = ("/mean", "/variance")
"""Ends of the names of running statistics."""


def open_twin(package: str, run_file: Path, place: Ranks) -> tuple[Task, Backend]:
    """Build the task and the backend of a benchmark, by the convention of `parity_subjects`."""
    run = runconfig.load(run_file)
    task = task_of(package.rpartition(".")[0], run)
    return task, importlib.import_module(f"{package}.train").make_backend(run, task, place)


def task_of(package: str, run: runconfig.RunConfig) -> Task:
    """Build the task of a benchmark: the one class of its module `task` that reads training batches."""
    module = importlib.import_module(f"{package}.task")
    (kind,) = [kind for kind in vars(module).values() if isinstance(kind, type) and "train_batch" in vars(kind)]
    return kind(run)


def start(task: Task) -> State:
    """Return the initial weights, shaken: a zero or a one hides what it is added to or multiplied with."""
    rng, shaken = np.random.default_rng(7), {}
    for name, array in task.initial_weights().items():
        size = max(0.2, float(np.sqrt(np.square(array).mean())))
        noise = rng.standard_normal(array.shape, np.float32)
        shaken[f"weights/{name}"] = array + np.float32(SHAKE * size) * noise
    return shaken


def cut(batch: Batch, side: int | None) -> Batch:
    """Cut arrays with rows and columns, which the ends of their names tell, to the square in their middle."""
    if side is None:
        return batch
    return {name: _middle(array, name.rpartition("_")[2], side) for name, array in batch.items()}


def _middle(array: NDArray[Any], axes: str, side: int) -> NDArray[Any]:
    if not {"H", "W"} <= set(axes):
        return array
    starts = [(size - side) // 2 if axis in "HW" else None for axis, size in zip(axes, array.shape, strict=True)]
    window = tuple(slice(None) if first is None else slice(first, first + side) for first in starts)
    return np.ascontiguousarray(array[window])


def compute(job: dict[str, Any]) -> State:
    """Compute what two twins are compared by; where that is one step only, outputs in evaluation and the gradients."""
    task, backend = open_twin(job["package"], Path(job["run"]), Ranks())
    weights, test = start(task), cut(task.eval_batch(np.arange(task.eval_count)), job["side"])
    backend.load_state(weights)
    found = {"evaluation": backend.forward(test)}
    if job["steps"] > 1:
        scores = task.metrics(task.score(found["evaluation"], test))
        found |= {f"metric/{name}": np.array(value) for name, value in scores.items()} | tested(task, backend, test)
        backend.load_state(weights)
    drawn = np.arange(BATCHES * job["samples"]).reshape(BATCHES, -1) % task.train_count
    batches = [cut(task.train_batch(indices, 1), job["side"]) for indices in drawn]
    return found | steps(backend, batches, job["samples"], job["steps"])


def tested(task: Task, backend: Backend, test: Batch) -> State:
    """Compute training's outputs of the test samples, their loss by the referee, and the loss of a step on them.

    The referee is the benchmark's own, in NumPy: every benchmark has the metric `loss`.
    """
    outputs = in_training(backend, test)
    referee = task.metrics(task.score(outputs, test))["loss"]
    done = backend.train_step(test, count=task.eval_count, learning_rate=LEARNING_RATE, wish_to_stop=False)
    return {"training": outputs, "referee": np.array(referee), "tested": np.array(done.loss)}


def steps(backend: Backend, batches: list[Batch], samples: int, count: int) -> State:
    """Do optimiser steps; return their losses, the gradients of the first, and the running statistics after the last.

    What the state consists of is told in words, `name (shape) dtype`.
    """
    found, losses = {}, []
    for step in range(count):
        batch = batches[step % len(batches)]
        done = backend.train_step(batch, count=samples, learning_rate=LEARNING_RATE, wish_to_stop=False)
        losses.append(done.loss)
        found = found or gradients(backend.state())
    state = backend.state()
    words = sorted(f"{name} {array.shape} {array.dtype}" for name, array in state.items())
    return found | statistics(state) | {"losses": np.array(losses), "state": np.array(words)}


def in_training(backend: Any, batch: Batch) -> NDArray[np.float32]:
    """Return the outputs as training computes them; running statistics move."""
    found = backend._network.forward(backend._tensors(batch), training=True)
    return np.array(found.detach() if hasattr(found, "detach") else found, np.float32)


def gradients(after_one_step: State) -> State:
    """Return the gradients of the first step: the first moment starts at zero, and takes a tenth of them."""
    prefix = "adam/first_moment/"
    moments = {name: array for name, array in after_one_step.items() if name.startswith(prefix)}
    return {f"gradient/{name.removeprefix(prefix)}": array / np.float32(1 - BETA1) for name, array in moments.items()}


def statistics(state: State) -> State:
    """Return the running statistics of batch normalisation."""
    weights = {name: array for name, array in state.items() if name.startswith("weights/")}
    return {name.replace("weights", "statistics", 1): a for name, a in weights.items() if name.endswith(STATISTICS)}


if __name__ == "__main__":
    for job in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        np.savez(job["out"], **compute(job))

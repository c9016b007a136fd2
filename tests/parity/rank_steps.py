"""What a twin computes on some ranks, model by model: `mpirun -np N python rank_steps.py JOBS.json`.

The jobs are those of `twin_steps.py`. Global batches are uneven; on two or three ranks some rank has no sample in some
step and in the evaluation.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from twin_steps import LEARNING_RATE, cut, gradients, open_twin, start, statistics

from logging_spec import ranks
from reference.runtime import sharding
from reference.runtime.backend import Backend, Task
from reference.runtime.checkpoints import State

COUNTS = (3, 2, 1)
"""Samples of the steps."""

TESTED = 2
"""Samples of the evaluation, in batches of one."""


def compute(job: dict[str, Any]) -> tuple[State, int]:
    """Return what rank 0 knows in the end, and which rank this is.

    Each step is done from the same weights first, so that rounding is all that may differ, and then one after another.
    """
    task, backend = open_twin(job["package"], Path(job["run"]), ranks.from_environment(os.environ))
    weights, found, losses = start(task), {}, []
    for count in COUNTS:
        backend.load_state(weights)
        losses.append(step(task, backend, count, job["side"]))
        state = backend.state()
        found |= {f"{name}/of-{count}": array for name, array in {**gradients(state), **statistics(state)}.items()}
    backend.load_state(weights if backend.rank == 0 else {name: 0 * array for name, array in weights.items()})
    backend.broadcast_state()
    training = [step(task, backend, count, job["side"]) for count in COUNTS]
    found |= evaluate(task, backend, job["side"]) | {"copies": copies(backend)}
    return found | {"losses": np.array(losses), "training": np.array(training)}, backend.rank


def step(task: Task, backend: Backend, count: int, side: int | None) -> float:
    """Do an optimiser step on this rank's share of the first training samples; return the loss of all."""
    share = sharding.share(np.arange(count) % task.train_count, rank=backend.rank, size=backend.facts.ranks)
    batch = cut(task.train_batch(share, 1), side)
    return backend.train_step(batch, count=count, learning_rate=LEARNING_RATE, wish_to_stop=False).loss


def evaluate(task: Task, backend: Backend, side: int | None) -> State:
    """Score some samples, spread over the ranks."""
    everything = np.arange(min(TESTED, task.eval_count))
    totals = task.no_statistics()
    for part in sharding.batches(sharding.share(everything, rank=backend.rank, size=backend.facts.ranks), 1):
        batch = cut(task.eval_batch(part), side)
        scored = task.score(backend.forward(batch), batch)
        totals = {name: totals[name] + scored[name] for name in totals}
    totals = {name: backend.allreduce_sum(array, f"eval/{name}") for name, array in totals.items()}
    return {f"metric/{name}": np.array(value) for name, value in task.metrics(totals).items()}


def copies(backend: Backend) -> np.ndarray:
    """Return a checksum of every rank's weights and optimiser state, by rank."""
    sums = np.zeros(backend.facts.ranks, np.int64)
    for name, array in sorted(backend.state().items()):
        sums[backend.rank] = zlib.crc32(name.encode() + array.tobytes(), int(sums[backend.rank]))
    return backend.allreduce_sum(sums, "copies")


if __name__ == "__main__":
    for job in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        found, rank = compute(job)
        if rank == 0:
            np.savez(job["out"], **found)

"""What one twin computes from given weights and batches: `python twin_steps.py pt|tf RUN_JSON OUT.npz STEPS`.

It runs as a process of its own, because two frameworks in one process fight for threads and memory.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np

from logging_spec.ranks import Ranks
from reference.runtime import runconfig
from reference.runtime.backend import Batch, Optimiser
from reference.runtime.schedule import Schedule
from reference.slstr_cloud.task import CloudTask

SIDE = 64
"""Rows and columns of an image: the real network on small images."""

SAMPLES = 2
STEPS = 20
LEARNING_RATE, EPSILON = 0.1, 0.01
"""Of the updates in which the optimiser is looked at alone."""


def batches() -> list[Batch]:
    """Draw the batches: noise on a coarse pattern, labels that follow it, and pixels that do not count."""
    rng = np.random.default_rng(11)
    drawn = []
    for _ in range(STEPS):
        coarse = np.kron(rng.normal(size=(SAMPLES, 8, 8)), np.ones((SIDE // 8, SIDE // 8)))
        images = coarse[..., None] + rng.normal(size=(SAMPLES, SIDE, SIDE, 9))
        drawn.append(
            {
                "images_NHWC": images.astype(np.float32),
                "label_NHW": (coarse > 0).astype(np.uint8),
                "valid_NHW": (rng.random((SAMPLES, SIDE, SIDE)) > 0.1).astype(np.uint8),
            }
        )
    return drawn


def main(twin: str, run_file: Path, out: Path, steps: int) -> None:
    """Compute and write."""
    run = runconfig.load(run_file)
    task = CloudTask(run)
    train = importlib.import_module(f"reference.slstr_cloud.{twin}.train")
    runtime = importlib.import_module(f"reference.runtime.{twin}")
    backend = train.make_backend(run, task, Ranks())
    backend.load_state({f"weights/{name}": array for name, array in task.initial_weights().items()})
    first, *_ = drawn = batches()
    found = {"forward": backend.forward(first)}
    loss, gradients = backend._gradients(backend._tensors(first), SAMPLES)
    found["loss"] = np.asarray(loss)
    by_name = zip(backend._trained, gradients, strict=True)
    found |= {f"gradient/{name}": runtime.to_canonical(gradient) for name, gradient in by_name}
    schedule = task.optimiser(1).schedule
    found["step_losses"] = np.array(
        [
            backend.train_step(batch, count=SAMPLES, learning_rate=schedule.at(step), wish_to_stop=False).loss
            for step, batch in enumerate(drawn[:steps])
        ]
    )
    found |= {f"after/{name}": array for name, array in backend.state().items()}
    found |= adam_alone(runtime, backend)
    np.savez(out, **found)


def adam_alone(runtime: Any, backend: Any) -> dict[str, np.ndarray]:
    """Apply three updates with given gradients and an epsilon so large that its place shows."""
    schedule = Schedule(learning_rate=LEARNING_RATE, ranks=1, warmup_steps=0)
    adam = runtime.Adam(backend._trained, Optimiser(schedule=schedule, epsilon=EPSILON))
    names = list(backend._trained)
    before = backend.state()
    for step in range(3):
        gradients = adam_gradients({name: before[f"weights/{name}"].shape for name in names}, step)
        adam.update([runtime.from_canonical(gradients[name]) for name in names], LEARNING_RATE)
    after = backend.state()
    return {f"adam/{name}": after[f"weights/{name}"] - before[f"weights/{name}"] for name in names}


def adam_gradients(shapes: dict[str, tuple[int, ...]], step: int) -> dict[str, np.ndarray]:
    """Draw the gradients of one update."""
    rng = np.random.default_rng([12, step])
    return {name: 0.01 * rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))

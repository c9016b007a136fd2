"""A network of every kind of layer, trained a few steps: `mpirun -np N python layer_steps.py pt|tf OUT.npz`.

Its global batches are uneven, and on two or three ranks some rank has no sample in some step. After that, its optimiser
alone: a few updates with given gradients.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from logging_spec import ranks
from reference.runtime import sharding
from reference.runtime.backend import Optimiser
from reference.runtime.layers import BatchNorm, Convolution, Dense, Layers, TransposedConvolution, initial_weights
from reference.runtime.schedule import Schedule

SIDE = 16
FLAT = 3 * (SIDE - 3) ** 2
BATCHES = (5, 4, 2, 5, 1, 2)
"""Samples of each step."""

LEARNING_RATE, EPSILON = 0.1, 0.01
"""Of the updates in which the optimiser is looked at alone; the epsilon is so large that its place shows."""

UPDATES = 3

TABLE: Layers = {
    "convolution": Convolution(3, 2, 6, bias=False),
    "norm": BatchNorm(6),
    "dilated": Convolution(3, 6, 4, dilation=2),
    "transposed": TransposedConvolution(3, 4, 5),
    "valid": Convolution(4, 5, 3, padding="valid"),
    "dense": Dense(FLAT, 4, bias=False),
    "dense_norm": BatchNorm(4),
    "output": Dense(4, 1, init="glorot_uniform"),
}


def make_backend(twin: str) -> Any:
    """Build the network and the backend of one framework."""
    make = _pt if twin == "pt" else _tf
    run = SimpleNamespace(precision="fp32", seed=1, deterministic=True, threads_per_rank=1)
    schedule = Schedule(learning_rate=0.01, ranks=1, warmup_steps=0)
    return make(run, ranks.from_environment(os.environ), Optimiser(schedule=schedule, epsilon=1e-7))


def _pt(run: Any, place: ranks.Ranks, optimiser: Optimiser) -> Any:
    from torch.nn import functional as F  # noqa: N812

    from reference.runtime.pt import Recipe, TorchBackend
    from reference.runtime.pt_layers import Network, channels_first

    class Every(Network):
        def forward(self, batch: Any, training: bool) -> Any:
            x = channels_first(batch["images_NHWC"])
            x = F.relu(self.layer("norm", self.layer("convolution", x), training))
            x = self.layer("valid", F.relu(self.layer("transposed", F.relu(self.layer("dilated", x)))))
            x = self.layer("dense", F.relu(x).permute(0, 2, 3, 1).reshape(len(x), FLAT))
            return self.layer("output", F.relu(self.layer("dense_norm", x, training)))[:, 0]

    def loss(outputs: Any, batch: Any) -> Any:
        return ((outputs - batch["wanted_N"]) ** 2).sum()

    return TorchBackend(run, place, Recipe(network=lambda: Every(TABLE), loss=loss, optimiser=optimiser))


def _tf(run: Any, place: ranks.Ranks, optimiser: Optimiser) -> Any:
    import tensorflow as tf

    from reference.runtime.tf import Recipe, TensorFlowBackend
    from reference.runtime.tf_layers import Network

    class Every(Network):
        def forward(self, batch: Any, training: bool) -> Any:
            x = batch["images_NHWC"]
            x = tf.nn.relu(self.layer("norm", self.layer("convolution", x), training))
            x = self.layer("valid", tf.nn.relu(self.layer("transposed", tf.nn.relu(self.layer("dilated", x)))))
            x = self.layer("dense", tf.reshape(tf.nn.relu(x), (-1, FLAT)))
            return self.layer("output", tf.nn.relu(self.layer("dense_norm", x, training)))[:, 0]

    def loss(outputs: Any, batch: Any) -> Any:
        return tf.reduce_sum((outputs - batch["wanted_N"]) ** 2)

    return TensorFlowBackend(run, place, Recipe(network=lambda: Every(TABLE), loss=loss, optimiser=optimiser))


def main(twin: str, out: Path) -> None:
    """Train and write losses, outputs and variables."""
    backend = make_backend(twin)
    backend.load_state({f"weights/{name}": array for name, array in initial_weights(TABLE, 5).items()})
    rng, losses = np.random.default_rng(0), []
    for count in BATCHES:
        batch = {"images_NHWC": rng.normal(size=(count, SIDE, SIDE, 2)), "wanted_N": rng.normal(size=count)}
        batch = {name: array.astype(np.float32) for name, array in batch.items()}
        mine = sharding.share(np.arange(count), rank=backend.rank, size=backend.facts.ranks)
        share = {name: array[mine] for name, array in batch.items()}
        step = backend.train_step(share, count=count, learning_rate=0.01, wish_to_stop=False)
        losses.append(step.loss)
    found = {"losses": np.array(losses), "outputs": backend.forward(batch), **backend.state()}
    found |= adam_alone(twin, backend)
    if backend.rank == 0:
        np.savez(out, **found)
    backend.shutdown()


def adam_alone(twin: str, backend: Any) -> dict[str, np.ndarray]:
    """Return how far updates with given gradients move each variable."""
    runtime = importlib.import_module(f"reference.runtime.{twin}")
    schedule = Schedule(learning_rate=LEARNING_RATE, ranks=1, warmup_steps=0)
    adam = runtime.Adam(backend._trained, Optimiser(schedule=schedule, epsilon=EPSILON))
    before = backend.state()
    for update in range(UPDATES):
        given = [gradient(name, before[f"weights/{name}"].shape, update) for name in backend._trained]
        adam.update([runtime.from_canonical(array) for array in given], LEARNING_RATE)
    after = backend.state()
    return {f"moved/{name}": after[f"weights/{name}"] - before[f"weights/{name}"] for name in backend._trained}


def gradient(name: str, shape: tuple[int, ...], update: int) -> np.ndarray:
    """Draw the gradient of a variable in one update."""
    rng = np.random.default_rng([update, *name.encode()])
    return 0.01 * rng.standard_normal(shape, np.float32)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

"""The benchmark as `runtime.backend.Task`: samples, metrics, baselines, initial weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from reference.runtime import layers, manifest
from reference.runtime.backend import Backend, Baseline, Batch, Optimiser, Statistics
from reference.runtime.checkpoints import State
from reference.runtime.errors import DataError
from reference.runtime.hdf5 import Stored
from reference.runtime.manifest import Manifest
from reference.runtime.runconfig import RunConfig, check_hyperparameters, margin
from reference.runtime.schedule import Schedule
from reference.runtime.sharding import Indices

from . import metrics
from .model import LAYERS

BENCHMARK_FILE: Final = Path(__file__).with_name("benchmark.json")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Hyperparameters; benchmark.json declares them, with ranges and defaults."""

    batch_size: int
    """Points of one optimiser step, over all ranks."""

    learning_rate: float
    """Learning rate."""

    warmup_steps: int
    """Steps over which the learning rate rises linearly."""

    epsilon: float
    """Adam's epsilon."""


class Points:
    """Points of a split and the sides on which they lie."""

    def __init__(self, found: Manifest, split: str) -> None:
        """Look at the file, without reading a value.

        Raises:
            DataError: there is none, or it is not what the layout says.
        """
        files = found.splits.get(split, [])
        if len(files) != 1:
            raise DataError(f"{found.directory}: split {split}: expected one file, found {len(files)}")
        self.points, self.labels = (Stored(files[0], key) for key in ("points", "labels"))
        if self.points.shape != (len(self.labels), 2) or not len(self.labels):
            raise DataError(f"{files[0]}: points: expected shape ({len(self.labels)}, 2), found {self.points.shape}")

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Indices) -> Batch:
        """Read points_NC float32 and label_N uint8 of 0 and 1."""
        return {"points_NC": self.points[indices], "label_N": self.labels[indices]}


class ToyTask:
    """Classification of points."""

    metric_names: tuple[str, ...] = ("accuracy", "loss")
    model_options: tuple[str, ...] = ()

    def __init__(self, run: RunConfig) -> None:
        """Check the hyperparameters and look at the data set, without reading a value.

        Raises:
            Refused: a hyperparameter is missing, unknown or out of range, or the mode is predict.
            DataError: the data set is missing, incomplete or not what its manifest says.
        """
        check_hyperparameters(run, BENCHMARK_FILE)
        if run.mode == "predict":
            run.refuse("$.mode", "train or eval", run.mode, "this benchmark has no predictions")
        self.options = Options(**run.hyperparameters)
        self.batch_size = self.options.batch_size
        self.margin = margin(BENCHMARK_FILE)
        self.memory: dict[str, Any] = {}
        self._seed = run.seed
        found = manifest.load(run.data)
        self._train, self._test = (Points(found, split) for split in ("train", "test"))
        self.train_count, self.eval_count = len(self._train), len(self._test)

    def optimiser(self, ranks: int) -> Optimiser:
        """Return the optimiser's settings for that many ranks."""
        options = self.options
        schedule = Schedule(learning_rate=options.learning_rate, ranks=ranks, warmup_steps=options.warmup_steps)
        return Optimiser(schedule=schedule, epsilon=options.epsilon)

    def initial_weights(self) -> State:
        """Draw the initial weights from the run's seed."""
        return layers.initial_weights(LAYERS, self._seed)

    def train_batch(self, indices: Indices, epoch: int) -> Batch:
        """Read training points."""
        return self._train.batch(indices)

    def eval_batch(self, indices: Indices) -> Batch:
        """Read test points."""
        return self._test.batch(indices)

    def no_statistics(self) -> Statistics:
        """Return the statistics of no point."""
        return {"sums": np.zeros(3)}

    def score(self, outputs: NDArray[Any], batch: Batch) -> Statistics:
        """Count what logits_N get right, and sum their losses."""
        return {"sums": metrics.sums(outputs, batch["label_N"])}

    def metrics(self, totals: Statistics) -> dict[str, float]:
        """Compute the metrics of all points."""
        return metrics.means(totals["sums"])

    def baselines(self, backend: Backend) -> Iterator[Baseline]:
        """Score what needs no training on all test points."""
        test = self._test.batch(np.arange(self.eval_count))
        above = test["label_N"] == 1
        share, line = float(above.mean()), float((above == (test["points_NC"][:, 1] > 0)).mean())
        yield Baseline(name="majority", metric="accuracy", value=max(share, 1 - share), text="the commoner side")
        yield Baseline(name="line", metric="accuracy", value=line, text="above is where the ordinate is positive")

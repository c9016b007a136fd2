"""The benchmark as `runtime.backend.Task`: samples, metrics, baselines, initial weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.runtime import layers, manifest
from reference.runtime.backend import Backend, Baseline, Batch, Optimiser, Samples, Statistics
from reference.runtime.checkpoints import State
from reference.runtime.prepared import PreparedSamples, where_prepared
from reference.runtime.runconfig import RunConfig, check_hyperparameters, margin
from reference.runtime.schedule import Scaling, Schedule
from reference.runtime.seeds import generator
from reference.runtime.sharding import Indices

from . import facts, metrics
from .baselines import baselines
from .data import Patterns, Scale, scale_of
from .models import MODELS


@dataclass(frozen=True, kw_only=True)
class Options:
    """Hyperparameters; benchmark.json declares them, with ranges and defaults."""

    model: str
    """Name of the classifier."""

    batch_size: int
    """Patterns of one optimiser step, over all ranks."""

    learning_rate: float
    """Learning rate of one rank, before scaling."""

    learning_rate_scaling: Scaling
    """How the learning rate grows with the number of ranks."""

    warmup_steps: int
    """Steps over which the learning rate rises linearly."""

    epsilon: float
    """Adam's epsilon."""


class PhaseTask:
    """Classification of patterns by crystal phase."""

    metric_names: tuple[str, ...] = facts.METRICS
    model_options: tuple[str, ...] = ("model",)

    def __init__(self, run: RunConfig) -> None:
        """Check the hyperparameters and look at the data set, without reading a pattern.

        Raises:
            Refused: a hyperparameter is missing, unknown or out of range.
            DataError: the data set is missing, incomplete or not what its manifest says.
        """
        check_hyperparameters(run, facts.BENCHMARK_FILE)
        self.options = Options(**run.hyperparameters)
        self.batch_size = self.options.batch_size
        self.margin = margin(facts.BENCHMARK_FILE)
        self.memory: dict[str, Any] = {}
        self.statistics: dict[str, Any] = {}
        self._seed = run.seed
        self.samples: Mapping[str, Samples] = {}
        self.train_count = self.eval_count = 0
        if run.mode != "predict":
            self._open(run)

    def _open(self, run: RunConfig) -> None:
        found = manifest.load(run.data)
        self.statistics, self.memory = found.statistics, asdict(scale_of(found))
        self.train, self.test = (Patterns(found, split) for split in ("train", "test"))
        self.samples = where_prepared(run.data, {"train": self.train, "test": self.test}, PreparedSamples)
        self.train_count, self.eval_count = len(self.train), len(self.test)

    @property
    def scale(self) -> Scale:
        """How counts enter the network; in mode predict as in the training."""
        return Scale(**self.memory)

    def optimiser(self, ranks: int) -> Optimiser:
        """Return the optimiser's settings for that many ranks."""
        options = self.options
        schedule = Schedule(
            learning_rate=options.learning_rate,
            scaling=options.learning_rate_scaling,
            ranks=ranks,
            warmup_steps=options.warmup_steps,
        )
        return Optimiser(schedule=schedule, epsilon=options.epsilon)

    def initial_weights(self) -> State:
        """Draw the initial weights from the run's seed."""
        return layers.initial_weights(MODELS[self.options.model].LAYERS, self._seed)

    def train_batch(self, indices: Indices, epoch: int) -> Batch:
        """Read training patterns: images_NHWC, labels_N, and the masks of the units that dropout leaves."""
        batch = self.samples["train"].batch(indices)
        if self.options.model == "dmsnet":
            for number, units in enumerate(facts.HIDDEN, start=1):
                masks = [
                    generator(self._seed, f"dropout{number}", epoch, int(sample)).random(units) for sample in indices
                ]
                kept = np.array(masks).reshape(len(indices), units) >= facts.DROPOUT
                batch[f"dropout{number}_NU"] = (kept / (1 - facts.DROPOUT)).astype(np.float32)
        return batch

    def eval_batch(self, indices: Indices) -> Batch:
        """Read test patterns: images_NHWC, labels_N and their numbers index_N; no unit is left out."""
        return self.without_dropout(self.samples["test"].batch(indices) | {"index_N": indices.astype(np.int64)})

    def without_dropout(self, batch: Batch) -> Batch:
        """Add masks that leave no unit out, where the model takes masks."""
        if self.options.model == "dmsnet":
            for number, units in enumerate(facts.HIDDEN, start=1):
                batch[f"dropout{number}_NU"] = np.ones((len(batch["images_NHWC"]), units), np.float32)
        return batch

    def no_statistics(self) -> Statistics:
        """Return the statistics of no pattern: a row for each test pattern, which some rank fills in."""
        return {"said": np.zeros((self.eval_count, 2))}

    def score(self, outputs: NDArray[Any], batch: Batch) -> Statistics:
        """Put the log-odds and the labels of some patterns into their rows."""
        said = np.zeros((self.eval_count, 2))
        said[batch["index_N"]] = np.stack([outputs, batch["labels_N"]], axis=1)
        return {"said": said}

    def metrics(self, totals: Statistics) -> dict[str, float]:
        """Compute the metrics of all patterns."""
        logits, labels = totals["said"].T
        return metrics.scores(logits, labels.round().astype(np.int64))

    def baselines(self, backend: Backend) -> Iterator[Baseline]:
        """Score trivial methods on the test patterns."""
        return baselines(self, backend)

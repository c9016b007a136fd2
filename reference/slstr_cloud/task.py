"""The benchmark as `runtime.backend.Task`: samples, metrics, baselines, initial weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reference.runtime import layers, manifest
from reference.runtime.backend import Backend, Baseline, Batch, Optimiser, Samples, Statistics
from reference.runtime.checkpoints import State
from reference.runtime.errors import DataError
from reference.runtime.lifecycle import EventLog
from reference.runtime.prepared import PreparedSamples, where_prepared
from reference.runtime.runconfig import RunConfig, check_hyperparameters, margin
from reference.runtime.schedule import Scaling, Schedule
from reference.runtime.sharding import Indices

from . import facts, metrics, model
from .baselines import baselines
from .data import Tiles
from .inference import infer
from .normalisation import Normalisation
from .scene import Scene


@dataclass(frozen=True, kw_only=True)
class Options:
    """Hyperparameters; benchmark.json declares them, with ranges and defaults."""

    batch_size: int
    """Tiles of one optimiser step, over all ranks."""

    learning_rate: float
    """Learning rate of one rank, before scaling."""

    learning_rate_scaling: Scaling
    """How the learning rate grows with the number of ranks."""

    warmup_steps: int
    """Steps over which the learning rate rises linearly."""

    epsilon: float
    """Adam's epsilon."""

    channels: Literal["all", "thermal"]
    """Nine channels, or the three brightness temperatures."""

    labels: Literal["bayes", "summary"]
    """Label plane."""

    normalisation: Normalisation
    """Fixed numbers for all scenes, or each scene's own mean and standard deviation."""

    threshold: float
    """Probability from which a pixel is called cloud."""


class CloudTask:
    """Cloud segmentation of tiles."""

    metric_names: tuple[str, ...] = facts.METRICS

    def __init__(self, run: RunConfig) -> None:
        """Check the hyperparameters and look at the data set, without reading a pixel.

        Raises:
            Refused: a hyperparameter is missing, unknown or out of range.
            DataError: the data set is missing, incomplete or not what its manifest says.
        """
        check_hyperparameters(run, facts.BENCHMARK_FILE)
        self.options = Options(**run.hyperparameters)
        self.channels = facts.CHANNELS[self.options.channels]
        self.batch_size = self.options.batch_size
        self.memory: dict[str, Any] = {"normalisation": self.options.normalisation}
        self.model_options: tuple[str, ...] = ("channels",)
        self.statistics: dict[str, Any] = {}
        self.margin = margin(facts.BENCHMARK_FILE)
        self._seed = run.seed
        self._train = self._test = Tiles([], self.options.labels)
        self.samples: Mapping[str, Samples] = {}
        if run.mode != "predict":  # there, the checkpoint's memory says how to normalise
            self.model_options += ("normalisation",)
            self._open(run)
        self.train_count, self.eval_count = len(self._train), len(self._test)

    @property
    def normalisation(self) -> Normalisation:
        """How values are normalised: as the run says and, in mode predict, as the model was trained."""
        kind: Normalisation = self.memory.get("normalisation", "fixed")
        return kind

    @property
    def test_scenes(self) -> list[Scene]:
        """Scenes of the test split."""
        return self._test.scenes

    def _open(self, run: RunConfig) -> None:
        found = manifest.load(run.data)
        self.statistics = found.statistics
        self._train, self._test = (self._tiles(found, split) for split in ("train", "test"))
        self.samples = where_prepared(run.data, {"train": self._train, "test": self._test}, PreparedSamples)

    def _tiles(self, found: manifest.Manifest, split: str) -> Tiles:
        files = found.splits.get(split, [])
        scenes = [Scene(path, channels=self.options.channels, layout=found.layout) for path in files]
        for scene in scenes:
            scene.require_labels(self.options.labels)
        tiles = Tiles(scenes, self.options.labels, self.options.normalisation)
        if not len(tiles):
            expected = f"at least one tile of {facts.TILE} × {facts.TILE} pixels"
            raise DataError(
                f"{found.directory}: split {split}: expected {expected}, found none — make the data set anew"
            )
        return tiles

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
        return layers.initial_weights(model.layers(len(self.channels)), self._seed)

    def train_batch(self, indices: Indices, epoch: int) -> Batch:  # noqa: ARG002 - tiles are read as they are
        """Read training tiles."""
        return self.samples["train"].batch(indices)

    def eval_batch(self, indices: Indices) -> Batch:
        """Read test tiles."""
        return self.samples["test"].batch(indices)

    def no_statistics(self) -> Statistics:
        """Return the statistics of no tile."""
        return {"confusion": np.zeros(4, np.int64), "loss": np.zeros(2, np.float64)}

    def score(self, outputs: NDArray[Any], batch: Batch) -> Statistics:
        """Count the pixels of logits_NHW by prediction and label, and sum the tiles' losses."""
        label, valid = batch["label_NHW"].astype(bool), batch["valid_NHW"].astype(bool)
        losses = metrics.sample_losses(outputs, label, valid)
        return {
            "confusion": metrics.count(outputs >= metrics.logit(self.options.threshold), label, valid),
            "loss": np.array([losses.sum(), len(losses)]),
        }

    def metrics(self, totals: Statistics) -> dict[str, float]:
        """Compute the metrics of all tiles."""
        total, tiles = totals["loss"]
        return {**metrics.confusion(totals["confusion"]).as_scores(), "loss": float(total / tiles)}

    def plain_tiles(self) -> tuple[Tiles, Tiles]:
        """Return the training and the test tiles in fixed units, for methods that work in kelvin and reflectance."""
        return self._train.in_fixed_units(), self._test.in_fixed_units()

    def baselines(self, backend: Backend) -> Iterator[Baseline]:
        """Score trivial methods on the test tiles."""
        return baselines(self, backend)

    def inference(self, backend: Backend, log: EventLog) -> None:
        """Compute the test scenes whole, timed as a phase of its own."""
        infer(self, backend, log)

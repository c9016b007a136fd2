"""The benchmark as `runtime.backend.Task`: samples, metrics, baselines, initial weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reference.runtime import layers, manifest
from reference.runtime.backend import Backend, Baseline, Batch, Optimiser, Statistics
from reference.runtime.checkpoints import State
from reference.runtime.disk import Disk
from reference.runtime.prepared import where_prepared
from reference.runtime.runconfig import RunConfig, check_hyperparameters, margin
from reference.runtime.schedule import Scaling, Schedule
from reference.runtime.seeds import generator
from reference.runtime.sharding import Indices

from . import facts, metrics
from .baselines import baselines
from .data import Pairs, Scale, scale_of
from .models import MODELS
from .noise import noise_level
from .samples import CLASS, CLEAN, NOISY, FromFiles, FromPrepared, Pair, PairSamples, even_out


@dataclass(frozen=True, kw_only=True)
class Options:
    """Hyperparameters; benchmark.json declares them, with ranges and defaults."""

    model: str
    """Name of the denoiser."""

    batch_size: int
    """Crops of one optimiser step, over all ranks."""

    learning_rate: float
    """Learning rate of one rank, before scaling."""

    learning_rate_scaling: Scaling
    """How the learning rate grows with the number of ranks."""

    warmup_steps: int
    """Steps over which the learning rate rises linearly."""

    epsilon: float
    """Adam's epsilon."""

    crop: int
    """Rows and columns of a training crop; 256 is the whole image."""

    crops_per_image: int
    """Training crops of an image in an epoch."""

    augment: Literal["none", "dihedral"]
    """Whether crops are turned and mirrored at random."""

    flat_field: Literal["none", "local_mean"]
    """Whether a noisy image is divided by its local mean before anything else, so that the beam's profile is gone."""


class DenoiseTask:
    """Denoising of micrographs: crops to train on, whole images to be scored on."""

    metric_names: tuple[str, ...] = facts.METRICS
    model_options: tuple[str, ...] = ("model", "flat_field")

    def __init__(self, run: RunConfig) -> None:
        """Check the hyperparameters and look at the data set, without reading a pixel.

        Raises:
            Refused: a hyperparameter is missing, unknown or out of range.
            DataError: the data set is missing, incomplete or not what its manifest says.
        """
        check_hyperparameters(run, facts.BENCHMARK_FILE)
        self.options = Options(**run.hyperparameters)
        if self.options.crop % facts.DIVISIBLE_BY:
            expected = f"a multiple of {facts.DIVISIBLE_BY}"
            run.refuse("$.hyperparameters.crop", expected, self.options.crop, "choose another side of the crops")
        self.batch_size = self.options.batch_size
        self.margin = margin(facts.BENCHMARK_FILE)
        self.memory: dict[str, Any] = {}
        self.statistics: dict[str, Any] = {}
        self._seed = run.seed
        self._disk = Disk()
        self.samples: Mapping[str, FromFiles | FromPrepared] = {}
        self.train_count = self.eval_count = 0
        if run.mode != "predict":
            self._open(run)

    def _open(self, run: RunConfig) -> None:
        found = manifest.load(run.data)
        self.statistics, self.memory = found.statistics, asdict(scale_of(found))
        even = self.options.flat_field != "none"
        with_class = self.options.model in facts.NEEDS_CLASS
        readers = {
            split: FromFiles(Pairs(found.splits.get(split, []), split), self.scale, even=even, with_class=with_class)
            for split in ("train", "test")
        }
        self.samples = where_prepared(run.data, readers, FromPrepared)
        self.train_count = len(self.samples["train"]) * self.options.crops_per_image
        self.eval_count = len(self.samples["test"])

    @property
    def scale(self) -> Scale:
        """The affine map between the data's units and the network's; in mode predict that of the training."""
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
        """Read training crops: noisy_NHWC and clean_NHWC, and what else the model needs."""
        side = self.options.crop
        batch, train = self._empty(len(indices), side), self.samples["train"]
        if self._disk.was_needed():
            for sample in indices:
                train.will_need(int(sample) // self.options.crops_per_image)
        for position, sample in enumerate(indices):
            index = int(sample) // self.options.crops_per_image
            if self.options.augment == "none" and side == facts.SIDE:  # nothing is drawn for a whole image
                self._fill(batch, position, train, index, train.window(index, ()))
                continue
            random = generator(self._seed, "crop", epoch, int(sample))
            row, column = random.integers(0, facts.SIDE - side + 1, 2)
            pair = train.window(index, np.s_[row : row + side, column : column + side])
            if self.options.augment == "dihedral":
                turns, mirrored = random.integers(4), random.integers(2)
                pair = tuple(np.rot90(image[:, ::-1] if mirrored else image, turns) for image in pair)
            self._fill(batch, position, train, index, pair)
        return batch

    def eval_batch(self, indices: Indices) -> Batch:
        """Read whole test images: noisy_NHWC and clean_NHWC, and what else the model needs."""
        batch, test = self._empty(len(indices), facts.SIDE), self.samples["test"]
        for position, index in enumerate(indices):
            self._fill(batch, position, test, int(index), test.window(int(index), ()))
        return batch

    def even(self, noisy_HW: NDArray[Any]) -> NDArray[np.float32]:
        """Even out the illumination of an image where that is asked for."""
        return noisy_HW.astype(np.float32) if self.options.flat_field == "none" else even_out(noisy_HW, self.scale)

    def _empty(self, count: int, side: int) -> Batch:
        batch: Batch = {name: np.empty((count, side, side, 1), np.float32) for name in (NOISY, CLEAN)}
        if self.options.model in facts.NEEDS_NOISE_LEVEL:
            batch["noise_level_N"] = np.empty(count, np.float32)
        if self.options.model in facts.NEEDS_CLASS:
            batch[CLASS] = np.empty((count, len(facts.CLASSES)), np.float32)
        return batch

    @staticmethod
    def _fill(batch: Batch, position: int, samples: PairSamples, index: int, pair: Pair) -> None:
        noisy = batch[NOISY][position]
        samples.put(index, pair, (noisy, batch[CLEAN][position]))
        if "noise_level_N" in batch:
            batch["noise_level_N"][position] = noise_level(noisy[..., 0])
        if CLASS in batch:
            batch[CLASS][position] = samples.class_code(index)

    def no_statistics(self) -> Statistics:
        """Return the statistics of no image."""
        return {"scores": np.zeros(4), "loss": np.zeros(1)}

    def score(self, outputs: NDArray[Any], batch: Batch) -> Statistics:
        """Sum up the scores of denoised_NHW, in the data's units, and the images' losses, in the network's."""
        clean = batch["clean_NHWC"][..., 0]
        scores = metrics.sums(self.scale.restore(outputs), self.scale.restore(clean), self.scale.data_range)
        return {"scores": scores, "loss": np.array([metrics.sample_losses(outputs, clean).sum()])}

    def metrics(self, totals: Statistics) -> dict[str, float]:
        """Compute the metrics of all images."""
        return {**metrics.means(totals["scores"]), "loss": float(totals["loss"][0] / totals["scores"][-1])}

    def baselines(self, backend: Backend) -> Iterator[Baseline]:
        """Score methods without training on the test images."""
        return baselines(self, backend)

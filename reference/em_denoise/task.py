"""The benchmark as `runtime.backend.Task`: samples, metrics, baselines, initial weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reference.runtime import layers, manifest
from reference.runtime.backend import Backend, Baseline, Batch, Optimiser, Statistics
from reference.runtime.checkpoints import State
from reference.runtime.disk import Disk
from reference.runtime.runconfig import RunConfig, check_hyperparameters, margin
from reference.runtime.schedule import Scaling, Schedule
from reference.runtime.seeds import generator
from reference.runtime.sharding import Indices

from . import facts, metrics
from .baselines import baselines
from .data import Pairs, Scale, scale_of
from .models import MODELS
from .noise import flat_field, noise_level


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
        self.train_count = self.eval_count = 0
        if run.mode != "predict":
            self._open(run)

    def _open(self, run: RunConfig) -> None:
        found = manifest.load(run.data)
        self.statistics, self.memory = found.statistics, asdict(scale_of(found))
        self._train, self._test = (Pairs(found.splits.get(split, []), split) for split in ("train", "test"))
        self.train_count = len(self._train) * self.options.crops_per_image
        self.eval_count = len(self._test)

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
        batch = self._empty(len(indices), side)
        if self._disk.was_needed():
            for sample in indices:
                self._train.will_need(int(sample) // self.options.crops_per_image)
        for position, sample in enumerate(indices):
            index = int(sample) // self.options.crops_per_image
            if self.options.augment == "none" and side == facts.SIDE:  # nothing is drawn for a whole image
                self._fill(batch, position, self._read(self._train, index, ()), self._train, index)
                continue
            random = generator(self._seed, "crop", epoch, int(sample))
            row, column = random.integers(0, facts.SIDE - side + 1, 2)
            pair = self._read(self._train, index, np.s_[row : row + side, column : column + side])
            if self.options.augment == "dihedral":
                turns, mirrored = random.integers(4), random.integers(2)
                pair = tuple(np.rot90(image[:, ::-1] if mirrored else image, turns) for image in pair)
            self._fill(batch, position, pair, self._train, index)
        return batch

    def eval_batch(self, indices: Indices) -> Batch:
        """Read whole test images: noisy_NHWC and clean_NHWC, and what else the model needs."""
        batch = self._empty(len(indices), facts.SIDE)
        for position, index in enumerate(indices):
            self._fill(batch, position, self._read(self._test, int(index), ()), self._test, int(index))
        return batch

    def _read(self, pairs: Pairs, index: int, window: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        """Read a window of a noisy and a clean image, (rows, columns, 1), with the illumination evened out.

        Raises:
            DataError: a value of the images is not finite; `_fill` looks at images that are taken as they are.
        """
        if window or self.options.flat_field != "none":
            pairs.check(index)
        if self.options.flat_field == "none":
            return pairs.read(index, noisy=window, clean=window)
        noisy, clean = pairs.read(index, clean=window)
        return self.even(noisy[..., 0])[..., None][window], clean

    def even(self, noisy_HW: NDArray[Any]) -> NDArray[np.float32]:
        """Even out the illumination of an image where that is asked for; its level is that of clean images then."""
        if self.options.flat_field == "none":
            return noisy_HW.astype(np.float32)
        even = flat_field(noisy_HW)
        return np.multiply(even, np.float32(self.scale.mean), out=even)

    def _empty(self, count: int, side: int) -> Batch:
        batch: Batch = {name: np.empty((count, side, side, 1), np.float32) for name in ("noisy_NHWC", "clean_NHWC")}
        if self.options.model in facts.NEEDS_NOISE_LEVEL:
            batch["noise_level_N"] = np.empty(count, np.float32)
        if self.options.model in facts.NEEDS_CLASS:
            batch["class_NK"] = np.empty((count, len(facts.CLASSES)), np.float32)
        return batch

    def _fill(self, batch: Batch, position: int, pair: tuple[NDArray[Any], ...], pairs: Pairs, index: int) -> None:
        scale, known, finite = self.scale, pairs.checked[index], True
        for name, image in zip(("noisy_NHWC", "clean_NHWC"), pair, strict=True):
            normalised = scale.normalise_into(image, batch[name][position])
            finite = finite and (known or bool(np.isfinite(normalised).all()))  # while it is in the cache
        if not finite:
            pairs.check(index)
        pairs.checked[index] = True
        if "noise_level_N" in batch:
            # Of the image as it lies in memory, turned or not: the order of a sum decides its last bit.
            batch["noise_level_N"][position] = noise_level(scale.normalise(pair[0])[..., 0])
        if "class_NK" in batch:
            batch["class_NK"][position] = pairs.class_code(index)

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

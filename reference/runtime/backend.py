"""What the story of a run asks of a benchmark (`Task`) and of a framework (`Backend`).

`training.py` tells the story once. `pt.py` and `tf.py` each hold the steps of it that a framework has to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from numpy.typing import NDArray

from .checkpoints import State
from .lifecycle import EventLog, Facts
from .schedule import Schedule
from .sharding import Indices

Batch = dict[str, NDArray[Any]]
"""Arrays of some samples by name; the first axis counts samples, and may be empty."""

Statistics = dict[str, NDArray[Any]]
"""Sums over samples from which metrics follow; adding those of two parts gives those of the whole."""


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """What all ranks know after an optimiser step."""

    loss: float
    """Mean loss over the samples of the global batch, before the update."""

    stop_wishes: int
    """Ranks that want to stop after this step."""


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What a trivial method scores on the evaluation samples."""

    name: str
    """Name of the method."""

    metric: str
    """Name of the metric."""

    value: float
    """What it scores."""

    text: str | None = None
    """The method in words, where its name does not say all."""

    kind: Literal["trivial", "classical"] = "trivial"
    """Trivial, and a model has to beat it, or classical, and it stands there for comparison."""


@dataclass(frozen=True, kw_only=True)
class Optimiser:
    """Adam (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1)."""

    schedule: Schedule
    """Learning rate of each step."""

    epsilon: float
    """Added to the root of the bias-corrected second moment, as in algorithm 1."""

    beta1: float = 0.9
    """Decay of the first moment."""

    beta2: float = 0.999
    """Decay of the second moment."""


class Samples(Protocol):
    """The samples of a split as they are in every epoch: before anything is drawn for them, such as crops."""

    def __len__(self) -> int:
        """Return how many there are."""

    def batch(self, indices: Indices) -> Batch:
        """Read some samples, in the network's units.

        Raises:
            DataError: one is bad.
        """


class Task(Protocol):
    """A benchmark: its samples, its metrics, its initial weights. NumPy only."""

    train_count: int
    """Training samples."""

    eval_count: int
    """Evaluation samples."""

    batch_size: int
    """Samples of one optimiser step, over all ranks."""

    model_options: tuple[str, ...]
    """Hyperparameters that shape the model: a checkpoint only fits a run in which they are the same."""

    metric_names: tuple[str, ...]
    """Names of the metrics, in the order in which they are logged."""

    memory: dict[str, Any]
    """What predictions need to know of the training data, such as their scale: checkpoints keep it."""

    margin: float
    """By how much the best quality has to beat the best baseline, as benchmark.json says."""

    def optimiser(self, ranks: int) -> Optimiser:
        """Return the optimiser's settings for that many ranks."""

    def initial_weights(self) -> State:
        """Draw the initial weights by canonical name."""

    def train_batch(self, indices: Indices, epoch: int) -> Batch:
        """Read training samples. What is drawn for them, such as crops, follows from seed, epoch and index alone."""

    def eval_batch(self, indices: Indices) -> Batch:
        """Read evaluation samples."""

    def no_statistics(self) -> Statistics:
        """Return the statistics of no sample: zeros of the right shapes and dtypes."""

    def score(self, outputs: NDArray[Any], batch: Batch) -> Statistics:
        """Sum up how well the model's outputs match."""

    def metrics(self, totals: Statistics) -> dict[str, float]:
        """Compute the metrics from the statistics of all samples."""

    def baselines(self, backend: Backend) -> Iterator[Baseline]:
        """Score trivial methods on the evaluation samples; all ranks call it, with collectives in the same order."""


@runtime_checkable
class Inference(Protocol):
    """A task whose benchmark times inference as a phase of its own, once a training has reached its target."""

    def inference(self, backend: Backend, log: EventLog) -> None:
        """Do it, between `inference_start` and `inference_stop`; all ranks call it."""


@runtime_checkable
class Preparable(Protocol):
    """A task whose samples staging can prepare, since its batches are made of them."""

    samples: Mapping[str, Samples]
    """By split; those that staging has prepared where `DataSource.prepared` names some (`prepared.where_prepared`)."""


class Backend(Protocol):
    """A model, its optimiser and the communication of ranks in one framework."""

    facts: Facts
    """What it measured about itself."""

    rank: int
    """Index of this rank."""

    def train_step(self, batch: Batch, *, count: int, learning_rate: float, wish_to_stop: bool) -> StepResult:
        """Do one optimiser step on the global batch of `count` samples of which `batch` is this rank's share.

        The loss is the sum over all ranks' samples divided by `count`, and so is the gradient: shares of unequal
        size, empty ones too, weigh as they should.
        """

    def forward(self, batch: Batch) -> NDArray[Any]:
        """Return the model's outputs for some samples, in float32."""

    def allreduce_sum(self, values: NDArray[Any], name: str) -> NDArray[Any]:
        """Sum an array over all ranks; all ranks call it in the same order with the same name."""

    def broadcast_state(self) -> None:
        """Give every rank rank 0's weights and optimiser state."""

    def state(self) -> State:
        """Return weights and optimiser state in the canonical layout."""

    def load_state(self, state: State) -> None:
        """Replace weights and optimiser state; a state of weights only starts the optimiser anew."""

    def shutdown(self) -> None:
        """End the communication."""

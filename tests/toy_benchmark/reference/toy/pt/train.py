"""What the toy benchmark adds to the steps of `runtime/pt.py`."""

from __future__ import annotations

from reference.toy.model import LAYERS
from reference.toy.task import ToyTask
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from logging_spec.ranks import Ranks
from reference.runtime.pt import Recipe, Tensors, TorchBackend
from reference.runtime.runconfig import RunConfig

from .model import Sides


def loss(logits_N: Tensor, batch: Tensors) -> Tensor:
    """Sum the points' binary cross-entropies; see `metrics.sample_losses`."""
    return F.binary_cross_entropy_with_logits(logits_N, batch["label_N"].float(), reduction="sum")


def make_backend(run: RunConfig, task: ToyTask, place: Ranks) -> TorchBackend:
    """Build the backend of this benchmark."""
    recipe = Recipe(network=lambda: Sides(LAYERS), loss=loss, optimiser=task.optimiser(place.size))
    return TorchBackend(run, place, recipe)

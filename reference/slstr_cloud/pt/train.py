"""What the cloud benchmark adds to the steps of `runtime/pt.py`."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from logging_spec.ranks import Ranks
from reference.runtime.pt import Recipe, Tensors, TorchBackend
from reference.runtime.runconfig import RunConfig
from reference.slstr_cloud.model import layers
from reference.slstr_cloud.task import CloudTask

from .model import UNet


def loss(logits_NHW: Tensor, batch: Tensors) -> Tensor:
    """Sum the samples' binary cross-entropies, each the mean over its valid pixels; see `metrics.sample_losses`."""
    label, valid = batch["label_NHW"].float(), batch["valid_NHW"].float()
    pixels = F.binary_cross_entropy_with_logits(logits_NHW, label, weight=valid, reduction="none")
    return (pixels.sum((1, 2)) / valid.sum((1, 2)).clamp(min=1.0)).sum()


def make_backend(run: RunConfig, task: CloudTask, place: Ranks) -> TorchBackend:
    """Build the backend of this benchmark."""
    recipe = Recipe(
        network=lambda: UNet(layers(len(task.channels))),
        loss=loss,
        optimiser=task.optimiser(place.size),
    )
    return TorchBackend(run, place, recipe)

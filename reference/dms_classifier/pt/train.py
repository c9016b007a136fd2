"""What the phase benchmark adds to the steps of `runtime/pt.py`."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from logging_spec.ranks import Ranks
from reference.dms_classifier.models import MODELS
from reference.dms_classifier.task import PhaseTask
from reference.runtime.pt import Recipe, Tensors, TorchBackend
from reference.runtime.runconfig import RunConfig

from .cnn import CNN
from .dmsnet import DMSNet

NETWORKS = {"cnn": CNN, "dmsnet": DMSNet}


def loss(logits_N: Tensor, batch: Tensors) -> Tensor:
    """Sum the samples' cross-entropies; see `metrics.sample_losses`."""
    return F.binary_cross_entropy_with_logits(logits_N, batch["labels_N"].float(), reduction="sum")


def make_backend(run: RunConfig, task: PhaseTask, place: Ranks) -> TorchBackend:
    """Build the backend of this benchmark."""
    name = task.options.model
    recipe = Recipe(
        network=lambda: NETWORKS[name](MODELS[name].LAYERS), loss=loss, optimiser=task.optimiser(place.size)
    )
    return TorchBackend(run, place, recipe)

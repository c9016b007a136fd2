"""What the denoising benchmark adds to the steps of `runtime/pt.py`."""

from __future__ import annotations

from torch import Tensor

from logging_spec.ranks import Ranks
from reference.em_denoise.models import MODELS
from reference.em_denoise.task import DenoiseTask
from reference.runtime.pt import Recipe, Tensors, TorchBackend
from reference.runtime.runconfig import RunConfig

from .class_aware import ClassAware
from .dncnn import DnCNN
from .ffdnet import FFDNet
from .msdnet import MSDNet
from .multiscale import Multiscale
from .rednet import REDNet
from .unet import UNet

NETWORKS = {
    "unet": UNet,
    "dncnn": DnCNN,
    "ffdnet": FFDNet,
    "rednet": REDNet,
    "msdnet": MSDNet,
    "multiscale": Multiscale,
    "class_aware": ClassAware,
}


def loss(denoised_NHW: Tensor, batch: Tensors) -> Tensor:
    """Sum the samples' mean squared errors; see `metrics.sample_losses`."""
    return (denoised_NHW - batch["clean_NHWC"][..., 0]).square().mean((1, 2)).sum()


def make_backend(run: RunConfig, task: DenoiseTask, place: Ranks) -> TorchBackend:
    """Build the backend of this benchmark."""
    name = task.options.model
    recipe = Recipe(
        network=lambda: NETWORKS[name](MODELS[name].LAYERS), loss=loss, optimiser=task.optimiser(place.size)
    )
    return TorchBackend(run, place, recipe)

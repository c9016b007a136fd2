"""What the cloud benchmark adds to the steps of `runtime/pt.py`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from logging_spec.ranks import Ranks
from reference.runtime.pt import Recipe, Tensors, TorchBackend
from reference.runtime.runconfig import RunConfig
from reference.slstr_cloud.facts import PARAMETERS
from reference.slstr_cloud.task import CloudTask

from .model import UNet
from .weights import variables


def forward(model: UNet, batch: Tensors) -> Tensor:
    """Compute logits_NHW.

    Convolutions follow the memory layout of the images. The view that swaps the axes keeps a pixel's channels together,
    which is right for bfloat16; in float32 on AVX2, planes of their own take two thirds of the time.
    """
    images_NCHW = batch["images_NHWC"].permute(0, 3, 1, 2)
    in_bf16 = torch.is_autocast_enabled(images_NCHW.device.type)
    return model(images_NCHW if in_bf16 else images_NCHW.contiguous())


def loss(logits_NHW: Tensor, batch: Tensors) -> Tensor:
    """Sum the samples' binary cross-entropies, each the mean over its valid pixels; see `metrics.sample_losses`."""
    label, valid = batch["label_NHW"].float(), batch["valid_NHW"].float()
    pixels = F.binary_cross_entropy_with_logits(logits_NHW, label, weight=valid, reduction="none")
    return (pixels.sum((1, 2)) / valid.sum((1, 2)).clamp(min=1.0)).sum()


def build_model(channels: str, inputs: int) -> UNet:
    """Build the U-Net and hold its size against the published one."""
    model = UNet(inputs)
    parameters = sum(weight.numel() for weight in variables(model).values())
    assert parameters == PARAMETERS[channels], f"expected {PARAMETERS[channels]} parameters, found {parameters}"
    return model


def make_backend(run: RunConfig, task: CloudTask, place: Ranks) -> TorchBackend:
    """Build the backend of this benchmark."""
    recipe = Recipe(
        model=lambda: build_model(task.options.channels, len(task.channels)),
        variables=variables,
        forward=forward,
        loss=loss,
        optimiser=task.optimiser(place.size),
    )
    return TorchBackend(run, place, recipe)

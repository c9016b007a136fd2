"""Canonical names of the U-Net's weights in PyTorch."""

from __future__ import annotations

from torch import Tensor

from .model import UNet


def variables(model: UNet) -> dict[str, Tensor]:
    """Return the weights by canonical name, layer by layer."""
    named: dict[str, Tensor] = {}
    for name, layer in model.convolutions.items():
        named |= {f"{name}/kernel": layer.weight, f"{name}/bias": layer.bias}
    return named

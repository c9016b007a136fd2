"""Canonical names of the U-Net's weights in TensorFlow."""

from __future__ import annotations

import tensorflow as tf

from .model import UNet


def variables(model: UNet) -> dict[str, tf.Variable]:
    """Return the weights by canonical name, layer by layer."""
    named: dict[str, tf.Variable] = {}
    for name, layer in model.convolutions.items():
        named |= {f"{name}/kernel": layer.kernel.value, f"{name}/bias": layer.bias.value}
    return named

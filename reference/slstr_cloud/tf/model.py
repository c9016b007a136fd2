"""The U-Net in TensorFlow."""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import layers as L  # noqa: N812 - short, as F in the PyTorch twin
from keras import ops

from reference.slstr_cloud.facts import WIDTHS
from reference.slstr_cloud.weights import layers


class UNet(keras.Model):
    """U-Net 32-64-128-256 that maps images_NHWC, of rows and columns divisible by 8, to logits_NHW."""

    def __init__(self, channels: int) -> None:
        """Build the model for that many input channels."""
        super().__init__()
        self.convolutions = {
            name: L.Conv2D(outputs, size, padding="same") for name, (size, _, outputs) in layers(channels).items()
        }
        for name, (_, inputs, _) in layers(channels).items():
            self.convolutions[name].build((None, None, None, inputs))

    def call(self, images_NHWC: tf.Tensor) -> tf.Tensor:
        """Compute the logits."""
        x, skips = images_NHWC, []
        for level in range(1, len(WIDTHS)):
            x = self.block(f"encoder{level}", x)
            skips.append(x)
            x = ops.max_pool(x, 2)
        x = self.block("bottleneck", x)
        for level in range(len(WIDTHS) - 1, 0, -1):
            x = L.UpSampling2D(2, interpolation="nearest")(x)
            x = ops.concatenate([x, skips.pop()], axis=-1)
            x = self.block(f"decoder{level}", x)
        return self.convolutions["output"](x)[..., 0]

    def block(self, name: str, x: tf.Tensor) -> tf.Tensor:
        """Apply the two convolutions of a level."""
        x = ops.relu(self.convolutions[f"{name}_convolution1"](x))
        return ops.relu(self.convolutions[f"{name}_convolution2"](x))

"""The U-Net in TensorFlow."""

from __future__ import annotations

import tensorflow as tf

from reference.runtime.tf_layers import Network, Tensors, upsample
from reference.slstr_cloud.facts import WIDTHS


class UNet(Network):
    """U-Net 32-64-128-256 that maps images_NHWC, of rows and columns divisible by 8, to logits_NHW."""

    def forward(self, batch: Tensors, training: bool) -> tf.Tensor:  # noqa: ARG002 - it trains as it evaluates
        """Compute the logits."""
        x, skips = batch["images_NHWC"], []
        for level in range(1, len(WIDTHS)):
            x = self._block(f"encoder{level}", x)
            skips.append(x)
            x = tf.nn.max_pool2d(x, 2, 2, "VALID")
        x = self._block("bottleneck", x)
        for level in range(len(WIDTHS) - 1, 0, -1):
            x = upsample(x)
            x = tf.concat([x, skips.pop()], axis=-1)
            x = self._block(f"decoder{level}", x)
        return self.layer("output", x)[..., 0]

    def _block(self, name: str, x: tf.Tensor) -> tf.Tensor:
        """Apply the two convolutions of a level."""
        x = tf.nn.relu(self.layer(f"{name}_convolution1", x))
        return tf.nn.relu(self.layer(f"{name}_convolution2", x))

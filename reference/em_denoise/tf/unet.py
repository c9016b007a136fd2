"""U-Net 8-16-32-64 in TensorFlow; see `models/unet.py`."""

from __future__ import annotations

import tensorflow as tf

from reference.em_denoise.models.unet import WIDTHS
from reference.runtime.tf_layers import Network, Tensors, upsample


class UNet(Network):
    """Maps noisy_NHWC, of rows and columns divisible by 8, to denoised_NHW."""

    def forward(self, batch: Tensors, training: bool) -> tf.Tensor:
        """Denoise."""
        x, skips = batch["noisy_NHWC"], []
        for level in range(1, len(WIDTHS)):
            x = self._block(f"encoder{level}", x, training)
            skips.append(x)
            x = tf.nn.max_pool2d(x, 2, 2, "VALID")
        x = self._block("bottleneck", x, training)
        for level in range(len(WIDTHS) - 1, 0, -1):
            x = tf.concat([upsample(x), skips.pop()], axis=-1)
            x = self._block(f"decoder{level}", x, training)
        return self.layer("output", x)[..., 0]

    def _block(self, name: str, x: tf.Tensor, training: bool) -> tf.Tensor:
        """Apply the two convolutions of a level, each with activation and normalisation."""
        x = self.layer(f"{name}_norm1", tf.nn.relu(self.layer(f"{name}_convolution1", x)), training)
        return self.layer(f"{name}_norm2", tf.nn.relu(self.layer(f"{name}_convolution2", x)), training)

"""The multiscale network in TensorFlow; see `models/multiscale.py`."""

from __future__ import annotations

import tensorflow as tf

from reference.em_denoise.models.multiscale import BLOCKS, SCALES
from reference.runtime.tf_layers import Network, Tensors, upsample


class Multiscale(Network):
    """Maps noisy_NHWC, of rows and columns divisible by 4, to denoised_NHW."""

    def forward(self, batch: Tensors, training: bool) -> tf.Tensor:  # noqa: ARG002 - it trains as it evaluates
        """Denoise from coarse to fine."""
        noisy = batch["noisy_NHWC"]
        x = None
        for scale in SCALES:
            image = tf.nn.avg_pool2d(noisy, scale, scale, "VALID")
            x = image if x is None else tf.concat([image, upsample(x)], axis=-1)
            x = image + tf.cast(self._correction(f"scale{scale}", x), image.dtype)
        return x[..., 0]

    def _correction(self, name: str, x: tf.Tensor) -> tf.Tensor:
        """Apply the residual blocks of a scale."""
        x = tf.nn.relu(self.layer(f"{name}_first", x))
        for block in range(1, BLOCKS + 1):
            inside = tf.nn.relu(self.layer(f"{name}_block{block}_convolution1", x))
            x = x + self.layer(f"{name}_block{block}_convolution2", inside)
        return self.layer(f"{name}_last", x)

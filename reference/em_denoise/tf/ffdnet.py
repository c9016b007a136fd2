"""FFDNet in TensorFlow; see `models/ffdnet.py`."""

from __future__ import annotations

import tensorflow as tf

from reference.em_denoise.models.ffdnet import DEPTH, FACTOR
from reference.runtime.tf_layers import Network, Tensors


class FFDNet(Network):
    """Maps noisy_NHWC, of even rows and columns, and noise_level_N to denoised_NHW."""

    def forward(self, batch: Tensors, training: bool) -> tf.Tensor:  # noqa: ARG002 - it trains as it evaluates
        """Denoise at half the size."""
        x = tf.nn.space_to_depth(batch["noisy_NHWC"], FACTOR)
        level = tf.reshape(tf.cast(batch["noise_level_N"], x.dtype), (-1, 1, 1, 1))
        x = tf.concat([x, level * tf.ones_like(x[..., :1])], axis=-1)
        for number in range(1, DEPTH):
            x = tf.nn.relu(self.layer(f"convolution{number}", x))
        return tf.nn.depth_to_space(self.layer(f"convolution{DEPTH}", x), FACTOR)[..., 0]

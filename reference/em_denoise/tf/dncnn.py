"""DnCNN in TensorFlow; see `models/dncnn.py`."""

from __future__ import annotations

import tensorflow as tf

from reference.em_denoise.models.dncnn import DEPTH
from reference.runtime.tf_layers import Network, Tensors


class DnCNN(Network):
    """Maps noisy_NHWC to denoised_NHW."""

    def forward(self, batch: Tensors, training: bool) -> tf.Tensor:
        """Predict the noise and take it away."""
        noisy = batch["noisy_NHWC"]
        x = tf.nn.relu(self.layer("convolution1", noisy))
        for number in range(2, DEPTH):
            x = tf.nn.relu(self.layer(f"norm{number}", self.layer(f"convolution{number}", x), training))
        return (noisy - tf.cast(self.layer(f"convolution{DEPTH}", x), noisy.dtype))[..., 0]

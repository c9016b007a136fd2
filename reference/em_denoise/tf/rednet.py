"""RED-Net in TensorFlow; see `models/rednet.py`."""

from __future__ import annotations

import tensorflow as tf

from reference.em_denoise.models.rednet import DEPTH, SKIP_EVERY
from reference.runtime.tf_layers import Network, Tensors


class REDNet(Network):
    """Maps noisy_NHWC to denoised_NHW."""

    def forward(self, batch: Tensors, training: bool) -> tf.Tensor:  # noqa: ARG002 - it trains as it evaluates
        """Encode, decode, and add what was kept on the way down."""
        noisy = batch["noisy_NHWC"]
        x, kept = noisy, {}
        for number in range(1, DEPTH + 1):
            x = tf.nn.relu(self.layer(f"convolution{number}", x))
            if number % SKIP_EVERY == 0:
                kept[number] = x
        for number in range(DEPTH, 1, -1):
            x = self.layer(f"transposed{number}", x)
            x = tf.nn.relu(x + kept[number - 1] if number - 1 in kept else x)
        return (noisy + tf.cast(self.layer("transposed1", x), noisy.dtype))[..., 0]

"""The mixed-scale dense network in TensorFlow; see `models/msdnet.py`."""

from __future__ import annotations

import tensorflow as tf

from reference.em_denoise.models.msdnet import DEPTH
from reference.runtime.tf_layers import Network, Tensors


class MSDNet(Network):
    """Maps noisy_NHWC to denoised_NHW."""

    def forward(self, batch: Tensors, training: bool) -> tf.Tensor:  # noqa: ARG002 - it trains as it evaluates
        """Let every layer see all that came before it."""
        seen = batch["noisy_NHWC"]
        for number in range(1, DEPTH + 1):
            new = tf.nn.relu(self.layer(f"layer{number}", seen))
            seen = tf.concat([tf.cast(seen, new.dtype), new], axis=-1)
        return self.layer("output", seen)[..., 0]

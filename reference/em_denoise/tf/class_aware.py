"""The class-aware network in TensorFlow; see `models/class_aware.py`."""

from __future__ import annotations

import tensorflow as tf

from reference.em_denoise.models.class_aware import DEPTH, WIDTH
from reference.runtime.tf_layers import Network, Tensors


class ClassAware(Network):
    """Maps noisy_NHWC and class_NK to denoised_NHW."""

    def forward(self, batch: Tensors, training: bool) -> tf.Tensor:  # noqa: ARG002 - it trains as it evaluates
        """Let every layer correct the estimate a little."""
        estimate = batch["noisy_NHWC"]
        classes = tf.cast(batch["class_NK"], estimate.dtype)[:, None, None, :]
        x = tf.concat([estimate, classes * tf.ones_like(estimate)], axis=-1)
        for number in range(1, DEPTH):
            x = self.layer(f"convolution{number}", x)
            estimate = estimate + tf.cast(x[..., WIDTH - 1 :], estimate.dtype)
            x = tf.nn.relu(x[..., : WIDTH - 1])
        return (estimate + tf.cast(self.layer(f"convolution{DEPTH}", x), estimate.dtype))[..., 0]

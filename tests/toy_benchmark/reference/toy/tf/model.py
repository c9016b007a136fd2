"""The network in TensorFlow."""

from __future__ import annotations

import tensorflow as tf

from reference.runtime.tf_layers import Network, Tensors


class Sides(Network):
    """Maps points_NC to logits_N."""

    def forward(self, batch: Tensors, training: bool) -> tf.Tensor:
        """Compute the logits."""
        x = tf.nn.relu(self.layer("dense1", batch["points_NC"]))
        x = tf.nn.relu(self.layer("dense2", x))
        return self.layer("output", x)[:, 0]

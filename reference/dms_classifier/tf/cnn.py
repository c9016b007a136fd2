"""The small CNN in TensorFlow; see `models/cnn.py`."""

from __future__ import annotations

import tensorflow as tf

from reference.runtime.tf_layers import Network, Tensors, flatten


class CNN(Network):
    """Maps images_NHWC to the log-odds of class 1, logits_N."""

    def forward(self, batch: Tensors, training: bool) -> tf.Tensor:
        """Classify."""
        x = batch["images_NHWC"]
        for number in (1, 2):
            x = tf.nn.max_pool2d(tf.nn.relu(self.layer(f"convolution{number}", x)), 2, 2, "VALID")
            x = self.layer(f"norm{number}", x, training)
        x = flatten(x)
        for number in (1, 2):
            x = self.layer(f"norm{number + 2}", tf.nn.relu(self.layer(f"dense{number}", x)), training)
        return self.layer("output", x)[:, 0]

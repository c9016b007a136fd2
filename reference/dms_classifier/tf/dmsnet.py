"""DMSNet in TensorFlow; see `models/dmsnet.py`."""

from __future__ import annotations

import tensorflow as tf

from reference.dms_classifier.models.dmsnet import CHANNELS
from reference.runtime.tf_layers import Network, Tensors, flatten


class DMSNet(Network):
    """Maps images_NHWC and the masks dropout1_NU, dropout2_NU to the log-odds of class 1, logits_N."""

    def forward(self, batch: Tensors, training: bool) -> tf.Tensor:
        """Classify; the log-odds are the difference of the two logits."""
        x = tf.repeat(batch["images_NHWC"], CHANNELS, -1)
        for number in (1, 2):
            x = tf.nn.max_pool2d(tf.nn.relu(self.layer(f"convolution{number}", x)), 2, 2, "VALID")
            x = self.layer(f"norm{number}", x, training)
        x = flatten(x)
        for number in (1, 2):
            x = tf.nn.relu(self.layer(f"dense{number}", x))
            x = x * tf.cast(batch[f"dropout{number}_NU"], x.dtype)
        logits = self.layer("output", x)
        return logits[:, 1] - logits[:, 0]

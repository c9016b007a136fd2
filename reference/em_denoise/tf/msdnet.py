"""The mixed-scale dense network in TensorFlow; see `models/msdnet.py`."""

from __future__ import annotations

import tensorflow as tf

from reference.em_denoise.models.msdnet import CYCLES, DILATIONS, channels, name
from reference.runtime.tf_layers import Network, Tensors, convolve


class MSDNet(Network):
    """Maps noisy_NHWC to denoised_NHW."""

    def forward(self, batch: Tensors, training: bool) -> tf.Tensor:  # noqa: ARG002 - it trains as it evaluates
        """Let every layer see all that came before it, a cycle of dilations at a time."""
        seen = [batch["noisy_NHWC"]]
        sums: dict[int, tf.Tensor] = {}
        for cycle in range(CYCLES):
            for dilation in range(1, DILATIONS + 1):
                given = self._to_later_layers(seen[-1], cycle, dilation)
                sums[dilation] = given if cycle == 0 else sums[dilation][..., 1:] + given
            seen.append(self._cycle(cycle, sums))
        seen[0] = tf.cast(seen[0], seen[-1].dtype)
        return self.layer("output", tf.concat(seen, -1))[..., 0]

    def _to_later_layers(self, images: tf.Tensor, cycle: int, dilation: int) -> tf.Tensor:
        """Return what the images before a cycle add to its layer of a dilation and to those of the cycles after it."""
        layers = [self.of_layer(name(later, dilation)) for later in range(cycle, CYCLES)]
        kernel = tf.concat([layer["kernel"][:, :, channels(cycle - 1)] for layer in layers], -1)
        bias = tf.concat([layer["bias"] for layer in layers], 0) if cycle == 0 else None
        return convolve(images, kernel, bias, dilation=dilation)

    def _cycle(self, cycle: int, sums: dict[int, tf.Tensor]) -> tf.Tensor:
        """Compute the layers of a cycle from what earlier cycles gave them and from each other."""
        found: list[tf.Tensor] = []
        for dilation in range(1, DILATIONS + 1):
            given = sums[dilation][..., :1]
            if found:
                kernel = self.of_layer(name(cycle, dilation))["kernel"][:, :, channels(cycle).start :]
                given = given + convolve(tf.concat(found, -1), kernel, dilation=dilation)
            found.append(tf.nn.relu(given))
        return tf.concat(found, -1)

"""RED-Net: Mao, Shen and Yang 2016, "Image restoration using very deep convolutional encoder-decoder networks with
symmetric skip connections" (arXiv:1603.09056).

RED30 of section 3: 15 convolutions and 15 transposed convolutions of 3×3 and 64 channels, stride 1, a ReLU after each.
Every second convolution's output (2, 4, … 14) is added to that of its mirror image among the transposed ones, before
its ReLU, and the input to the last output (figure 1): the network learns a residual. 1,035,201 trainable parameters;
receptive field 61×61; the paper's crop is 50×50. The last layer here is linear, because a normalised image has negative
values that a ReLU would cut off.
"""

from __future__ import annotations

from typing import Final

from reference.runtime.layers import Convolution, Layers, TransposedConvolution

DEPTH: Final = 15
"""Convolutions, and as many transposed ones."""

WIDTH: Final = 64
SKIP_EVERY: Final = 2
PARAMETERS: Final = 1_035_201


def _layers() -> Layers:
    table: Layers = {"convolution1": Convolution(3, 1, WIDTH)}
    for number in range(2, DEPTH + 1):
        table[f"convolution{number}"] = Convolution(3, WIDTH, WIDTH)
    for number in range(DEPTH, 1, -1):
        table[f"transposed{number}"] = TransposedConvolution(3, WIDTH, WIDTH)
    return {**table, "transposed1": TransposedConvolution(3, WIDTH, 1)}


LAYERS: Final = _layers()

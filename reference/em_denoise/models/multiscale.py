"""Multiscale CNN: the suite's text names one and no source, so this is a published one.

Nah, Kim and Lee 2017, "Deep multi-scale convolutional neural network for dynamic scene deblurring" (arXiv:1612.02177),
section 3.2: one network of residual blocks without normalisation for each scale of a pyramid, from coarse to fine; the
restored coarse image, made larger, is a second input of the next finer scale. Smaller than theirs, which has 120
convolutions of 5×5 in all, 19 blocks of 64 channels in each scale: three scales of 4 residual blocks of 3×3 and 32
channels. As theirs, a block has one ReLU, between its convolutions. What differs besides: each scale adds what it
predicts to its image, where theirs predicts the image; a ReLU follows the first convolution; only the finest scale
enters the loss, where theirs adds the coarse ones, so that all denoisers train on one loss; coarse images are means of
pixels, and upsampling repeats pixels instead of a learned convolution. 224,355 trainable parameters.
"""

from __future__ import annotations

from typing import Final

from reference.runtime.layers import Convolution, Layers

SCALES: Final = (4, 2, 1)
"""Pixels of the image that make one pixel of the scale, from coarse to fine."""

BLOCKS: Final = 4
WIDTH: Final = 32


def _layers() -> Layers:
    table: Layers = {}
    for scale in SCALES:
        inputs = 1 if scale == SCALES[0] else 2
        table[f"scale{scale}_first"] = Convolution(3, inputs, WIDTH)
        for block in range(1, BLOCKS + 1):
            table[f"scale{scale}_block{block}_convolution1"] = Convolution(3, WIDTH, WIDTH)
            table[f"scale{scale}_block{block}_convolution2"] = Convolution(3, WIDTH, WIDTH)
        table[f"scale{scale}_last"] = Convolution(3, WIDTH, 1, init="zeros")
    return table


LAYERS: Final = _layers()
PARAMETERS: Final = 224_355

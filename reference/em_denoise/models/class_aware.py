"""Class-aware fully convolutional denoiser: Remez, Litany, Giryes and Bronstein 2018, "Class-aware fully convolutional
Gaussian and Poisson denoising" (arXiv:1808.06562, doi 10.1109/TIP.2018.2859044).

Section III: 20 convolutions of 3×3 and 64 channels; of each, 63 channels go on through a ReLU, and one is added to the
running estimate of the clean image, which starts as the noisy one. The last layer has that one channel only. They train
one network for each class of images; this one is conditioned on the class instead: its one-hot code (pristine, vacancy,
Stone–Wales, substitution) enters the first layer as constant maps, and 1/4 in each where the class is not known.
657,848 trainable parameters; receptive field 41×41.

The authors' program (github.com/TalRemez/deep_class_aware_denoising) agrees on depth, widths and biases. It also
divides the sum of the corrections by 10 and has no ReLU before the last layer; here corrections count in full, and
every layer but the last has one. Layers are padded with zeros there and here; before them, it reflects the image by 20
pixels on each side, as far as the network sees, and cuts them off again, which is not done here.
"""

from __future__ import annotations

from typing import Final

from reference.runtime.layers import Convolution, Layers

DEPTH: Final = 20
WIDTH: Final = 64
CLASSES: Final = 4
"""Kinds of defect that the simulator tells apart (`datasets/em_denoise/layout.json`)."""


def _layers() -> Layers:
    table: Layers = {"convolution1": Convolution(3, 1 + CLASSES, WIDTH)}
    for number in range(2, DEPTH):
        table[f"convolution{number}"] = Convolution(3, WIDTH - 1, WIDTH)
    return {**table, f"convolution{DEPTH}": Convolution(3, WIDTH - 1, 1)}


LAYERS: Final = _layers()
PARAMETERS: Final = 657_848

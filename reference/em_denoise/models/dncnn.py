"""DnCNN: Zhang, Zuo, Chen, Meng and Zhang 2017, "Beyond a Gaussian denoiser" (arXiv:1608.03981).

Section III: depth 17, 64 channels of 3×3; convolution and ReLU, fifteen times convolution, batch normalisation and
ReLU, one convolution. The network predicts the noise, and the denoised image is the input minus it (residual learning).
556,097 trainable parameters, with no bias where a normalisation follows; batch statistics are synchronised over ranks.
Its receptive field is 35×35. The paper trains this depth on crops of 40×40, and 20 layers on 50×50 where the noise is
not known; the crop here is a hyperparameter.
"""

from __future__ import annotations

from typing import Final

from reference.runtime.layers import BatchNorm, Convolution, Layers

DEPTH: Final = 17
WIDTH: Final = 64
PARAMETERS: Final = 556_097


def _layers() -> Layers:
    table: Layers = {"convolution1": Convolution(3, 1, WIDTH)}
    for number in range(2, DEPTH):
        table[f"convolution{number}"] = Convolution(3, WIDTH, WIDTH, bias=False)
        table[f"norm{number}"] = BatchNorm(WIDTH)
    return {**table, f"convolution{DEPTH}": Convolution(3, WIDTH, 1)}


LAYERS: Final = _layers()

"""FFDNet: Zhang, Zuo and Zhang 2018, "FFDNet: toward a fast and flexible solution" (arXiv:1710.04026).

Section III-B, the grey network: 15 convolutions of 3×3 and 64 channels on the image at half its size. 2×2 pixels become
four channels (pixel unshuffle), a map of the noise level is a fifth, and four output channels become an image again.
485,316 trainable parameters: a bias everywhere and no batch normalisation, as in the authors' training program
(github.com/cszn/FFDNet), which leaves the last layer's bias at zero; the paper's own figure 1 normalises between
convolution and ReLU. Kernels are drawn as those of all models here, where the paper makes them orthogonal. The map is
one number for the whole image, estimated from the noisy image itself, since a microscope states none; real noise grows
with the intensity, which one number does not say. The receptive field is 62×62 pixels of the image, the paper's crop
70×70. Images and crops have even sides.
"""

from __future__ import annotations

from typing import Final

from reference.runtime.layers import Convolution, Layers

DEPTH: Final = 15
WIDTH: Final = 64
FACTOR: Final = 2
"""Pixels of a side that become channels."""

PARAMETERS: Final = 485_316


def _layers() -> Layers:
    table: Layers = {"convolution1": Convolution(3, FACTOR**2 + 1, WIDTH)}
    for number in range(2, DEPTH):
        table[f"convolution{number}"] = Convolution(3, WIDTH, WIDTH)
    return {**table, f"convolution{DEPTH}": Convolution(3, WIDTH, FACTOR**2)}


LAYERS: Final = _layers()

"""U-Net 8-16-32-64: the one denoiser that the suite shipped before (SciML-Bench v0.5, `em_denoise/model.py`).

Ronneberger, Fischer and Brox 2015, arXiv:1505.04597, figure 1, with padded convolutions, nearest-neighbour upsampling,
and batch normalisation after the activation: convolution, ReLU, normalisation. 122,737 trainable parameters and 704
running statistics, which are synchronised over ranks. These follow the batches with a momentum of 0.9, where the
original has Keras's 0.99, which is slow for the few hundred steps of a small training. Kernels are drawn as those of
all models here (He et al.), where Keras's default is Glorot's.
"""

from __future__ import annotations

from typing import Final

from reference.runtime.layers import BatchNorm, Convolution, Layers

WIDTHS: Final = (8, 16, 32, 64)
"""Channels of the levels, the last being the bottleneck."""

PARAMETERS: Final = 122_737


def _layers() -> Layers:
    table: Layers = {}
    channels = 1
    for level, width in enumerate(WIDTHS[:-1], start=1):
        table |= _block(f"encoder{level}", channels, width)
        channels = width
    table |= _block("bottleneck", channels, WIDTHS[-1])
    channels = WIDTHS[-1]
    for level, width in reversed(list(enumerate(WIDTHS[:-1], start=1))):
        table |= _block(f"decoder{level}", channels + width, width)
        channels = width
    return {**table, "output": Convolution(3, channels, 1)}


def _block(name: str, inputs: int, width: int) -> Layers:
    return {
        f"{name}_convolution1": Convolution(3, inputs, width),
        f"{name}_norm1": BatchNorm(width),
        f"{name}_convolution2": Convolution(3, width, width),
        f"{name}_norm2": BatchNorm(width),
    }


LAYERS: Final = _layers()

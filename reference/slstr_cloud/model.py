"""Layers of the U-Net.

Ronneberger, Fischer and Brox 2015, arXiv:1505.04597, with padded convolutions, nearest-neighbour upsampling and no
normalisation, as in the sources named in `facts.py`.
"""

from __future__ import annotations

from reference.runtime.layers import Convolution, Layers

from .facts import WIDTHS


def layers(inputs: int) -> Layers:
    """Return the convolutions by name, for that many input channels."""
    table: Layers = {}
    channels = inputs
    for level, width in enumerate(WIDTHS[:-1], start=1):
        table |= _block(f"encoder{level}", channels, width)
        channels = width
    table |= _block("bottleneck", channels, WIDTHS[-1])
    channels = WIDTHS[-1]
    for level, width in reversed(list(enumerate(WIDTHS[:-1], start=1))):
        table |= _block(f"decoder{level}", channels + width, width)
        channels = width
    return {**table, "output": Convolution(1, channels, 1)}


def _block(name: str, inputs: int, width: int) -> Layers:
    return {
        f"{name}_convolution1": Convolution(3, inputs, width),
        f"{name}_convolution2": Convolution(3, width, width),
    }

"""Layers of the U-Net, and its initial weights in the canonical layout (`runtime/initial.py`).

Ronneberger, Fischer and Brox 2015, arXiv:1505.04597, with padded convolutions, nearest-neighbour upsampling and no
normalisation, as in the sources named in `facts.py`.
"""

from __future__ import annotations

from reference.runtime import initial
from reference.runtime.checkpoints import State
from reference.runtime.seeds import generator

from .facts import WIDTHS


def layers(inputs: int) -> dict[str, tuple[int, int, int]]:
    """Return the convolutions by name, in the order of computation: kernel size, input and output channels."""
    table: dict[str, tuple[int, int, int]] = {}
    channels = inputs
    for level, width in enumerate(WIDTHS[:-1], start=1):
        table |= _block(f"encoder{level}", channels, width)
        channels = width
    table |= _block("bottleneck", channels, WIDTHS[-1])
    channels = WIDTHS[-1]
    for level, width in reversed(list(enumerate(WIDTHS[:-1], start=1))):
        table |= _block(f"decoder{level}", channels + width, width)
        channels = width
    return {**table, "output": (1, channels, 1)}


def initial_weights(seed: int, inputs: int) -> State:
    """Draw the kernels and zero the biases; each layer has a stream of its own."""
    weights: State = {}
    for name, (size, channels, width) in layers(inputs).items():
        kernel, bias = initial.convolution(generator(seed, f"weights/{name}"), size, channels, width)
        weights |= {f"{name}/kernel": kernel, f"{name}/bias": bias}
    return weights


def _block(name: str, inputs: int, width: int) -> dict[str, tuple[int, int, int]]:
    return {f"{name}_convolution1": (3, inputs, width), f"{name}_convolution2": (3, width, width)}

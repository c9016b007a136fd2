"""The layers of a network, stated once in NumPy: their shapes, their variables and how these are drawn.

A network is a table, name → layer, in the order of computation. `pt_layers.py` and `tf_layers.py` build it, each in its
framework, and a model's twins wire the layers up. So both start from the same numbers, and a checkpoint of one fits the
other.

Canonical names and layouts: `<layer>/kernel` is (height, width, input channels, output channels) for a convolution and
(inputs, outputs) for a dense layer; `<layer>/bias`, and a batch normalisation's `/scale`, `/offset`, `/mean` and
`/variance`, are (channels,).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from . import initial
from .checkpoints import State
from .seeds import generator

Arrays = dict[str, NDArray[np.float32]]
Initialiser = Literal["he_normal", "glorot_uniform", "zeros"]


@dataclass(frozen=True, kw_only=True)
class _Affine:
    """A kernel and, mostly, a bias."""

    bias: bool = True
    """Whether a bias is added."""

    init: Initialiser = "he_normal"
    """How the kernel is drawn; a bias starts at zero."""

    @property
    def kernel_shape(self) -> tuple[int, ...]:
        """Shape of the kernel in the canonical layout."""
        raise NotImplementedError

    def draw(self, random: np.random.Generator) -> Arrays:
        """Draw the initial variables by their short names."""
        kernel = initial.draw(self.init, random, self.kernel_shape)
        return {"kernel": kernel} | ({"bias": np.zeros(self.kernel_shape[-1], np.float32)} if self.bias else {})

    def parameters(self) -> int:
        """Count the trainable numbers."""
        return math.prod(self.kernel_shape) + (self.kernel_shape[-1] if self.bias else 0)


@dataclass(frozen=True)
class Convolution(_Affine):
    """A two-dimensional convolution of stride 1."""

    size: int
    """Rows and columns of the kernel."""

    inputs: int
    """Input channels."""

    outputs: int
    """Output channels."""

    dilation: int = 1
    """Pixels from one tap of the kernel to the next."""

    padding: Literal["same", "valid"] = "same"
    """Zeros around the image so that its size stays, or none. `same` wants an odd size: an even one has no middle, and
    the frameworks place it differently."""

    def __post_init__(self) -> None:
        if self.padding == "same" and self.size % 2 == 0:
            raise ValueError(f"padding same: expected an odd size, found {self.size} — use padding valid")
        if self.padding == "valid" and self.dilation > 1:
            raise ValueError(f"padding valid: expected dilation 1, found {self.dilation} — use padding same")

    @property
    def kernel_shape(self) -> tuple[int, ...]:
        """(size, size, inputs, outputs)."""
        return self.size, self.size, self.inputs, self.outputs


@dataclass(frozen=True)
class TransposedConvolution(_Affine):
    """The transpose of a convolution of stride 1 and padding same: what a decoder of the same size uses."""

    size: int
    """Rows and columns of the kernel, odd."""

    inputs: int
    """Input channels."""

    outputs: int
    """Output channels."""

    def __post_init__(self) -> None:
        if self.size % 2 == 0:
            raise ValueError(f"transposed convolution: expected an odd size, found {self.size}")

    @property
    def kernel_shape(self) -> tuple[int, ...]:
        """(size, size, inputs, outputs)."""
        return self.size, self.size, self.inputs, self.outputs


@dataclass(frozen=True)
class Dense(_Affine):
    """A fully connected layer."""

    inputs: int
    """Values in."""

    outputs: int
    """Values out."""

    @property
    def kernel_shape(self) -> tuple[int, ...]:
        """(inputs, outputs)."""
        return self.inputs, self.outputs


@dataclass(frozen=True)
class BatchNorm:
    """Batch normalisation (Ioffe and Szegedy 2015, arXiv:1502.03167) over the global batch of all ranks.

    Mean and biased variance are those of the samples of all ranks, so that a training does not depend on how many
    ranks share it. The running statistics follow them as m ← momentum·m + (1 − momentum)·batch, and stand in for them
    in evaluation.
    """

    channels: int
    """Channels, each with statistics of its own."""

    momentum: float = 0.9
    """Share of the running statistics that a step keeps: Keras's convention, one minus PyTorch's."""

    epsilon: float = 1e-3
    """Added to the variance under the root."""

    def draw(self, _random: np.random.Generator) -> Arrays:
        """Return the initial variables by their short names: the identity."""
        zeros, ones = np.zeros(self.channels, np.float32), np.ones(self.channels, np.float32)
        return {"scale": ones, "offset": zeros, "mean": zeros, "variance": ones}

    def parameters(self) -> int:
        """Count the trainable numbers: scale and offset."""
        return 2 * self.channels


NOT_TRAINED = frozenset({"mean", "variance"})
"""Short names of variables that follow the data rather than a gradient."""

Layer = Convolution | TransposedConvolution | Dense | BatchNorm
Layers = dict[str, Layer]
"""Name → layer, in the order of computation."""


def initial_weights(layers: Layers, seed: int) -> State:
    """Draw all variables; each layer has a random stream of its own, so that layers do not depend on each other."""
    weights: State = {}
    for name, layer in layers.items():
        drawn = layer.draw(generator(seed, f"weights/{name}"))
        weights |= {f"{name}/{part}": array for part, array in drawn.items()}
    return weights


def parameters(layers: Layers) -> int:
    """Count the trainable numbers of a network."""
    return sum(layer.parameters() for layer in layers.values())

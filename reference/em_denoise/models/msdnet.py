"""Mixed-scale dense network: Pelt and Sethian 2018, PNAS 115, 254 (doi 10.1073/pnas.1715832114).

Width 1 and depth 100: every layer sees the input and all layers before it through 3×3 kernels of one dilation, 1, 2, …
10, 1, … in turn, with a ReLU; the output is a linear combination of everything (1×1). That is the authors' program
(github.com/dmpelt/msdnet, `IncrementDilations(10)`). 45,652 trainable parameters; receptive field 1101×1101.

What differs: the original reflects at the image's edges, and zeros are used here, as in the other models; it draws all
kernels with the variance 2 / (9·100 + 1) and starts the output at zero, where here every kernel has a variance of 2
over its own inputs (He et al.).

The twins go through the layers in cycles, each with every dilation once. What a cycle gives to all later layers of one
dilation is a single convolution with several outputs, which takes a fraction of the time of one convolution for each
layer: those have a hundred inputs and one output, and processors wait for memory. The sums are the same.
"""

from __future__ import annotations

from typing import Final

from reference.runtime.layers import Convolution, Layers

DEPTH: Final = 100
DILATIONS: Final = 10
CYCLES: Final = DEPTH // DILATIONS
PARAMETERS: Final = 45_652


def name(cycle: int, dilation: int) -> str:
    """Name the layer of a dilation, from 1, in a cycle, from 0."""
    return f"layer{cycle * DILATIONS + dilation}"


def channels(cycle: int) -> slice:
    """Return the input channels, of any later layer, that a cycle fills; cycle -1 is the input image."""
    return slice(max(0, cycle * DILATIONS + 1), (cycle + 1) * DILATIONS + 1)


def _layers() -> Layers:
    table: Layers = {
        name(cycle, dilation): Convolution(3, cycle * DILATIONS + dilation, 1, dilation=dilation)
        for cycle in range(CYCLES)
        for dilation in range(1, DILATIONS + 1)
    }
    return {**table, "output": Convolution(1, DEPTH + 1, 1)}


LAYERS: Final = _layers()

"""Mixed-scale dense network: Pelt and Sethian 2018, PNAS 115, 254 (doi 10.1073/pnas.1715832114).

Equations 4 to 6, width 1 and depth 100: every layer sees the input and all layers before it through 3×3 kernels of one
dilation, 1 + (i mod 10) for layer i, with a ReLU; the output is a linear combination of everything (1×1).
45,652 trainable parameters. The paper reflects at the image's edges; zeros are used here, as in the other models.
"""

from __future__ import annotations

from typing import Final

from reference.runtime.layers import Convolution, Layers

DEPTH: Final = 100
DILATIONS: Final = 10
PARAMETERS: Final = 45_652


def _layers() -> Layers:
    table: Layers = {
        f"layer{number}": Convolution(3, number, 1, dilation=(number - 1) % DILATIONS + 1)
        for number in range(1, DEPTH + 1)
    }
    return {**table, "output": Convolution(1, DEPTH + 1, 1)}


LAYERS: Final = _layers()

"""The small CNN of the first generation of the suite (SciML-Bench before v0.5, `dms_classifier/model.py`).

Two convolutions (4 of 4×4, 8 of 2×2, no padding), each with ReLU, 2×2 maximum pooling and batch normalisation, then
dense layers of 8 and 4 with ReLU and batch normalisation, and one log-odds. 361,261 trainable parameters, of which the
first dense layer holds 360,968. The original's sigmoid is part of the loss here, which is more accurate and the same.
Batch statistics are synchronised over ranks and followed with a momentum of 0.9 (original: 0.99); kernels in front of a
ReLU are drawn after He et al. (original: Glorot).
"""

from __future__ import annotations

from typing import Final

from reference.runtime.layers import BatchNorm, Convolution, Dense, Layers

FLAT: Final = 120 * 47 * 8
"""Values after the second pooling: rows × columns × channels."""

PARAMETERS: Final = 361_261

LAYERS: Final[Layers] = {
    "convolution1": Convolution(4, 1, 4, padding="valid"),
    "norm1": BatchNorm(4),
    "convolution2": Convolution(2, 4, 8, padding="valid"),
    "norm2": BatchNorm(8),
    "dense1": Dense(FLAT, 8),
    "norm3": BatchNorm(8),
    "dense2": Dense(8, 4),
    "norm4": BatchNorm(4),
    "output": Dense(4, 1, init="glorot_uniform"),
}

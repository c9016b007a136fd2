"""DMSNet of SciML-Bench v1.0 and v1.2 (`dms_structure/dms_model.py`, PyTorch).

Two convolutions of 4×4 without padding (8 and 16 channels), each with ReLU, 2×2 maximum pooling and batch
normalisation, then dense layers of 512 and 256 with ReLU and half their units dropped out, and two logits.
44,977,866 trainable parameters. The original's softmax and binary cross-entropy of both probabilities are the
cross-entropy of the two logits, and so is the loss here, of their difference. Its input has three equal channels, and
so has this one's: the one channel three times. It trains with AdamW, and this with Adam: without the decay of weights.
Batch statistics are synchronised over ranks; the masks of dropout are drawn in NumPy and come with the batch.
"""

from __future__ import annotations

from typing import Final

from reference.runtime.layers import BatchNorm, Convolution, Dense, Layers

CHANNELS: Final = 3
FLAT: Final = 119 * 46 * 16
"""Values after the second pooling: rows × columns × channels."""

PARAMETERS: Final = 44_977_866

LAYERS: Final[Layers] = {
    "convolution1": Convolution(4, CHANNELS, 8, padding="valid"),
    "norm1": BatchNorm(8),
    "convolution2": Convolution(4, 8, 16, padding="valid"),
    "norm2": BatchNorm(16),
    "dense1": Dense(FLAT, 512),
    "dense2": Dense(512, 256),
    "output": Dense(256, 2, init="glorot_uniform"),
}

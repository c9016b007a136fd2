"""The multiscale network in PyTorch; see `models/multiscale.py`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from reference.em_denoise.models.multiscale import BLOCKS, SCALES
from reference.runtime.pt_layers import Network, Tensors, channels_first, upsample


class Multiscale(Network):
    """Maps noisy_NHWC, of rows and columns divisible by 4, to denoised_NHW."""

    def forward(self, batch: Tensors, training: bool) -> Tensor:  # noqa: ARG002 - it trains as it evaluates
        """Denoise from coarse to fine."""
        noisy = channels_first(batch["noisy_NHWC"])
        x = None
        for scale in SCALES:
            image = F.avg_pool2d(noisy, scale)
            x = image if x is None else torch.cat([image, upsample(x)], dim=1)
            x = image + self._correction(f"scale{scale}", x)
        return x[:, 0]

    def _correction(self, name: str, x: Tensor) -> Tensor:
        """Apply the residual blocks of a scale."""
        x = F.relu(self.layer(f"{name}_first", x))
        for block in range(1, BLOCKS + 1):
            inside = F.relu(self.layer(f"{name}_block{block}_convolution1", x))
            x = x + self.layer(f"{name}_block{block}_convolution2", inside)
        return self.layer(f"{name}_last", x)

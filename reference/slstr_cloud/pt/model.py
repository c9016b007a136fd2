"""The U-Net in PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from reference.runtime.pt_layers import Network, Tensors, channels_first, upsample
from reference.slstr_cloud.facts import WIDTHS


class UNet(Network):
    """U-Net 32-64-128-256 that maps images_NHWC, of rows and columns divisible by 8, to logits_NHW."""

    def forward(self, batch: Tensors, training: bool) -> Tensor:  # noqa: ARG002 - it trains as it evaluates
        """Compute the logits."""
        x, skips = channels_first(batch["images_NHWC"]), []
        for level in range(1, len(WIDTHS)):
            x = self._block(f"encoder{level}", x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self._block("bottleneck", x)
        for level in range(len(WIDTHS) - 1, 0, -1):
            x = upsample(x)
            x = torch.cat([x, skips.pop()], dim=1)
            x = self._block(f"decoder{level}", x)
        return self.layer("output", x)[:, 0]

    def _block(self, name: str, x: Tensor) -> Tensor:
        """Apply the two convolutions of a level."""
        x = F.relu(self.layer(f"{name}_convolution1", x))
        return F.relu(self.layer(f"{name}_convolution2", x))

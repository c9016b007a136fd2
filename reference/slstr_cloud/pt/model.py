"""The U-Net in PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from reference.slstr_cloud.facts import WIDTHS
from reference.slstr_cloud.weights import layers


class UNet(nn.Module):
    """U-Net 32-64-128-256 that maps images_NCHW, of rows and columns divisible by 8, to logits_NHW."""

    def __init__(self, channels: int) -> None:
        """Build the model for that many input channels."""
        super().__init__()
        self.convolutions = nn.ModuleDict(
            {
                name: nn.Conv2d(inputs, outputs, size, padding="same")
                for name, (size, inputs, outputs) in layers(channels).items()
            }
        )

    def forward(self, images_NCHW: Tensor) -> Tensor:
        """Compute the logits."""
        x, skips = images_NCHW, []
        for level in range(1, len(WIDTHS)):
            x = self.block(f"encoder{level}", x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.block("bottleneck", x)
        for level in range(len(WIDTHS) - 1, 0, -1):
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = torch.cat([x, skips.pop()], dim=1)
            x = self.block(f"decoder{level}", x)
        return self.convolutions["output"](x)[:, 0]

    def block(self, name: str, x: Tensor) -> Tensor:
        """Apply the two convolutions of a level."""
        x = F.relu(self.convolutions[f"{name}_convolution1"](x))
        return F.relu(self.convolutions[f"{name}_convolution2"](x))

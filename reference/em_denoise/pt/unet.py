"""U-Net 8-16-32-64 in PyTorch; see `models/unet.py`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from reference.em_denoise.models.unet import WIDTHS
from reference.runtime.pt_layers import Network, Tensors, channels_first, upsample


class UNet(Network):
    """Maps noisy_NHWC, of rows and columns divisible by 8, to denoised_NHW."""

    def forward(self, batch: Tensors, training: bool) -> Tensor:
        """Denoise."""
        x, skips = channels_first(batch["noisy_NHWC"]), []
        for level in range(1, len(WIDTHS)):
            x = self._block(f"encoder{level}", x, training)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self._block("bottleneck", x, training)
        for level in range(len(WIDTHS) - 1, 0, -1):
            x = torch.cat([upsample(x), skips.pop()], dim=1)
            x = self._block(f"decoder{level}", x, training)
        return self.layer("output", x)[:, 0]

    def _block(self, name: str, x: Tensor, training: bool) -> Tensor:
        """Apply the two convolutions of a level, each with activation and normalisation."""
        x = self.layer(f"{name}_norm1", F.relu(self.layer(f"{name}_convolution1", x)), training)
        return self.layer(f"{name}_norm2", F.relu(self.layer(f"{name}_convolution2", x)), training)

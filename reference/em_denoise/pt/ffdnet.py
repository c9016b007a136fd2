"""FFDNet in PyTorch; see `models/ffdnet.py`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from reference.em_denoise.models.ffdnet import DEPTH, FACTOR
from reference.runtime.pt_layers import Network, Tensors, channels_first


class FFDNet(Network):
    """Maps noisy_NHWC, of even rows and columns, and noise_level_N to denoised_NHW."""

    def forward(self, batch: Tensors, training: bool) -> Tensor:  # noqa: ARG002 - it trains as it evaluates
        """Denoise at half the size."""
        x = F.pixel_unshuffle(channels_first(batch["noisy_NHWC"]), FACTOR)
        level = batch["noise_level_N"].to(x.dtype).view(-1, 1, 1, 1)
        x = torch.cat([x, level.expand(-1, 1, *x.shape[2:])], dim=1)
        for number in range(1, DEPTH):
            x = F.relu(self.layer(f"convolution{number}", x))
        return F.pixel_shuffle(self.layer(f"convolution{DEPTH}", x), FACTOR)[:, 0]

"""The mixed-scale dense network in PyTorch; see `models/msdnet.py`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from reference.em_denoise.models.msdnet import DEPTH
from reference.runtime.pt_layers import Network, Tensors, channels_first


class MSDNet(Network):
    """Maps noisy_NHWC to denoised_NHW."""

    def forward(self, batch: Tensors, training: bool) -> Tensor:  # noqa: ARG002 - it trains as it evaluates
        """Let every layer see all that came before it."""
        seen = channels_first(batch["noisy_NHWC"])
        for number in range(1, DEPTH + 1):
            seen = torch.cat([seen, F.relu(self.layer(f"layer{number}", seen))], dim=1)
        return self.layer("output", seen)[:, 0]

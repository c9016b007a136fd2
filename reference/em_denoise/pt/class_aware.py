"""The class-aware network in PyTorch; see `models/class_aware.py`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from reference.em_denoise.models.class_aware import DEPTH, WIDTH
from reference.runtime.pt_layers import Network, Tensors, channels_first


class ClassAware(Network):
    """Maps noisy_NHWC and class_NK to denoised_NHW."""

    def forward(self, batch: Tensors, training: bool) -> Tensor:  # noqa: ARG002 - it trains as it evaluates
        """Let every layer correct the estimate a little."""
        estimate = channels_first(batch["noisy_NHWC"])
        classes = batch["class_NK"].to(estimate.dtype)[:, :, None, None]
        x = torch.cat([estimate, classes.expand(-1, -1, *estimate.shape[2:])], dim=1)
        for number in range(1, DEPTH):
            x = self.layer(f"convolution{number}", x)
            estimate = estimate + x[:, WIDTH - 1 :]
            x = F.relu(x[:, : WIDTH - 1])
        return (estimate + self.layer(f"convolution{DEPTH}", x))[:, 0]

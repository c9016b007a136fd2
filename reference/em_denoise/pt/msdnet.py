"""The mixed-scale dense network in PyTorch; see `models/msdnet.py`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from reference.em_denoise.models.msdnet import CYCLES, DILATIONS, channels, name
from reference.runtime.pt_layers import Network, Tensors, channels_first, convolve


class MSDNet(Network):
    """Maps noisy_NHWC to denoised_NHW."""

    def forward(self, batch: Tensors, training: bool) -> Tensor:  # noqa: ARG002 - it trains as it evaluates
        """Let every layer see all that came before it, a cycle of dilations at a time."""
        seen = [channels_first(batch["noisy_NHWC"])]
        sums: dict[int, Tensor] = {}
        for cycle in range(CYCLES):
            for dilation in range(1, DILATIONS + 1):
                given = self._to_later_layers(seen[-1], cycle, dilation)
                sums[dilation] = given if cycle == 0 else sums[dilation][:, 1:] + given
            seen.append(self._cycle(cycle, sums))
        return self.layer("output", torch.cat(seen, 1))[:, 0]

    def _to_later_layers(self, images: Tensor, cycle: int, dilation: int) -> Tensor:
        """Return what the images before a cycle add to its layer of a dilation and to those of the cycles after it."""
        layers = [self.of_layer(name(later, dilation)) for later in range(cycle, CYCLES)]
        kernel = torch.cat([layer["kernel"][:, channels(cycle - 1)] for layer in layers], 0)
        bias = torch.cat([layer["bias"] for layer in layers]) if cycle == 0 else None
        return convolve(images, kernel, bias, dilation=dilation)

    def _cycle(self, cycle: int, sums: dict[int, Tensor]) -> Tensor:
        """Compute the layers of a cycle from what earlier cycles gave them and from each other."""
        found: list[Tensor] = []
        for dilation in range(1, DILATIONS + 1):
            given = sums[dilation][:, :1]
            if found:
                kernel = self.of_layer(name(cycle, dilation))["kernel"][:, channels(cycle).start :]
                given = given + convolve(torch.cat(found, 1), kernel, dilation=dilation)
            found.append(F.relu(given))
        return torch.cat(found, 1)

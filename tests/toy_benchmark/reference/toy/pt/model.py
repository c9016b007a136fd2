"""The network in PyTorch."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from reference.runtime.pt_layers import Network, Tensors


class Sides(Network):
    """Maps points_NC to logits_N."""

    def forward(self, batch: Tensors, training: bool) -> Tensor:
        """Compute the logits."""
        x = F.relu(self.layer("dense1", batch["points_NC"]))
        x = F.relu(self.layer("dense2", x))
        return self.layer("output", x)[:, 0]

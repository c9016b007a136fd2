"""RED-Net in PyTorch; see `models/rednet.py`."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from reference.em_denoise.models.rednet import DEPTH, SKIP_EVERY
from reference.runtime.pt_layers import Network, Tensors, channels_first


class REDNet(Network):
    """Maps noisy_NHWC to denoised_NHW."""

    def forward(self, batch: Tensors, training: bool) -> Tensor:  # noqa: ARG002 - it trains as it evaluates
        """Encode, decode, and add what was kept on the way down."""
        noisy = channels_first(batch["noisy_NHWC"])
        x, kept = noisy, {}
        for number in range(1, DEPTH + 1):
            x = F.relu(self.layer(f"convolution{number}", x))
            if number % SKIP_EVERY == 0:
                kept[number] = x
        for number in range(DEPTH, 1, -1):
            x = self.layer(f"transposed{number}", x)
            x = F.relu(x + kept[number - 1] if number - 1 in kept else x)
        return (noisy + self.layer("transposed1", x))[:, 0]

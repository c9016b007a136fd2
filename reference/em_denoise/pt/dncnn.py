"""DnCNN in PyTorch; see `models/dncnn.py`."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from reference.em_denoise.models.dncnn import DEPTH
from reference.runtime.pt_layers import Network, Tensors, channels_first


class DnCNN(Network):
    """Maps noisy_NHWC to denoised_NHW."""

    def forward(self, batch: Tensors, training: bool) -> Tensor:
        """Predict the noise and take it away."""
        noisy = channels_first(batch["noisy_NHWC"])
        x = F.relu(self.layer("convolution1", noisy))
        for number in range(2, DEPTH):
            x = F.relu(self.layer(f"norm{number}", self.layer(f"convolution{number}", x), training))
        return (noisy - self.layer(f"convolution{DEPTH}", x))[:, 0]

"""The small CNN in PyTorch; see `models/cnn.py`."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from reference.runtime.pt_layers import Network, Tensors, channels_first, flatten


class CNN(Network):
    """Maps images_NHWC to the log-odds of class 1, logits_N."""

    def forward(self, batch: Tensors, training: bool) -> Tensor:
        """Classify."""
        x = channels_first(batch["images_NHWC"])
        for number in (1, 2):
            x = F.max_pool2d(F.relu(self.layer(f"convolution{number}", x)), 2)
            x = self.layer(f"norm{number}", x, training)
        x = flatten(x)
        for number in (1, 2):
            x = self.layer(f"norm{number + 2}", F.relu(self.layer(f"dense{number}", x)), training)
        return self.layer("output", x)[:, 0]

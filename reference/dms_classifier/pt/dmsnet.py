"""DMSNet in PyTorch; see `models/dmsnet.py`."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from reference.dms_classifier.models.dmsnet import CHANNELS
from reference.runtime.pt_layers import Network, Tensors, channels_first, flatten


class DMSNet(Network):
    """Maps images_NHWC and the masks dropout1_NU, dropout2_NU to the log-odds of class 1, logits_N."""

    def forward(self, batch: Tensors, training: bool) -> Tensor:
        """Classify; the log-odds are the difference of the two logits."""
        x = channels_first(batch["images_NHWC"].expand(-1, -1, -1, CHANNELS))
        for number in (1, 2):
            x = F.max_pool2d(F.relu(self.layer(f"convolution{number}", x)), 2)
            x = self.layer(f"norm{number}", x, training)
        x = flatten(x)
        for number in (1, 2):
            x = F.relu(self.layer(f"dense{number}", x)) * batch[f"dropout{number}_NU"]
        logits = self.layer("output", x)
        return logits[:, 1] - logits[:, 0]

"""What single pixels tell: the accuracy of a small network that sees one at a time. A U-Net has to do better.

    python tools/single_pixels.py data/slstr_cloud-sim-small-v1

Two hidden layers of 64, Adam at 3e-3, 600 steps of 4096 pixels drawn from the training tiles, seed 0. It prints the
accuracy on every pixel of the test tiles, with nine channels and with the three thermal ones.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from reference.slstr_cloud.data import Tiles
from reference.slstr_cloud.facts import CHANNELS
from reference.slstr_cloud.scene import Scene

STEPS, BATCH, RATE = 600, 4096, 3e-3
THINNING = 7
"""Of the training pixels, every seventh is kept: neighbours say nearly the same, and the rest fits into memory."""


def main(arguments: list[str]) -> int:
    """Train and score for both sets of channels."""
    if len(arguments) != 1 or not (Path(arguments[0]) / "manifest.json").is_file():
        sys.stderr.write("expected the folder of a slstr_cloud data set — see the first lines of this file\n")
        return 2
    root = Path(arguments[0])
    splits = json.loads((root / "manifest.json").read_text(encoding="utf-8"))["splits"]
    for channels in ("all", "thermal"):
        tiles = {split: Tiles([Scene(root / p, channels=channels) for p in splits[split]], "bayes") for split in splits}
        model = train(tiles["train"], len(CHANNELS[channels]))
        sys.stdout.write(f"{channels:8s} accuracy of single pixels {accuracy(model, tiles['test']):.3f}\n")
    return 0


def train(tiles: Tiles, inputs: int) -> nn.Module:
    """Train on single pixels of the tiles."""
    torch.manual_seed(0)
    images, labels = (torch.cat(part) for part in zip(*(pixels(tiles, i) for i in range(len(tiles))), strict=True))
    images, labels = images[::THINNING], labels[::THINNING]
    model = nn.Sequential(nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    for _ in range(STEPS):
        chosen = torch.randint(len(images), (BATCH,))
        loss = nn.functional.binary_cross_entropy_with_logits(model(images[chosen])[:, 0], labels[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model


@torch.inference_mode()
def accuracy(model: nn.Module, tiles: Tiles) -> float:
    """Score every valid pixel of the tiles."""
    right = seen = 0
    for index in range(len(tiles)):
        images, labels = pixels(tiles, index)
        right += int(((model(images)[:, 0] >= 0) == (labels > 0)).sum())
        seen += len(labels)
    return right / seen


def pixels(tiles: Tiles, index: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return images_PC and labels_P of a tile's valid pixels, both float32."""
    batch = tiles.batch(np.array([index]))
    valid = batch["valid_NHW"].astype(bool)
    return torch.from_numpy(batch["images_NHWC"][valid]), torch.from_numpy(batch["label_NHW"][valid].astype(np.float32))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A quick look at a denoised image: noisy, denoised, and what was taken away besides uneven illumination."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

HEADER = 16
"""Height of the line of text above a panel, in pixels."""

GAP = 4
"""Columns between two panels."""

LARGEST = 512
"""Rows and columns that a panel shows at most: the middle of a larger image."""

OUTSIDE_PERCENT = 0.5
"""Share of pixels, in percent, beyond each end of the grey scale."""


def draw(
    noisy_HW: NDArray[np.float32],
    denoised_HW: NDArray[np.float32],
    taken_away_HW: NDArray[np.float32],
    clean_HW: NDArray[np.float32] | None,
) -> Image.Image:
    """Draw the panels side by side, each on a grey scale of its own, and the clean image where there is one."""
    panels = [("noisy", noisy_HW), ("denoised", denoised_HW), ("taken away", taken_away_HW)]
    panels += [] if clean_HW is None else [("clean", clean_HW)]
    grey = [_panel(title, _middle(image)) for title, image in panels]
    height = max(panel.height for panel in grey)
    whole = Image.new("L", (sum(panel.width + GAP for panel in grey) - GAP, height), 255)
    left = 0
    for panel in grey:
        whole.paste(panel, (left, 0))
        left += panel.width + GAP
    return whole


def _middle(image: NDArray[np.float32]) -> NDArray[np.float32]:
    rows, columns = (max(0, size - LARGEST) // 2 for size in image.shape)
    return image[rows : rows + LARGEST, columns : columns + LARGEST]


def _panel(title: str, image: NDArray[np.float32]) -> Image.Image:
    low, high = np.percentile(image, (OUTSIDE_PERCENT, 100 - OUTSIDE_PERCENT))
    scaled = np.clip((image - low) / max(high - low, 1e-12), 0, 1) * 255
    panel = Image.new("L", (image.shape[1], image.shape[0] + HEADER), 255)
    ImageDraw.Draw(panel).text((2, 2), f"{title}: {low:.3g} to {high:.3g}", fill=0)
    panel.paste(Image.fromarray(scaled.astype(np.uint8)), (0, HEADER))
    return panel

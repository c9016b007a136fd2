"""A quick look at some patterns and at what was said of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

MOST = 6
"""Patterns that are shown."""

HEADER = 16
"""Height of the line of text above a pattern, in pixels."""

GAP = 4
"""Columns between two patterns."""

BRIGHTEST_PERCENT = 99.5
"""Percentile of the counts that is white."""


def draw(counts_NHW: NDArray[Any], titles: Sequence[str]) -> Image.Image:
    """Draw the first patterns side by side, each with its title."""
    shown = counts_NHW[:MOST]
    rows, columns = shown.shape[1:]
    whole = Image.new("L", (len(shown) * (columns + GAP) - GAP, rows + HEADER), 255)
    for number, (pattern, title) in enumerate(zip(shown, titles, strict=False)):
        left = number * (columns + GAP)
        ImageDraw.Draw(whole).text((left + 2, 2), title, fill=0)
        white = max(float(np.percentile(pattern, BRIGHTEST_PERCENT)), 1e-12)
        grey = np.clip(pattern / white, 0, 1) * 255
        whole.paste(Image.fromarray(grey.astype(np.uint8)), (left, HEADER))
    return whole

"""A quick look at a prediction: the scene, its label, the prediction, and where the two disagree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .scene import Bool

PANEL_COLUMNS = 600
"""Widest panel, in pixels; a larger scene is thinned out."""

HEADER = 16
"""Height of the line of text above a panel, in pixels."""

SWATCH = 10
"""Side of a colour sample, in pixels."""

WHITE, GREY, BLACK = (255, 255, 255), (90, 90, 90), (0, 0, 0)
FOUND, MISSED, FALSE_ALARM, CLEAR = (235, 235, 235), (230, 80, 40), (40, 130, 230), (25, 45, 25)

RGB = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Label:
    """A label plane of a whole scene."""

    plane: str
    """Its key."""

    cloud: Bool
    """Where it says cloud."""

    valid: Bool
    """Where it means something."""


def draw(kelvins: NDArray[np.float32], mask: Bool, valid: Bool, label: Label | None) -> Image.Image:
    """Draw the four panels; without a label two of them are grey, and say so.

    Args:
        kelvins: brightness temperature of S8, in kelvin.
        mask: where the model says cloud.
        valid: what the instrument saw.
        label: what to compare with.
    """
    nothing = np.zeros_like(mask)
    shown = label or Label(plane="", cloud=nothing, valid=nothing)
    look, title = _look(kelvins)
    label_title, verdict_title = (f"Label ({label.plane})", "Disagreement") if label else ("No label", "No label")
    cloud = {"cloud": WHITE, "clear": BLACK, "not seen": GREY}
    verdict = {"hit": FOUND, "missed": MISSED, "false alarm": FALSE_ALARM, "clear": CLEAR, "no label": GREY}
    panels = [
        _panel(look, title, {}),
        _panel(_two(shown.cloud, shown.valid), label_title, cloud),
        _panel(_two(mask, valid), "Prediction", cloud),
        _panel(_four(mask, shown.cloud, shown.valid), verdict_title, verdict),
    ]
    width, height = panels[0].size
    sheet = Image.new("RGB", (2 * width, 2 * height), BLACK)
    for number, panel in enumerate(panels):
        sheet.paste(panel, (number % 2 * width, number // 2 * height))
    return sheet


def _look(kelvins: NDArray[np.float32]) -> tuple[RGB, str]:
    seen = np.isfinite(kelvins) & (kelvins > 0)
    low, high = np.percentile(kelvins[seen], (1, 99)) if seen.any() else (0.0, 1.0)
    grey = 255 * (1 - np.clip((np.where(seen, kelvins, high) - low) / max(high - low, 1e-6), 0, 1))
    image = np.where(seen, grey, GREY[0]).astype(np.uint8)
    return np.repeat(image[..., None], 3, axis=-1), f"S8, 10.85 um: white {low:.0f} K, black {high:.0f} K"


def _two(cloud: Bool, valid: Bool) -> RGB:
    return _paint([(cloud, WHITE), (~cloud, BLACK), (~valid, GREY)])


def _four(mask: Bool, label: Bool, valid: Bool) -> RGB:
    hit, missed, false_alarm, clear = mask & label, ~mask & label, mask & ~label, ~mask & ~label
    return _paint([(hit, FOUND), (missed, MISSED), (false_alarm, FALSE_ALARM), (clear, CLEAR), (~valid, GREY)])


def _paint(layers: list[tuple[Bool, tuple[int, int, int]]]) -> RGB:
    image = np.zeros((*layers[0][0].shape, 3), np.uint8)
    for where, colour in layers:
        image[where] = colour
    return image


def _panel(image: RGB, title: str, legend: dict[str, tuple[int, int, int]]) -> Image.Image:
    step = -(-image.shape[1] // PANEL_COLUMNS)
    thin = Image.fromarray(np.ascontiguousarray(image[::step, ::step]))
    panel = Image.new("RGB", (thin.width, thin.height + HEADER), BLACK)
    panel.paste(thin, (0, HEADER))
    pen = ImageDraw.Draw(panel)
    pen.text((3, 2), title, fill=WHITE)
    left = panel.width
    for text, colour in reversed(legend.items()):
        left -= round(pen.textlength(text)) + SWATCH + 9
        pen.rectangle((left, 3, left + SWATCH, 3 + SWATCH), fill=colour, outline=WHITE)
        pen.text((left + SWATCH + 3, 2), text, fill=WHITE)
    return panel

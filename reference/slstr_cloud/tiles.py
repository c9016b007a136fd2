"""Where tiles and windows lie in a scene: pure arithmetic.

Training: the scene is cut into whole tiles around its centre; 1200 × 1500 pixels give offsets 88 and 110 and 4 × 5
tiles. Inference: windows of the same size every 176 pixels over the scene with its border padded evenly (the rule
called SAME); 1200 × 1500 pixels give 7 × 9 windows, padded by 56 rows and 82 columns. The inner 176² pixels of the
windows, side by side, cover the scene.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .facts import CROP, STRIDE, TILE


@dataclass(frozen=True, kw_only=True)
class Corner:
    """Upper left pixel of a tile."""

    row: int
    """Row in the scene; below 0 in the padding of a window."""

    column: int
    """Column in the scene; below 0 in the padding of a window."""


def training_tiles(rows: int, columns: int) -> list[Corner]:
    """Return the tiles of a scene, row by row; a scene smaller than a tile has none."""
    top, left = (rows % TILE) // 2, (columns % TILE) // 2
    return [
        Corner(row=top + TILE * i, column=left + TILE * j) for i in range(rows // TILE) for j in range(columns // TILE)
    ]


def inference_windows(rows: int, columns: int) -> list[Corner]:
    """Return the windows of a scene, row by row; some reach beyond its border."""
    return [Corner(row=row, column=column) for row in _starts(rows) for column in _starts(columns)]


def _starts(length: int) -> range:
    count = -(-length // STRIDE)
    padding = (count - 1) * STRIDE + TILE - length
    return range(-(padding // 2), -(padding // 2) + count * STRIDE, STRIDE)


def interleave(planes: list[NDArray[Any]], images_HWC: NDArray[np.float32]) -> None:
    """Put the channels of some planes (H, W, c) side by side, in a contiguous array.

    NumPy is slow over an axis of six or three: each pixel's channels of a plane are moved as one piece of memory, and
    those of a plane with few channels one by one, since to move one value takes a quarter of the time of a piece.
    """
    pixel = _pixel(tuple(images_HWC.itemsize * plane.shape[-1] for plane in planes))
    pixels, first = images_HWC.view(pixel)[..., 0], 0
    for name, plane in zip(pixel.names or (), planes, strict=True):
        channels = plane.shape[-1]
        if channels <= FEW_CHANNELS:
            for channel in range(channels):
                images_HWC[..., first + channel] = plane[..., channel]
        else:
            pixels[name] = np.ascontiguousarray(plane, np.float32).view(pixel[name])[..., 0]
        first += channels


FEW_CHANNELS = 4
"""Channels that are faster moved one by one than together."""


@cache
def _pixel(sizes: tuple[int, ...]) -> np.dtype[Any]:
    """Return the type of a pixel of some planes, of so many bytes each."""
    return np.dtype([(f"plane{number}", f"V{size}") for number, size in enumerate(sizes)])


def cut(plane_HWC: NDArray[Any], corner: Corner) -> NDArray[Any]:
    """Return the window (256, 256, C) at `corner`, with zeros where it reaches beyond the plane."""
    rows, columns = plane_HWC.shape[:2]
    window = np.zeros((TILE, TILE, *plane_HWC.shape[2:]), plane_HWC.dtype)
    top, left = max(0, corner.row), max(0, corner.column)
    bottom, right = min(rows, corner.row + TILE), min(columns, corner.column + TILE)
    inside = window[top - corner.row : bottom - corner.row, left - corner.column : right - corner.column]
    inside[...] = plane_HWC[top:bottom, left:right]
    return window


def stitch(windows_NHW: NDArray[Any], rows: int, columns: int) -> NDArray[Any]:
    """Put the inner parts of all windows of a scene together; shape (rows, columns)."""
    down, across = len(_starts(rows)), len(_starts(columns))
    inner = windows_NHW[:, CROP : TILE - CROP, CROP : TILE - CROP].reshape(down, across, STRIDE, STRIDE)
    whole = inner.transpose(0, 2, 1, 3).reshape(down * STRIDE, across * STRIDE)
    top, left = -(_starts(rows)[0] + CROP), -(_starts(columns)[0] + CROP)
    return whole[top : top + rows, left : left + columns]

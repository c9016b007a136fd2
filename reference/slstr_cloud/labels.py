"""Decode a label plane: 0 and 1, bit flags, or 0 to 255.

The Bayesian mask of the product (`bayes_in`) is a byte of which bits 1, 2, 4 and 8 mean something; a converter that
resized planes turned it into 0 to 255 in floating point, with soft edges. 255 in a byte is the netCDF default for
what was never written.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.runtime.errors import DataError

LARGEST_FLAG = 15
UNFILLED = 255
HALF = 128


class Encoding(Enum):
    """How a plane says cloud."""

    FLAGS = "cloud where any of the bits 1, 2, 4, 8 is set; more than 15 is no label"
    BYTES = "cloud where the value is 128 or more, of 255"


def encoding_of(plane: NDArray[Any], name: str) -> Encoding:
    """Tell the encoding of a whole plane from its values; `name` is for messages.

    Raises:
        DataError: the plane was never filled, or holds no number that can be a label.
    """
    smallest, largest = plane.min(), plane.max()
    if not (smallest >= 0 and largest <= UNFILLED):  # a pixel without a label says nothing of how the others are coded
        plane = plane[(plane >= 0) & (plane <= UNFILLED)]
        if not plane.size:
            raise DataError(
                f"{name}: expected labels, found {smallest:g} to {largest:g} — none of them is one; leave the scene out"
            )
        smallest, largest = plane.min(), plane.max()
    if smallest == UNFILLED:
        raise DataError(
            f"{name}: expected labels, found 255 in every pixel — the plane was never filled; leave the scene out"
        )
    if plane.dtype.kind == "f" and largest > LARGEST_FLAG:
        return Encoding.BYTES
    if plane.dtype.kind != "f" and largest == UNFILLED and not _has_flags(plane):
        return Encoding.BYTES
    return Encoding.FLAGS


def decode(values: NDArray[Any], encoding: Encoding) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return where there is cloud, and where the value is a label at all."""
    if encoding is Encoding.BYTES:
        return values >= HALF, (values >= 0) & (values <= UNFILLED)
    valid = (values >= 0) & (values <= LARGEST_FLAG)
    return (values > 0) & valid, valid


def _has_flags(plane: NDArray[Any]) -> bool:
    return bool(((plane > 0) & (plane < UNFILLED)).any())

"""What a label plane says, in every encoding that `layout.json` accepts.

The reader of a training decodes in the same way (`reference/slstr_cloud/labels.py`), which a test holds the two to.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST_FLAGS, HALF, LARGEST = 15, 128, 255
"""Four flags at most; cloud from the middle on, where labels go from 0 to 255; the largest label."""

Flags = NDArray[np.bool_]


def decode(plane: NDArray[Any]) -> tuple[Flags, Flags]:
    """Return where a whole plane says cloud, and where its value is a label; nowhere, where it was never filled."""
    label = (plane >= 0) & (plane <= LARGEST)
    held = plane[label]
    if not held.size or held.min() == LARGEST:
        return np.zeros(plane.shape, np.bool_), np.zeros(plane.shape, np.bool_)
    flags = ((held > 0) & (held < LARGEST)).any()
    if held.max() > LARGEST_FLAGS if plane.dtype.kind == "f" else held.max() == LARGEST and not flags:
        return label & (plane >= HALF), label
    label &= plane <= LARGEST_FLAGS
    return label & (plane > 0), label

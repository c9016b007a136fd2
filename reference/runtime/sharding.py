"""Which rank computes which sample: every sample exactly once in an epoch, whatever the number of ranks.

The order of an epoch is a permutation drawn from the seed and the epoch. It is cut into global batches, and each
global batch into contiguous shares that differ by at most one sample. So the batches do not depend on the number of
ranks, and a run on one rank and a run on many follow the same losses up to rounding. A share may be empty.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .seeds import generator

Indices = NDArray[np.int64]


def permutation(count: int, *, seed: int, epoch: int) -> Indices:
    """Return the order of `count` samples in `epoch`."""
    return generator(seed, "order", epoch).permutation(count).astype(np.int64)


def batches(order: Indices, batch_size: int) -> list[Indices]:
    """Cut an order into batches of `batch_size`; the last one holds what is left."""
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def share(items: Indices, *, rank: int, size: int) -> Indices:
    """Return the part of `items` that `rank` of `size` computes."""
    return items[len(items) * rank // size : len(items) * (rank + 1) // size]

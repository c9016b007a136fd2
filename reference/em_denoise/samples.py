"""Pairs as training and scoring take them: made from the files, or as staging has prepared them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reference.runtime.backend import Batch
from reference.runtime.prepared import PreparedSamples
from reference.runtime.sharding import Indices

from .data import Images, Pairs, Scale
from .facts import SIDE
from .noise import flat_field

NOISY, CLEAN, CLASS = "noisy_NHWC", "clean_NHWC", "class_NK"

Pair = tuple[NDArray[Any], ...]
"""A noisy image and its clean one, each (rows, columns, 1)."""


def even_out(noisy_HW: NDArray[Any], scale: Scale) -> Images:
    """Even out the illumination of an image; its level is that of clean images then."""
    even = flat_field(noisy_HW)
    return np.multiply(even, np.float32(scale.mean), out=even)


class PairSamples(Protocol):
    """Pairs of which windows can be read."""

    def will_need(self, index: int) -> None:
        """Ask for a pair to be fetched from the disk while others are read."""

    def window(self, index: int, window: Any) -> Pair:
        """Read a window of a pair, () for all of it, in whichever units.

        Raises:
            DataError: a value of the images is not finite; `put` looks at whole images that are taken as they are.
        """

    def put(self, index: int, pair: Pair, into: Pair) -> None:
        """Put a pair that `window` gave, turned or mirrored perhaps, into contiguous arrays, in the network's units.

        Raises:
            DataError: a value of the images is not finite.
        """

    def class_code(self, index: int) -> Images:
        """Return the one-hot code of the kind of defect, (4,)."""


class FromFiles:
    """Pairs from the files: noisy ones are evened out, where that is asked for, and both are normalised."""

    def __init__(self, pairs: Pairs, scale: Scale, *, even: bool, with_class: bool) -> None:
        """Take the pairs of a split.

        Args:
            pairs: the pairs.
            scale: how they are normalised.
            even: whether the illumination of noisy images is evened out.
            with_class: whether the kinds of defects belong to the samples.
        """
        self.pairs = pairs
        self._scale, self._even, self._with_class = scale, even, with_class

    def __len__(self) -> int:
        return len(self.pairs)

    def will_need(self, index: int) -> None:
        """Ask for a pair to be fetched from the disk while others are read."""
        self.pairs.will_need(index)

    def window(self, index: int, window: Any) -> Pair:
        """Read a window in the data's units; where nothing is evened out, it is a view into the files."""
        if window or self._even:
            self.pairs.check(index)
        if not self._even:
            return self.pairs.read(index, noisy=window, clean=window)
        noisy, clean = self.pairs.read(index, clean=window)
        return even_out(noisy[..., 0], self._scale)[..., None][window], clean

    def put(self, index: int, pair: Pair, into: Pair) -> None:
        """Normalise a pair."""
        known, finite = self.pairs.checked[index], True
        for image, normalised in zip(pair, into, strict=True):
            self._scale.normalise_into(image, normalised)
            finite = finite and (known or bool(np.isfinite(normalised).all()))  # while it is in the cache
        if not finite:
            self.pairs.check(index)
        self.pairs.checked[index] = True

    def class_code(self, index: int) -> Images:
        """Return the code; see `Pairs.class_code`."""
        return self.pairs.class_code(index)

    def batch(self, indices: Indices) -> Batch:
        """Read whole pairs, and their kinds of defects where these belong to the samples."""
        batch: Batch = {name: np.empty((len(indices), SIDE, SIDE, 1), np.float32) for name in (NOISY, CLEAN)}
        for position, index in enumerate(indices):
            self.put(int(index), self.window(int(index), ()), (batch[NOISY][position], batch[CLEAN][position]))
        if self._with_class:
            batch[CLASS] = np.stack([self.class_code(int(index)) for index in indices])
        return batch


class FromPrepared(PreparedSamples):
    """Pairs that `FromFiles.batch` made."""

    def window(self, index: int, window: Any) -> Pair:
        """Return a view of a window, in the network's units."""
        return self.arrays[NOISY][index][window], self.arrays[CLEAN][index][window]

    def put(self, index: int, pair: Pair, into: Pair) -> None:  # noqa: ARG002 - all of them are whole
        """Copy a pair."""
        for image, copied in zip(pair, into, strict=True):
            copied[...] = image

    def class_code(self, index: int) -> Images:
        """Return the code."""
        return self.arrays[CLASS][index]

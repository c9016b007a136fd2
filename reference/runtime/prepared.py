"""Samples as a network takes them, made once and kept in an array for each array of a batch: reading one is copying it.

Where a sample is more work than a copy, since its channels lie in several arrays or its illumination is evened out,
staging can keep what came of that work (`staging.py`): bit for bit what the reader of the files has made.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import h5py
import numpy as np

from .backend import Batch, Samples
from .disk import Disk
from .hdf5 import Stored, keys_of
from .recompress import bitshuffle, need_room
from .runconfig import DataSource
from .sharding import Indices, batches

BLOCK_BYTES = 1 << 26
"""About as much is made and written at once."""


class PreparedSamples:
    """The samples of a split, in a file that `write` has written."""

    def __init__(self, path: Path) -> None:
        """Look at the file; reads no value.

        Raises:
            DataError: it is damaged.
        """
        self.arrays = {name: Stored(path, name) for name in keys_of(path)}
        self._disk = Disk()

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def will_need(self, index: int) -> None:
        """Ask for a sample to be fetched from the disk while others are read."""
        for array in self.arrays.values():
            array.will_need(index)

    def batch(self, indices: Indices) -> Batch:
        """Copy some samples."""
        if self._disk.was_needed():
            for index in indices:
                self.will_need(int(index))
        batch = {name: np.empty((len(indices), *array.shape[1:]), array.dtype) for name, array in self.arrays.items()}
        for name, array in self.arrays.items():
            for position, index in enumerate(indices):
                batch[name][position] = array[int(index)]
        return batch


T = TypeVar("T", bound=Samples)
P = TypeVar("P", bound=PreparedSamples)


def where_prepared(source: DataSource, readers: dict[str, T], kind: type[P]) -> dict[str, T] | dict[str, P]:
    """Return by split the samples that staging has prepared or, where it has not, those of the readers given."""
    if source.prepared is None:
        return readers
    return {split: kind(path_of(source.prepared, split)) for split in readers}


def path_of(folder: Path, split: str) -> Path:
    """Where the samples of a split are."""
    return folder / f"{split}.h5"


def size(samples: Samples) -> int:
    """Return how many bytes the samples take; reads one of them.

    Raises:
        DataError: it is bad.
    """
    return len(samples) * sum(array.nbytes for array in samples.batch(np.zeros(1, np.int64)).values())


def write(samples: Samples, path: Path, *, compress: bool) -> Iterator[int]:
    """Make the samples and write them, some at a time; yields after each of these how many.

    Args:
        samples: what makes them.
        path: the file to write.
        compress: whether each sample of more than one number is compressed, by bitshuffle and LZ4.

    Raises:
        DataError: one is bad.
        OSError: the file cannot be written; ENOSPC before the disk is full, as in `recompress`.
    """
    at_once = max(1, BLOCK_BYTES * len(samples) // max(1, size(samples)))
    with h5py.File(path, "w", locking=False) as file:
        for indices in batches(np.arange(len(samples)), at_once):
            batch = samples.batch(indices)
            need_room(file, sum(array.nbytes for array in batch.values()))
            for name, array in batch.items():
                if name not in file:
                    layout = {"chunks": (1, *array.shape[1:]), **bitshuffle()} if compress and array.ndim > 1 else {}
                    file.create_dataset(name, (len(samples), *array.shape[1:]), array.dtype, **layout)
                file[name][indices[0] : indices[-1] + 1] = array
            yield len(indices)

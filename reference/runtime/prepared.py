"""Samples as a network takes them, made once and kept in an array for each array of a batch: reading one is copying it.

Where a sample is more work than a copy, since its channels lie in several arrays or its illumination is evened out,
staging can keep what came of that work (`staging.py`): bit for bit what the reader of the files has made.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np

from .backend import Batch, Samples
from .disk import Disk
from .hdf5 import Stored, places_of
from .recompress import bitshuffle, need_room
from .runconfig import DataSource
from .sharding import Indices, batches

BLOCK_BYTES = 1 << 26
"""About as much is made and written at once."""


class PreparedSamples:
    """The samples of a split, in a file that `create` and `fill` have written."""

    def __init__(self, path: Path) -> None:
        """Look at the file; reads no value.

        Raises:
            DataError: it is damaged.
        """
        self.arrays = {name: Stored(path, name) for name in places_of(path)}
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


def create(samples: Samples, path: Path, *, compress: bool) -> None:
    """Make the file that the samples will be written to, in its full length.

    Args:
        samples: what makes them.
        path: the file.
        compress: whether samples of more than one number are compressed, by bitshuffle and LZ4. Only one process may
            write them.

    Raises:
        DataError: the first sample is bad.
        OSError: the file cannot be written.
    """
    with h5py.File(path, "w", locking=False) as file:
        for name, array in samples.batch(np.zeros(1, np.int64)).items():
            shape = (len(samples), *array.shape[1:])
            if compress and array.ndim > 1:
                file.create_dataset(name, shape, array.dtype, chunks=(1, *shape[1:]), **bitshuffle())
            else:
                _allocate(file, name, shape, array.dtype)


def _allocate(file: h5py.File, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Make an array that lies in one piece, at a place that is known before anything is written there."""
    early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    early.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    kind, space = h5py.h5t.py_create(dtype, logical=True), h5py.h5s.create_simple(shape)
    h5py.h5d.create(file.id, name.encode(), kind, space, early)


def fill(samples: Samples, path: Path, indices: Indices) -> Iterator[int]:
    """Make some of the samples and write them to their places, a block at a time; yields after each how many.

    Several processes may do so at once, for other samples each, where these are not compressed.

    Raises:
        DataError: one is bad.
        OSError: the file cannot be written; of compressed samples ENOSPC before the disk is full, as in `recompress`.
    """
    if not len(indices):  # another process may write, and a file that is written to is not for reading
        return
    at_once = max(1, BLOCK_BYTES * len(samples) // max(1, size(samples)))
    places = places_of(path)
    for block in batches(indices, at_once):
        batch = samples.batch(block)
        if any(place.offset is None for place in places.values()):
            with h5py.File(path, "r+", locking=False) as file:
                need_room(file, sum(array.nbytes for array in batch.values()))
                for name, array in batch.items():
                    file[name][block[0] : block[-1] + 1] = array
        else:
            with path.open("rb+") as out:
                for name, array in batch.items():
                    out.seek(places[name].offset + int(block[0]) * places[name].sample_bytes)
                    out.write(array.data)
        yield len(block)

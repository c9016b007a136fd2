"""Write an HDF5 file anew with compressed arrays: bitshuffle and LZ4, in chunks that are read as a whole."""

from __future__ import annotations

import errno
import importlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from .hdf5 import open_file

TILE = 64
"""Rows and columns of a chunk of an image with channels: a tile of 256² pixels lies in 25 of them, or in 16."""

BLOCK_BYTES = 1 << 26
"""About as much is read, compressed and written at once."""

SPARE_BYTES = 1 << 20
"""Room that is left to the library for what it writes when a file is closed."""


def recompress(source: Path, target: Path) -> Iterator[None]:
    """Write the arrays of a file into another, block by block, with attributes and groups as they are.

    Raises:
        OSError: the source cannot be read, or the target not be written; ENOSPC before the disk is full, since the
            library cannot close a file that it could not write.
    """
    with open_file(source) as old, h5py.File(target, "w", locking=False) as new:
        yield from _copy(old, new, bitshuffle())


def bitshuffle() -> dict[str, Any]:
    """Return the options of an array that is compressed."""
    plugin: Any = importlib.import_module("hdf5plugin")
    return dict(plugin.Bitshuffle(cname="lz4"))


def chunk_of(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return what is read at once: a sample of (samples, H, W, C), a square of (H, W, C); None for small arrays."""
    if len(shape) >= 4:
        return (1, *shape[1:])
    if len(shape) == 3:
        return (min(TILE, shape[0]), min(TILE, shape[1]), shape[2])
    return None


def _copy(old: h5py.Group, new: h5py.Group, options: dict[str, Any]) -> Iterator[None]:
    for name, value in old.attrs.items():
        new.attrs[name] = value
    for name, item in old.items():
        if isinstance(item, h5py.Group):
            yield from _copy(item, new.create_group(name), options)
        elif chunk_of(item.shape) is None or 0 in item.shape:
            need_room(new, item.nbytes)
            old.copy(name, new)
        else:
            made = new.create_dataset(name, item.shape, item.dtype, chunks=chunk_of(item.shape), **options)
            yield from _copy_array(item, made)


def _copy_array(old: h5py.Dataset, new: h5py.Dataset) -> Iterator[None]:
    for name, value in old.attrs.items():
        new.attrs[name] = value
    step = new.chunks[0]
    rows = max(step, BLOCK_BYTES * len(old) // max(1, old.nbytes) // step * step)
    for start in range(0, len(old), rows):
        block = old[start : start + rows]
        need_room(new, block.nbytes)
        new[start : start + rows] = block
        yield


def need_room(new: h5py.Group | h5py.Dataset, size: int) -> None:
    """Look whether so many bytes can still be written to a file.

    Raises:
        OSError: ENOSPC, before the disk is full.
    """
    if shutil.disk_usage(Path(new.file.filename).parent).free < size + SPARE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), new.file.filename)

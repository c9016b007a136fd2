"""An HDF5 file of planes, written once from front to back.

The HDF5 library lays the file out and writes what is no plane: a few kilobytes. The planes go to their places by plain
writes, in pieces that are converted to the stored dtype, written and hashed while they are in the cache. So no plane is
copied as a whole, nothing is read again for the hash, and a disk that fills up shows as an OSError.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.common.making import closing_hdf5
from logging_spec.whole import whole_file

PIECE = 1 << 17
"""Values that are converted, written and hashed at a time: a megabyte of float64."""

ROOM_FOR_STRUCTURE = 1 << 16
"""Bytes that a file may need beside its planes; a scene needs four kilobytes."""


@dataclass(frozen=True, kw_only=True)
class Plane:
    """What goes into one data set."""

    values: NDArray[Any]
    """Values in the order of the file, of any dtype."""

    dtype: str
    """Type in the file, in NumPy's words."""

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self.values.size * np.dtype(self.dtype).itemsize

    def pieces(self) -> Iterator[NDArray[Any]]:
        """Yield the values, as they are stored, in their order."""
        flat = np.ascontiguousarray(self.values).reshape(-1)
        for first in range(0, flat.size, PIECE):
            yield flat[first : first + PIECE].astype(self.dtype, copy=False)


def write_planes(path: Path, planes: Mapping[str, Plane], attributes: Mapping[str, Any]) -> str:
    """Write a file whole: under a temporary name in the same folder, then renamed. Return its SHA-256.

    Data sets are contiguous and uncompressed, so that a tile is read without touching the rest. Nothing in the file
    depends on the clock: the same planes give the same bytes.

    Raises OSError where the disk refuses; the temporary file is gone by then.
    """
    with whole_file(path) as file:
        part = Path(file.name)
        # The HDF5 library ends badly where it is refused: that its file may be so long, and has room, shows before.
        os.truncate(file.fileno(), ROOM_FOR_STRUCTURE + sum(plane.size for plane in planes.values()))
        os.posix_fallocate(file.fileno(), 0, ROOM_FOR_STRUCTURE)
        places = _lay_out(part, planes, attributes)
        size = part.stat().st_size
        os.posix_fallocate(file.fileno(), 0, size)
        digest, reached = hashlib.sha256(), 0
        with part.open("rb") as laid_out:
            for offset, name in [*sorted((offset, name) for name, offset in places.items()), (size, None)]:
                digest.update(os.pread(laid_out.fileno(), offset - reached, reached))
                file.seek(offset)
                for piece in planes[name].pieces() if name else ():
                    file.write(piece.data)
                    digest.update(piece.data)
                reached = file.tell()
    return digest.hexdigest()


def _lay_out(path: Path, planes: Mapping[str, Plane], attributes: Mapping[str, Any]) -> dict[str, int]:
    """Make the file of empty data sets, and return where the values of each begin."""
    with closing_hdf5(h5py.File(path, "w", libver=("earliest", "v110"))) as file:
        places = {}
        for name, plane in planes.items():
            made = file.create_dataset(name, plane.values.shape, plane.dtype)
            made[tuple(slice(1) for _ in made.shape)] = 0  # the library gives a data set its place with its first value
            places[name] = made.id.get_offset()
        for name, value in sorted(attributes.items()):
            file.attrs[name] = value
    return places

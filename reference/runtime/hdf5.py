"""Arrays in HDF5 files, read through a memory map where they are contiguous.

That is several times the speed of the HDF5 library for a part of an array (`tests/performance/read_speed.py` measures
it), and does without the library's lock. Arrays in chunks, compressed ones too, are read by the library, from a file
that stays open, and so are those to which a link leads in another file. Files are opened when the first value is read,
in each process anew, so that none is shared over a fork.
"""

from __future__ import annotations

import errno
import importlib
import mmap
import os
import resource
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np
from numpy.typing import NDArray

from .errors import DataError

T = TypeVar("T")

FIRST_PLUGIN = 256
"""Filters from this number on are not the HDF5 library's own, but come with the package hdf5plugin."""

CACHED_CHUNKS = 4
"""Chunks of an array of samples that stay decompressed: samples that follow each other often lie in one chunk."""

CACHE_BYTES = 1 << 20
"""What the HDF5 library keeps of an array's chunks where nothing else is said; it keeps none that is larger."""

LARGEST_CACHE_BYTES = 1 << 28


def open_file(path: Path, *, cache_bytes: int = CACHE_BYTES) -> h5py.File:
    """Open a file for reading, without a lock: Lustre and NFS often refuse one, and a reader needs none.

    HDF5_USE_FILE_LOCKING in the environment, where a user has set it, decides otherwise.

    Raises:
        OSError: it cannot be opened, or is no HDF5 file.
    """
    return _with_room(lambda: h5py.File(path, "r", locking=False, rdcc_nbytes=cache_bytes))


def items_of(file: h5py.File) -> dict[str, Any]:
    """Return what a file holds by key; None is a link that leads nowhere, which is a fault of whoever reads it.

    Raises:
        OSError: something in it cannot be opened, as an array that reaches beyond the end of the file: h5py's own
            `items` and `get` say of it that there is none. A file that is cut after it was mapped is another matter:
            reading the map there ends the process with SIGBUS, and the harness says what that means.
    """
    found: dict[str, Any] = {}
    for key in file:
        try:
            found[key] = file[key]
        except (KeyError, OSError) as error:
            if isinstance(file.get(key, getlink=True), h5py.HardLink):
                raise OSError(error.args[0]) from None
            found[key] = None
    return found


class Place:
    """Where a data set of a file lies."""

    def __init__(self, dataset: h5py.Dataset) -> None:
        self.shape: tuple[int, ...] = dataset.shape
        self.dtype: np.dtype[Any] = dataset.dtype
        self.sample_bytes = int(np.prod(self.shape[1:])) * self.dtype.itemsize if self.shape else 0
        self.file: str = dataset.file.filename
        """File that holds it, which is another than the one it was asked of where a link leads there."""
        contiguous = dataset.chunks is None and dataset.compression is None and not dataset.external
        # NumPy has no word for an integer of 12 bits that begins at the fourth: the library alone can read that.
        plain = dataset.id.get_type() == h5py.h5t.py_create(self.dtype, logical=True)
        self.offset: int | None = dataset.id.get_offset() if contiguous and plain else None
        self.chunk_bytes = int(np.prod(dataset.chunks or 0)) * self.dtype.itemsize
        properties = dataset.id.get_create_plist()
        filters = [properties.get_filter(number)[0] for number in range(properties.get_nfilters())]
        self.needs_plugin = any(number >= FIRST_PLUGIN for number in filters)


def places_of(path: Path) -> dict[str, Place]:
    """Return where the arrays of a file lie that holds nothing else.

    Raises:
        DataError: it is damaged.
    """
    try:
        with open_file(path) as file:
            return {key: Place(item) for key, item in items_of(file).items()}
    except OSError as error:
        raise DataError(f"{path}: expected an HDF5 file, found: {error} — get the file again") from None


class Arrays:
    """Arrays of one file by key. Making it reads nothing."""

    def __init__(self, path: Path, places: Mapping[str, Place], *, keep_chunks: bool) -> None:
        """Note where the arrays lie.

        Args:
            path: the file.
            places: key → where its array lies.
            keep_chunks: keep the last chunks decompressed. It helps where neighbours are read one after the other, and
                costs memory for each file.
        """
        self._path, self._places, self._keep_chunks = path, places, keep_chunks
        here = os.fspath(path)
        self._mappable = {key for key, place in places.items() if place.offset is not None and place.file == here}
        self._mapped: dict[str, NDArray[Any]] = {}
        self._bytes: mmap.mmap | None = None
        self._file: h5py.File | None = None
        self._open: dict[str, h5py.Dataset] = {}
        self._owner = 0

    def read(self, key: str, index: Any) -> NDArray[Any]:
        """Read a part of an array; of a contiguous one, this is a view into the file that nobody can write to.

        Raises:
            DataError: the file cannot be read, or ends before the array does.
        """
        if key in self._mappable:
            if key not in self._mapped:
                self._mapped[key] = self._map(self._places[key])
            return np.asarray(self._mapped[key][index])
        try:
            return np.asarray(self._dataset(key)[index])
        except OSError as error:
            message = f"{self._path}: {key}: expected readable data, found: {error} — get the file again"
            raise DataError(message) from None

    def will_need(self, key: str, sample: int) -> None:
        """Ask for a sample to be fetched from the disk while others are read; nothing for an array in chunks."""
        place = self._places[key]
        if key not in self._mappable or not self._bytes:
            return
        start = (place.offset or 0) + sample * place.sample_bytes
        before = start % mmap.PAGESIZE
        self._bytes.madvise(mmap.MADV_WILLNEED, start - before, place.sample_bytes + before)

    def _map(self, place: Place) -> NDArray[Any]:
        """Return a view of one array; all of a file share one map, since each map keeps a file open."""
        try:
            if self._bytes is None:
                self._bytes = _with_room(self._map_file)
            return np.ndarray(place.shape, place.dtype, buffer=self._bytes, offset=place.offset or 0)
        except (OSError, ValueError, TypeError) as error:
            raise DataError(
                f"{self._path}: expected {place.shape} {place.dtype}, found: {error} — get the file again"
            ) from None

    def _map_file(self) -> mmap.mmap:
        with self._path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def _dataset(self, key: str) -> h5py.Dataset:
        """Return the library's view of an array, from the open file of this process."""
        if self._file is None or self._owner != os.getpid():
            if any(place.needs_plugin for place in self._places.values()):
                importlib.import_module("hdf5plugin")  # makes its filters known to the HDF5 library
            wanted = CACHED_CHUNKS * max(place.chunk_bytes for place in self._places.values())
            cache_bytes = min(max(CACHE_BYTES, wanted), LARGEST_CACHE_BYTES)
            self._file = open_file(self._path, cache_bytes=cache_bytes if self._keep_chunks else CACHE_BYTES)
            self._open, self._owner = {}, os.getpid()
        found = self._open.get(key) or self._file[key]
        if self._keep_chunks:  # the library forgets the chunks of an array that is closed
            self._open[key] = found
        return found


class Stored:
    """One array of one file, whose first axis counts samples. Making one reads the file's metadata, and no value."""

    def __init__(self, path: Path, key: str) -> None:
        """Look at the file.

        Raises:
            DataError: it is damaged, does not hold the key, or holds something else than samples of numbers there.
        """
        self.path, self.key = path, key
        try:
            with open_file(path) as file:
                found = file.get(key)
                if found is None:
                    keys = ", ".join(key for key, item in items_of(file).items() if item is not None) or "nothing"
                    raise DataError(f"{path}: expected the key {key}, found {keys} — this file has another layout")
                if not isinstance(found, h5py.Dataset):
                    kind = type(found).__name__.lower()
                    raise DataError(f"{path}: {key}: expected an array, found a {kind} — this file has another layout")
                if not found.shape:
                    raise DataError(f"{path}: {key}: expected an array, found a single value or none")
                if found.dtype.kind not in "biuf":
                    raise DataError(f"{path}: {key}: expected numbers, found dtype {found.dtype}")
                self._place = Place(found)
        except OSError as error:
            raise DataError(f"{path}: expected an HDF5 file, found: {error} — get the file again") from None
        self._arrays = Arrays(path, {key: self._place}, keep_chunks=True)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self._place.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of its values."""
        return self._place.dtype

    def __getitem__(self, index: Any) -> NDArray[Any]:
        """Read a part of the array, such as a sample; see `Arrays.read`.

        Raises:
            DataError: the file cannot be read.
        """
        return self._arrays.read(self.key, index)

    def will_need(self, sample: int) -> None:
        """Ask for a sample to be fetched from the disk while others are read."""
        self._arrays.will_need(self.key, sample)


def _with_room(opened: Callable[[], T]) -> T:
    """Open a file; where too many are open, do so once more with as many as the system lets this process have.

    A data set may have more files than the 1,024 that a process starts with, and each of them stays open.
    """
    try:
        return opened()
    except OSError as error:
        # The HDF5 library states the number in its words alone.
        if error.errno != errno.EMFILE and f"errno = {errno.EMFILE}," not in str(error):
            raise
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return opened()

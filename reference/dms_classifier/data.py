"""The patterns of a split and their labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reference.runtime.backend import Batch
from reference.runtime.disk import Disk
from reference.runtime.errors import DataError
from reference.runtime.hdf5 import Stored
from reference.runtime.manifest import Manifest
from reference.runtime.sharding import Indices

from .facts import CLASSES, COLUMNS, GENERATIONS, NAMED, ROWS, Place


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How counts enter a network: z = (√counts − mean) / deviation; the square root makes the noise even."""

    mean: float
    """Mean of the square root of the training counts."""

    deviation: float
    """Its standard deviation."""

    def normalise(self, counts: NDArray[np.floating]) -> NDArray[np.float32]:
        """Turn counts into the network's units; what is below 0 counts as 0."""
        return self.normalise_in_place(counts.astype(np.float32))

    def normalise_in_place(self, counts: NDArray[np.float32]) -> NDArray[np.float32]:
        """Do the same to an array that may be changed."""
        if counts.min(initial=0) < 0:
            np.maximum(counts, 0, out=counts)
        np.sqrt(counts, out=counts)
        np.subtract(counts, np.float32(self.mean), out=counts)
        return np.divide(counts, np.float32(self.deviation), out=counts)


def scale_of(manifest: Manifest) -> Scale:
    """Take the scale from a manifest.

    Raises:
        DataError: it states none; no pattern may be read to find it before the clock starts.
    """
    try:
        images = manifest.statistics["images"]
        mean, deviation = float(images["root_mean"]), float(images["root_standard_deviation"])
    except (KeyError, TypeError, ValueError):
        raise DataError(
            f"{manifest.directory / 'manifest.json'}: expected $.statistics.images, found none — "
            f"make it with `python -m datasets.dms_classifier.manifest {manifest.directory} --dataset-id NAME`"
        ) from None
    if not deviation > 0:
        raise DataError(f"{manifest.directory / 'manifest.json'}: expected patterns that differ, found equal ones")
    return Scale(mean=mean, deviation=deviation)


def place_of(manifest: Manifest, split: str) -> Place:
    """Return where a split lies, by the generation whose files the data set has.

    Raises:
        DataError: its files are of no known generation.
    """
    held = {str(path.relative_to(manifest.directory)) for path in manifest.splits.get(split, [])}
    for splits in GENERATIONS.values():
        if splits[split].file in held:
            return splits[split]
    expected = " or ".join(splits[split].file for splits in GENERATIONS.values())
    raise DataError(f"{manifest.directory}: split {split}: expected {expected}, found {', '.join(held) or 'no file'}")


class Patterns:
    """Patterns of one split. Making it reads metadata, and neither pixels nor labels."""

    def __init__(self, manifest: Manifest, split: str) -> None:
        """Look at the file.

        Raises:
            DataError: it is missing or damaged, or has another shape; or the manifest states no scale.
        """
        self._scale, self._disk = scale_of(manifest), Disk()
        place = place_of(manifest, split)
        path = manifest.directory / place.file
        self._images, self._labels = Stored(path, place.images), Stored(path, place.labels)
        if self._images.shape[1:3] != (ROWS, COLUMNS) or len(self._images.shape) != 4 or not self._images.shape[3]:
            expected = f"({len(self._images)}, {ROWS}, {COLUMNS}, channels)"
            raise DataError(f"{path}: {place.images}: expected shape {expected}, found {self._images.shape}")
        if self._labels.shape not in ((len(self._labels),), (len(self._labels), 1)):
            expected = f"({len(self._labels)},) or ({len(self._labels)}, 1)"
            raise DataError(f"{path}: {place.labels}: expected shape {expected}, found {self._labels.shape}")
        if len(self._labels) != len(self._images) or not len(self._images):
            raise DataError(
                f"{path}: expected one or more patterns with a label each, found {len(self._labels)} labels and "
                f"{len(self._images)} patterns — get the file again"
            )
        self.checked = np.zeros(len(self._images), np.bool_)
        """Patterns that were looked at in this run, and hold finite counts alone: nobody looks at them again."""

    def __len__(self) -> int:
        return len(self._images)

    def will_need(self, index: int) -> None:
        """Ask for a pattern to be fetched from the disk while others are read."""
        self._images.will_need(index)

    def batch(self, indices: Indices) -> Batch:
        """Read patterns: images_NHWC in the network's units and labels_N.

        Raises:
            DataError: a count is not finite, or a label is none of the classes.
        """
        images, labels = np.empty((len(indices), ROWS, COLUMNS, 1), np.float32), np.empty(len(indices), np.int64)
        if self._disk.was_needed():
            for index in indices:
                self.will_need(int(index))
        for position, index in enumerate(indices):
            self.counts(int(index), out=images[position, :, :, 0])
            self._scale.normalise_in_place(images[position, :, :, 0])
            labels[position] = self.label(int(index))
        return {"images_NHWC": images, "labels_N": labels}

    def counts(self, index: int, out: NDArray[np.float32] | None = None) -> NDArray[np.floating]:
        """Read a pattern, (rows, columns): its first channel; into `out`, where that is given.

        Its values are looked at when it is read first.

        Raises:
            DataError: a count is not finite.
        """
        stored = self._images[index, :, :, 0]
        if out is not None:
            out[...] = stored
        found = np.ascontiguousarray(stored) if out is None else out
        if not self.checked[index]:
            if not np.isfinite(found).all() and not np.isfinite(stored).all():
                where = f"{self._images.path}: {self._images.key}: pattern {index}"
                raise DataError(f"{where}: expected finite counts, found others — get the file again")
            self.checked[index] = True
        return found

    def label(self, index: int) -> int:
        """Read a label.

        Raises:
            DataError: it is none of the classes.
        """
        found = np.ravel(self._labels[index])[0]
        if found not in range(len(CLASSES)):
            raise DataError(f"{self._labels.path}: label of pattern {index}: expected {NAMED}, found {found}")
        return int(found)

    def labels(self) -> NDArray[np.int64]:
        """Read all labels."""
        return np.array([self.label(index) for index in range(len(self))], np.int64)

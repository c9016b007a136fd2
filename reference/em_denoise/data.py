"""The pairs of a split: image i of the noisy file belongs to image i of the clean one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.runtime.errors import DataError
from reference.runtime.hdf5 import Stored
from reference.runtime.manifest import Manifest

from .facts import CLASSES, CLEAN_FILE, KEY, NOISE_FILE, SIDE, TRUTH_FILE

Images = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The one affine map by which noisy and clean images enter and leave a network: z = (x − mean) / deviation."""

    mean: float
    """Mean of the clean training images."""

    deviation: float
    """Their standard deviation."""

    data_range: float
    """Largest minus smallest value of the clean training images: L of PSNR and SSIM."""

    def normalise(self, images: NDArray[Any]) -> Images:
        """Turn the data's units into the network's."""
        return self.normalise_into(images, np.empty_like(images, np.float32))

    def normalise_into(self, images: NDArray[Any], out: Images) -> Images:
        """Do the same into an array that is there, straight from what the file holds, in float32 all the way."""
        np.subtract(images, np.float32(self.mean), out=out, dtype=np.float32, casting="same_kind")
        return np.divide(out, np.float32(self.deviation), out=out)

    def restore(self, images: Images) -> Images:
        """Turn the network's units into the data's."""
        return images * np.float32(self.deviation) + np.float32(self.mean)


def scale_of(manifest: Manifest) -> Scale:
    """Take the scale from a manifest.

    Raises:
        DataError: it states none; no pixel may be read to find it before the clock starts.
    """
    try:
        clean = manifest.statistics["clean"]
        mean, deviation = float(clean["mean"]), float(clean["standard_deviation"])
        found = Scale(mean=mean, deviation=deviation, data_range=float(manifest.statistics["data_range"]))
    except (KeyError, TypeError, ValueError):
        raise DataError(
            f"{manifest.directory / 'manifest.json'}: expected $.statistics.clean and data_range, found none — "
            f"make it with `python -m datasets.em_denoise.manifest {manifest.directory} --dataset-id NAME`"
        ) from None
    if not (found.deviation > 0 and found.data_range > 0):
        raise DataError(f"{manifest.directory / 'manifest.json'}: expected images that differ, found equal ones")
    return found


class Pairs:
    """Noisy and clean images of one split. Making it reads metadata, and no pixel."""

    def __init__(self, files: list[Path], split: str) -> None:
        """Look at the files.

        Raises:
            DataError: a file is missing or damaged, or the two do not make pairs.
        """
        found = {path.name: path for path in files}
        missing = [name for name in (NOISE_FILE, CLEAN_FILE) if name not in found]
        if missing:
            raise DataError(f"split {split}: expected {missing[0]}, found {', '.join(found) or 'no file'}")
        self.noise, self.clean = (Stored(found[name], KEY) for name in (NOISE_FILE, CLEAN_FILE))
        for stored in (self.noise, self.clean):
            if stored.shape[1:] != (SIDE, SIDE, 1):
                expected = f"({len(stored)}, {SIDE}, {SIDE}, 1)"
                raise DataError(f"{stored.path}: {KEY}: expected shape {expected}, found {stored.shape}")
        if len(self.noise) != len(self.clean) or not len(self.noise):
            numbers = f"{len(self.noise)} noisy and {len(self.clean)} clean images"
            raise DataError(f"{self.noise.path.parent}: expected pairs, found {numbers} — get both files again")
        self.checked = np.zeros(len(self.noise), np.bool_)
        """Pairs that were looked at in this run, and hold finite values alone: nobody looks at them again."""
        truth = found.get(TRUTH_FILE)
        self._class = Stored(truth, "class") if truth is not None else None
        if self._class is not None and self._class.shape != (len(self.noise),):
            found_shape = f"found shape {self._class.shape}"
            raise DataError(f"{truth}: class: expected a kind of defect for each image, {(len(self),)}, {found_shape}")

    def __len__(self) -> int:
        return len(self.noise)

    def will_need(self, index: int) -> None:
        """Ask for a pair to be fetched from the disk while others are read."""
        self.noise.will_need(index)
        self.clean.will_need(index)

    def read(self, index: int, *, noisy: Any = (), clean: Any = ()) -> tuple[Images, Images]:
        """Return a noisy image and its clean one, each (256, 256, 1), or of either the window that is named.

        They are views into the files where these allow it, and nothing has looked at a value yet; see `check`.
        """
        return self.noise[index][noisy], self.clean[index][clean]

    def check(self, index: int) -> None:
        """Look at all values of a pair, unless they are known to be finite.

        Raises:
            DataError: one is not finite.
        """
        if self.checked[index]:
            return
        for stored in (self.noise, self.clean):
            if not np.isfinite(stored[index]).all():
                where = f"{stored.path}: {KEY}: image {index}"
                raise DataError(f"{where}: expected finite values, found others — get the file again")
        self.checked[index] = True

    def class_code(self, index: int) -> Images:
        """Return the one-hot code of the kind of defect, (4,); 1/4 everywhere where it is not known.

        Raises:
            DataError: the file names a kind that there is not.
        """
        if self._class is None:
            return np.full(len(CLASSES), 1 / len(CLASSES), np.float32)
        found = self._class[index]
        if found not in range(len(CLASSES)):
            named = ", ".join(f"{number} {name}" for number, name in enumerate(CLASSES))
            raise DataError(f"{self._class.path}: class of image {index}: expected {named}, found {found}")
        return np.eye(len(CLASSES), dtype=np.float32)[int(found)]

"""The .hdf file of one scene: what it holds, its name, and a whole write."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from logging_spec.whole import whole_file

PLANES = ("bts", "rads", "refs", "bayes", "summary", "valid", "quality")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One scene in memory. Shape suffixes: H rows, W columns, C channels."""

    bts: NDArray[np.float32]
    """Brightness temperatures_HWC of S7, S8, S9 in kelvin; NaN is fill."""

    bayes: NDArray[np.uint8]
    """Bayesian cloud mask_HW1; cloud where any bit is set."""

    summary: NDArray[np.int64]
    """Summary cloud flag_HW1, 0 or 1."""

    refs: NDArray[np.float64] | None = None
    """Reflectances_HWC of S1 to S6; None where the product lacks the radiances."""

    rads: NDArray[np.float32] | None = None
    """Radiances_HWC of S1 to S6 in mW m-2 sr-1 nm-1; None where the product lacks them."""

    valid: NDArray[np.uint8] | None = None
    """1_HW1 where the pixel was seen; None where NaN in the bts says it."""

    quality: NDArray[np.uint8] | None = None
    """Bits_HW1 of a converted scene: 1 fill, 2 cosmetic, 4 duplicate, 8 a label with spare bits; None elsewhere."""

    attributes: dict[str, Any] = field(default_factory=dict)
    """Attributes of the file: provenance and what a reader must be told."""


def write_scene(path: Path, scene: Scene) -> None:
    """Write a scene whole: under a temporary name in the same folder, then renamed.

    Data sets are contiguous and uncompressed, so that a tile is read without touching the rest. Nothing in the file
    depends on the clock: the same scene gives the same bytes.

    Raises OSError where the disk refuses; the temporary file is gone by then.
    """
    with whole_file(path) as file:
        file.write(_hdf5_bytes(scene))


def _hdf5_bytes(scene: Scene) -> bytes:
    """Return the file in memory: the HDF5 library cannot close a file that no longer fits on the disk."""
    with h5py.File("scene", "w", driver="core", backing_store=False, libver=("earliest", "v110")) as file:
        for name in PLANES:
            plane = getattr(scene, name)
            if plane is not None:
                file.create_dataset(name, data=plane)
        for name, value in sorted(scene.attributes.items()):
            file.attrs[name] = value
        file.flush()
        return bytes(file.id.get_file_image())

"""Where the patterns of a set lie: the three generations of its layout (SciML-Bench, before v0.5, v0.5, v1.x)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from datasets.common.failures import DataError


@dataclass(frozen=True, kw_only=True)
class Place:
    """The patterns of one split."""

    file: str
    """Path in the set."""

    images: str
    """Key of the images."""

    labels: str
    """Key of the labels."""


GENERATIONS: dict[str, dict[str, Place]] = {
    "A": {s: Place(file=f"{s}/dms_phases.h5", images="images", labels="labels") for s in ("train", "test")},
    "B": {s: Place(file="dxs-data.hdf5", images=f"data/{s}", labels=f"labels/{s}") for s in ("train", "test")},
    "C": {
        s: Place(file="training/data-binary.h5", images=f"{s}/images", labels=f"{s}/labels") for s in ("train", "test")
    },
}
"""Generation → split → place."""


def places(root: Path) -> dict[str, Place]:
    """Return where the splits of a set lie.

    Raises:
        DataError: no file of any generation is there.
    """
    for splits in GENERATIONS.values():
        if all((root / place.file).is_file() for place in splits.values()):
            return splits
    expected = ", ".join(sorted({place.file for splits in GENERATIONS.values() for place in splits.values()}))
    raise DataError(f"{root}: expected one of {expected}, found none — download or simulate the set first")

"""Draw patterns, a row for each phase: `python -m datasets.dms_classifier.show FOLDER|FILE [--out PNG] [--count N]`.

FOLDER is a set of any generation, or its `train` or `test`; FILE is a file of patterns.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from datasets.common.failures import DataError
from datasets.common.files import reading
from datasets.common.page import FILL_KEY, GREY_RAMP, Axis, Panel, Ramp, Row
from datasets.common.pictures import HDF5, below, holds, image, stack
from datasets.common.sheet import SPLITS, Samples, described, manifest_of, show, so_many
from datasets.common.tones import enlarged, grey, limits, short
from datasets.dms_classifier.crystal import PHASES
from datasets.dms_classifier.detector import COLUMNS, DISTANCE_MM, PIXEL_MM, ROWS, TWO_THETA_DEG
from datasets.dms_classifier.files import GENERATIONS, Place

HERE = Path(__file__).parent
USUAL = 4
SIDE_BY_SIDE = 5
"""So many patterns have room in one row."""

HIGHEST = 366
"""Rows of a picture at most: three quarters of a pattern's, and half of its bytes, still show every line."""

LEAST = 96
KEYS = sorted({(place.images, place.labels) for splits in GENERATIONS.values() for place in splits.values()})
FILES = sorted({place.file for splits in GENERATIONS.values() for place in splits.values()})


def fits(path: Path) -> bool:
    """Tell by names and keys whether a folder or file is of this data set."""
    names = {Path(name).name for name in FILES}
    if path.is_file():
        return path.name in names or any(holds(path, *keys) for keys in KEYS)
    return any(below(path, name) for name in names)


def samples(root: Path, count: int, split: str) -> Samples:
    """Return a row for each label, of its first patterns.

    Raises:
        DataError: there is no file of patterns.
    """
    path = _file(root, split)
    with reading(path) as file:
        place = _place(path, file, split)
        images, labels = stack(file, place.images), _labels(file, place.labels)
        if len(images) != len(labels):
            raise ValueError(f"expected a label for each pattern, found {len(labels)} and {len(images)}")
        chosen = [index for label in np.unique(labels) for index in np.flatnonzero(labels == label)[:count]]
        if not chosen:
            raise DataError(f"{path}: expected patterns, found none — make or download the set anew")
        roots = {index: np.sqrt(np.maximum(image(images, int(index)), 0)) for index in chosen}
        size = f"{images.shape[2]} × {images.shape[1]} pixels, {images.dtype}"
    known = _simulated(path) and images_are_whole(next(iter(roots.values())))
    panels = {index: _panel(labels[index], index, pattern) for index, pattern in roots.items()}
    rows = [[panels[index] for index in chosen if labels[index] == label] for label in np.unique(labels)]
    rows = [list(panels.values())] if len(panels) <= SIDE_BY_SIDE else rows
    counted = ", ".join(f"{(labels == label).sum()} {_name(label)}" for label in np.unique(labels))
    facts = [
        f"{so_many(len(panels), len(labels), 'pattern')}{_named(path, place)} ({counted}): {size}.",
        "Grey goes with the square root of counts" + _geometry(known) + ".",
    ]
    return Samples(described(HERE), facts, [Row(_with_axes(row, roots, known)) for row in rows], colours=32)


def images_are_whole(pattern: NDArray[Any]) -> bool:
    """Tell whether a pattern has the size of the detector, whose geometry is then known."""
    return pattern.shape == (ROWS, COLUMNS)


def _file(root: Path, split: str) -> Path:
    if root.is_file():
        if root.suffix.lower() not in HDF5:
            raise DataError(f"{root}: expected a file of patterns ({', '.join(HDF5)}), found another — name one")
        return root
    for name in FILES:
        found = below(root, Path(name).name)
        if found:
            return ([path for path in found if path.parent.name == split] or found)[0]
    raise DataError(f"{root}: expected one of {', '.join(FILES)}, found none — download or simulate the set first")


def _place(path: Path, file: h5py.File, split: str) -> Place:
    """Return the keys of the split in a file, or of the other split where it alone is there."""
    for wanted in sorted(SPLITS, key=lambda name: name != split):
        for splits in GENERATIONS.values():
            if splits[wanted].images in file and splits[wanted].labels in file:
                return splits[wanted]
    known = ", ".join(images for images, _ in KEYS)
    raise ValueError(f"{path.name}: expected one of the keys {known} and its labels, found {sorted(file)}")


def _named(path: Path, place: Place) -> str:
    names = {path.parent.name, *place.images.split("/")} & set(SPLITS)
    return f" of the split {min(names)}" if names else f" of {path.name}"


def _labels(file: h5py.File, key: str) -> NDArray[np.int64]:
    values = np.asarray(file[key][...], np.float64)
    values = values.reshape(len(values), -1)[:, 0]
    wrong = values[~(np.isfinite(values) & (values == np.rint(values)))]
    if len(wrong):
        raise ValueError(f"{key}: expected whole numbers, found {wrong[0]}")
    return values.astype(np.int64)


def _name(label: int) -> str:
    return PHASES[label] if 0 <= label < len(PHASES) else f"class {label}"


def _panel(label: int, index: int, pattern: NDArray[np.float64]) -> Panel:
    (rows, columns), ends = pattern.shape, limits(pattern, 0.5, 99.8)
    pixels = grey(pattern, *ends)
    if rows > HIGHEST and np.isfinite(pattern).all():
        size = (max(1, round(columns * HIGHEST / rows)), HIGHEST)
        pixels = grey(np.asarray(Image.fromarray(pattern.astype(np.float32)).resize(size, Image.Resampling.BOX)), *ends)
    low, high = (f"{end**2:,.0f}" if end**2 >= 1 else short(end**2) for end in ends)
    keys = () if np.isfinite(pattern).all() else (FILL_KEY,)
    return Panel(
        f"{_name(label)}, {index}", enlarged(pixels, LEAST)[0], ramp=Ramp(GREY_RAMP, low, f"{high} counts"), keys=keys
    )


def _with_axes(row: list[Panel], roots: Any, known: bool) -> list[Panel]:
    """Add rows of the detector to the first panel, columns to each, and the angle to the last one."""
    rows, columns = next(iter(roots.values())).shape
    scale = row[0].image.shape[0] / rows
    down = Axis("row", _ticks(rows, scale))
    across = Axis("column" if columns * scale >= LEAST else "", _ticks(columns, scale, 2))
    row = [panel._replace(below=across) for panel in row]
    row[0] = row[0]._replace(left=down)
    if known:
        degrees = np.arange(50, 71, 2)
        places = ROWS / 2 + np.tan(np.radians(degrees - TWO_THETA_DEG)) * DISTANCE_MM / PIXEL_MM
        inside = (places >= 0) & (places <= ROWS)
        ticks = [(float(p * scale), f"{d}°") for d, p in zip(degrees[inside], places[inside], strict=True)]
        row[-1] = row[-1]._replace(right=Axis("two theta", ticks))
    return row


def _ticks(pixels: int, scale: float, least: int = 4) -> list[tuple[float, str]]:
    """Return a tick at 0 and at every so many pixels, 1, 2 or 5 times a power of ten."""
    steps = (step * 10**power for power in range(6, -1, -1) for step in (5, 2, 1))
    step = next((step for step in steps if pixels / step >= least), 1)
    return [((place + 0.5) * scale, str(place)) for place in range(0, pixels, step)]


def _simulated(path: Path) -> bool:
    found = manifest_of(HERE.name, path)
    return bool(found) and str(found[1].get("made_by", {}).get("program", "")) == f"datasets.{HERE.name}.simulate"


def _geometry(known: bool) -> str:
    if not known:
        return "; the geometry of the detector is not published"
    return f"; pixels of {PIXEL_MM * 1000:.0f} micrometres at {DISTANCE_MM:.0f} mm, two theta along the middle column"


def main(argv: Sequence[str] | None = None) -> int:
    """Draw. Exit codes: 0 drawn, 2 usage, 3 no such set, or the disk refused."""
    return show(HERE.name, samples, USUAL, argv)


if __name__ == "__main__":
    sys.exit(main())

"""How fast training tiles are read, beside what the disk cache and the HDF5 library give: `python tile_reader.py`.

It writes one scene of 1200 × 1500 pixels into a temporary folder and prints tiles per second. Only the ratios within
one run mean something.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from reference.slstr_cloud.data import Tiles
from reference.slstr_cloud.facts import TILE
from reference.slstr_cloud.scene import Scene
from reference.slstr_cloud.tiles import training_tiles

ROWS, COLUMNS, REPEATS = 1200, 1500, 7


def write_scene(path: Path) -> None:
    """Write random planes in the real layout."""
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file["bts"] = rng.uniform(200, 310, (ROWS, COLUMNS, 3)).astype("f4")
        file["refs"] = rng.uniform(0, 1, (ROWS, COLUMNS, 6))
        file["bayes"] = rng.integers(0, 3, (ROWS, COLUMNS, 1)).astype("u1")
        file["valid"] = np.ones((ROWS, COLUMNS, 1), "u1")


def hyperslabs(path: Path) -> int:
    """Read all tiles through the HDF5 library, untouched."""
    corners = training_tiles(ROWS, COLUMNS)
    with h5py.File(path) as file:
        for corner in corners:
            window = np.s_[corner.row : corner.row + TILE, corner.column : corner.column + TILE]
            for key in ("bts", "refs", "bayes", "valid"):
                file[key][window]
    return len(corners)


def bytes_only(path: Path) -> int:
    """Read the whole file; as many tiles as it holds whole."""
    path.read_bytes()
    return len(training_tiles(ROWS, COLUMNS))


def main() -> None:
    """Measure each way of reading by turns and print the medians."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "S3A_speed.hdf"
        write_scene(path)
        tiles = Tiles([Scene(path, channels="all")], "bayes")
        ways: dict[str, Callable[[], int]] = {
            "whole file, bytes only": lambda: bytes_only(path),
            "h5py hyperslabs, untouched": lambda: hyperslabs(path),
            "reference reader, normalised": lambda: len(tiles.batch(np.arange(len(tiles)))["images_NHWC"]),
        }
        speeds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(REPEATS):
            for name, read in ways.items():
                started = time.perf_counter()
                count = read()
                speeds[name].append(count / (time.perf_counter() - started))
    base = statistics.median(speeds["h5py hyperslabs, untouched"])
    for name, found in speeds.items():
        middle = statistics.median(found)
        print(f"{name:32s} {middle:8.0f} tiles/s  {middle / base:5.2f} × hyperslabs")


if __name__ == "__main__":
    main()

"""Draw scenes of a set, or one scene: `python -m datasets.slstr_cloud.show FOLDER|SCENE [--out PNG] [--count N]`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.common.files import reading
from datasets.common.sheet import Panel, Samples, grey, limits, show

USUAL = 2
WIDTH = 320
"""Columns of a picture, at most."""

RED, GREEN, BLUE = 4, 2, 1
"""Places of S5, S3 and S2 among S1 to S6: land is green to brown, snow and ice cloud cyan, water cloud white."""

GAMMA = 0.7

LARGEST_FLAGS, HALF, UNFILLED = 15, 128, 255
"""Labels above four flags go from 0 to 255, and are cloud from the middle on; 255 everywhere is a plane without any."""


def samples(root: Path, count: int) -> Samples:
    """Return a row for each of the first scenes: false colour, temperature, and both labels."""
    paths = [root] if root.is_file() else sorted(root.rglob("*.hdf"))
    rows = [_scene(path) for path in paths[:count]]
    return Samples(
        "S5, S3, S2 as red, green, blue; brightness temperature at 10.85 micrometres; the labels (white is cloud)", rows
    )


def _scene(path: Path) -> list[Panel]:
    with reading(path) as file:
        step = -(-file["bts"].shape[1] // WIDTH)
        kelvin = np.asarray(file["bts"][::step, ::step, 1], np.float64)
        low, high = limits(kelvin, 1, 99)
        row = [Panel(f"S8: {low:.0f} K white to {high:.0f} K black", grey(-kelvin, -high, -low))]
        if "refs" in file:
            row.insert(0, Panel("false colour", _colour(np.asarray(file["refs"][::step, ::step, :], np.float64))))
        for plane in ("bayes", "summary"):
            row.append(_label(plane, np.asarray(file[plane][::step, ::step, 0]), np.isfinite(kelvin)))
    return row


def _label(name: str, plane: NDArray[Any], seen: NDArray[np.bool_]) -> Panel:
    """Draw a label by what the layout says of its values; what was not seen, or never labelled, is fill."""
    if (plane == UNFILLED).all():
        return Panel(f"{name}: no label", grey(np.full(plane.shape, np.nan), 0, 1))
    cloud = plane >= HALF if plane.max() > LARGEST_FLAGS else plane > 0
    share = f"{cloud[seen].mean():.0%} cloud" if seen.any() else "nothing seen"
    return Panel(f"{name}: {share}", grey(np.where(seen, cloud.astype(float), np.nan), 0, 1))


def _colour(refs: NDArray[Any]) -> NDArray[np.uint8]:
    colour = np.clip(np.nan_to_num(refs[..., [RED, GREEN, BLUE]]), 0, 1) ** GAMMA
    return (colour * 255).astype(np.uint8)


if __name__ == "__main__":
    sys.exit(show("slstr_cloud", samples, USUAL, None))

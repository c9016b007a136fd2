"""A sheet of samples of a data set: rows of pictures with a line of text each, as one PNG."""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from datasets.common.failures import DataError, failing_politely, say
from datasets.common.files import MANIFEST
from logging_spec.whole import whole_file

INK, QUIET, PAPER, FILL = (25, 28, 33), (105, 110, 118), (255, 255, 255), (150, 120, 110)
MARGIN, GAP, HEAD, LINE, LEAST_WIDTH = 26, 14, 84, 24, 640
COLOURS = 40
"""Colours of a sheet: noise has no need of more, and takes a third less room with them."""


class Panel(NamedTuple):
    """A picture of a sheet."""

    text: str
    """Line above it."""

    image: NDArray[np.uint8]
    """Its pixels_HW3."""


class Samples(NamedTuple):
    """What a data set shows of itself."""

    note: str
    """What the pictures are, and their scale."""

    rows: list[list[Panel]]
    """The pictures."""


def grey(image: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Return an image_HW as pixels_HW3, black at `low` and white at `high`; what is no number has its own colour."""
    scaled = np.clip((np.nan_to_num(image, nan=low) - low) / max(high - low, 1e-12), 0, 1) * 255
    pixels = np.repeat(scaled.astype(np.uint8)[..., None], 3, axis=-1)
    pixels[~np.isfinite(image)] = FILL
    return pixels


def limits(image: NDArray[Any], low: float, high: float) -> tuple[float, float]:
    """Return two percentiles of the numbers of an image; 0 and 1 where it has none."""
    numbers = image[np.isfinite(image)]
    return (float(np.percentile(numbers, low)), float(np.percentile(numbers, high))) if numbers.size else (0.0, 1.0)


def sheet(title: str, samples: Samples) -> Image.Image:
    """Return the pictures below a title and a note, row by row."""
    widths = [sum(panel.image.shape[1] + GAP for panel in row) - GAP for row in samples.rows]
    heights = [LINE + max(panel.image.shape[0] for panel in row) + GAP for row in samples.rows]
    page = Image.new("RGB", (max(*widths, LEAST_WIDTH) + 2 * MARGIN, HEAD + sum(heights) + MARGIN - GAP), PAPER)
    pen, top = ImageDraw.Draw(page), HEAD
    pen.text((MARGIN, 20), title, fill=INK, font=ImageFont.load_default(24))
    pen.text((MARGIN, 52), samples.note, fill=QUIET, font=ImageFont.load_default(14))
    for row, height in zip(samples.rows, heights, strict=True):
        left = MARGIN
        for panel in row:
            pen.text((left, top + 4), panel.text, fill=INK, font=ImageFont.load_default(13))
            page.paste(Image.fromarray(panel.image), (left, top + LINE))
            left += panel.image.shape[1] + GAP
        top += height
    return page


def title_of(name: str, root: Path) -> str:
    """Return what a sheet is called: the set by its manifest, else by its folder."""
    try:
        return f"{name}: {json.loads((root / MANIFEST).read_text(encoding='utf-8'))['dataset_id']}"
    except (OSError, ValueError, KeyError, TypeError):
        return f"{name}: {root.resolve().name}"


def draw(name: str, root: Path, samples_of: Callable[[Path, int], Samples], count: int) -> bytes:
    """Return the sheet of a set as PNG.

    Args:
        name: the data set's folder in this room.
        root: folder of the set, with or without a manifest.
        samples_of: what reads so many samples of it.
        count: samples, or samples of each class.

    Raises:
        DataError: nothing is there, or it has another layout.
    """
    if not root.exists():
        raise DataError(f"{root}: expected a data set, found nothing — make or download it first, or name its folder")
    try:
        samples = samples_of(root, count)
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{root}: expected the layout of {name}, found otherwise: {error} — verify the set") from None
    rows = [row for row in samples.rows if row]
    if not rows:
        raise DataError(f"{root}: expected samples of {name}, found none — make or download the set anew")
    held = io.BytesIO()
    page = sheet(title_of(name, root), samples._replace(rows=rows))
    page.quantize(COLOURS, dither=Image.Dither.NONE).save(held, "PNG", optimize=True)
    return held.getvalue()


def show(name: str, samples_of: Callable[[Path, int], Samples], usual: int, argv: Sequence[str] | None) -> int:
    """Run the command line of a data set's sheet. Exit codes: 0 drawn, 2 usage, 3 no such set, or the disk refused."""
    line = argparse.ArgumentParser(prog=f"python -m datasets.{name}.show", description="Draw samples of a data set.")
    line.add_argument("root", type=Path, metavar="FOLDER", help="folder of the set, or a file of it")
    line.add_argument("--out", type=Path, default=Path("sheet.png"), help="picture to write (default %(default)s)")
    line.add_argument(
        "--count", type=int, default=usual, help="samples, or samples of each class (default %(default)s)"
    )
    given = line.parse_args(argv)
    if given.count < 1:
        line.error(f"--count: expected at least 1, found {given.count}")
    with failing_politely():
        picture = draw(name, given.root, samples_of, given.count)
        with whole_file(given.out) as file:
            file.write(picture)
        say(f"{given.out}: {len(picture) / 1e3:.0f} kB")
    return 0

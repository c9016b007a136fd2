"""A page of pictures: rows of panels, each with its caption, a bar of length, a ramp of values, and axes.

Pillow's own type, in its plain layout, draws all text, so that a page has the same pixels on every machine with the
same Pillow. That type knows ASCII and little more: `^2` is a raised digit, Å is put together, and other letters lose
their accents.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from datasets.common.tones import FILL, Pixels, grey

Colour = tuple[int, int, int]
INK, QUIET, PAPER, EDGE = (25, 28, 33), (92, 98, 107), (248, 249, 250), (208, 212, 217)
LABEL, LABEL_PAPER = (255, 255, 255), (25, 28, 33)
MARGIN, GAP = 28, 18
LARGE, MIDDLE, PLAIN, SMALL = 22, 15, 13, 12
LINE, HEAD = 17, 23
LEAST_WIDTH = 720
"""Columns of a page at least, so that its captions have room."""

NARROWEST = 150
"""Columns of a panel at least."""

RAMP_WIDTH, RAMP_HEIGHT = 64, 9
SWATCH, SPACE = 10, 14
TICK = 4


class Bar(NamedTuple):
    """A length drawn into a picture."""

    pixels: float
    """How long it is, in pixels of the picture."""

    text: str
    """The length with its unit."""


class Ramp(NamedTuple):
    """Which value has which colour."""

    colours: Pixels
    """(n, 3), from low to high."""

    low: str
    """Value of the first."""

    high: str
    """Value of the last, with its unit."""


class Axis(NamedTuple):
    """Ticks beside a picture, or below it."""

    name: str
    """What is counted, with its unit."""

    ticks: list[tuple[float, str]]
    """Places in pixels of the picture, and what stands there."""


class Panel(NamedTuple):
    """A picture of a page."""

    text: str
    """Line above it."""

    image: Pixels
    """Its pixels_HW3."""

    note: str = ""
    """Second line above it, in a quieter colour."""

    bar: Bar | None = None
    """Length, lower left in the picture."""

    ramp: Ramp | None = None
    """Values, below the picture."""

    keys: tuple[tuple[Colour, str], ...] = ()
    """Colours with a meaning, below the picture."""

    left: Axis | None = None
    below: Axis | None = None
    right: Axis | None = None


class Row(NamedTuple):
    """Panels side by side."""

    panels: list[Panel]
    """The pictures."""

    text: str = ""
    """Line above all of them."""


class Cell(NamedTuple):
    """What a panel takes of a page, in pixels."""

    before: int
    """Columns of its left axis."""

    width: int
    """Columns of the picture and its captions."""

    after: int
    """Columns of its right axis."""

    under: int
    """Rows of its lower axis, ramp and keys."""

    @property
    def whole(self) -> int:
        """All columns."""
        return self.before + self.width + self.after


GREY_RAMP = grey(np.linspace(0, 1, RAMP_WIDTH)[None], 0, 1)[0]
"""The greys of pictures, from low to high."""


def nice_bar(pixel: float, width: int, unit: str) -> Bar:
    """Return a bar of 1, 2 or 5 times a power of ten, at most three tenths of a picture `width` pixels wide.

    Args:
        pixel: side of a pixel of the picture, in the unit.
        width: columns of the picture.
        unit: what follows the number.
    """
    room = 0.3 * width * pixel
    power = 10.0 ** np.floor(np.log10(room))
    length = power * max(step for step in (1, 2, 5) if step * power <= room * (1 + 1e-9))
    return Bar(float(length / pixel), f"{length:g} {unit}")


def page(title: str, lines: list[str], rows: list[Row], foot: list[str]) -> Image.Image:
    """Return pictures below a title and lines of text, row by row, with more lines at the foot."""
    cells = _aligned([[_cell(panel) for panel in row.panels] for row in rows])
    width = max(LEAST_WIDTH, *(sum(cell.whole + GAP for cell in row) - GAP for row in cells)) + 2 * MARGIN
    heading = [part for line in lines for part in wrapped(line, PLAIN, width - 2 * MARGIN)]
    ending = [part for line in foot for part in wrapped(line, SMALL, width - 2 * MARGIN)]
    heights = [_height(row, held) for row, held in zip(rows, cells, strict=True)]
    top = MARGIN + LARGE + 10 + LINE * len(heading) + GAP
    bottom = sum(height + GAP for height in heights) - GAP + (LINE * len(ending) + GAP if ending else 0)
    sheet = Image.new("RGB", (width, top + bottom + MARGIN), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((0, 0, sheet.width - 1, sheet.height - 1), outline=EDGE)
    size = LARGE if width_of(title, LARGE) <= width - 2 * MARGIN else MIDDLE
    write(pen, (MARGIN, MARGIN - 6), fitted(title, size, width - 2 * MARGIN), size, INK)
    _lines(pen, MARGIN + LARGE + 6, heading, PLAIN)
    for row, held, height in zip(rows, cells, heights, strict=True):
        write(pen, (MARGIN, top), fitted(row.text, MIDDLE, width - 2 * MARGIN), MIDDLE, INK)
        _row(sheet, top + (HEAD if row.text else 0), row.panels, held)
        top += height + GAP
    _lines(pen, top, ending, SMALL)
    return sheet


def few_colours(sheet: Image.Image, colours: int, kept: Iterable[Colour]) -> Image.Image:
    """Return a page with a palette: so many colours that are near to all of its own, and some that stay as they are."""
    near = sheet.quantize(colours, dither=Image.Dither.NONE).getpalette() or []
    palette = np.array([*dict.fromkeys(kept), *np.reshape(near[: 3 * colours], (-1, 3))], np.int64)
    # Pillow's own search of a palette is rounded, and would move the kept colours too.
    packed = np.asarray(sheet, np.int64) @ (1 << 16, 1 << 8, 1)
    found, place = np.unique(packed, return_inverse=True)
    own = found[:, None] >> (16, 8, 0) & 255
    nearest = np.array([((palette - colour) ** 2).sum(axis=1).argmin() for colour in own], np.uint8)
    few = Image.fromarray(nearest[place].reshape(packed.shape), "P")
    few.putpalette(palette.astype(np.uint8).tobytes())
    return few


def _lines(pen: ImageDraw.ImageDraw, top: int, lines: list[str], size: int) -> None:
    for number, line in enumerate(lines):
        write(pen, (MARGIN, top + number * LINE), line, size, QUIET)


def _cell(panel: Panel) -> Cell:
    before = max(width_of(text, SMALL) for _, text in panel.left.ticks) + TICK + 4 if panel.left else 0
    after = max(width_of(text, SMALL) for _, text in panel.right.ticks) + TICK + 4 if panel.right else 0
    lines = (1 if panel.below else 0) + (1 if panel.ramp or panel.keys else 0)
    width = max(panel.image.shape[1], NARROWEST, _legend_width(panel))
    return Cell(before, width, after, 5 * bool(lines) + LINE * lines)


def _aligned(cells: list[list[Cell]]) -> list[list[Cell]]:
    """Return cells of which those in one column of the page have one width."""

    def as_wide(place: int, cell: Cell) -> Cell:
        column = [row[place] for row in cells if place < len(row)]
        before, width, after = (max(sizes) for sizes in zip(*(held[:3] for held in column), strict=True))
        return Cell(before, width, after, cell.under)

    return [[as_wide(place, cell) for place, cell in enumerate(row)] for row in cells]


def _legend_width(panel: Panel) -> int:
    ramp = width_of(panel.ramp.low, SMALL) + RAMP_WIDTH + 10 + width_of(panel.ramp.high, SMALL) if panel.ramp else 0
    keys = sum(SWATCH + 5 + width_of(text, SMALL) for _, text in panel.keys)
    return ramp + keys + SPACE * (len(panel.keys) + bool(panel.ramp) - 1)


def _captions(row: list[Panel]) -> int:
    return LINE * (1 + any(panel.note or panel.left or panel.right for panel in row)) + 4


def _height(row: Row, cells: list[Cell]) -> int:
    under = (panel.image.shape[0] + cell.under for panel, cell in zip(row.panels, cells, strict=True))
    return (HEAD if row.text else 0) + _captions(row.panels) + max(under)


def _row(sheet: Image.Image, top: int, row: list[Panel], cells: list[Cell]) -> None:
    pen, left, captions = ImageDraw.Draw(sheet), MARGIN, _captions(row)
    for panel, cell in zip(row, cells, strict=True):
        corner = (left + cell.before, top + captions)
        write(pen, (corner[0], top), fitted(panel.text, PLAIN, cell.width), PLAIN, INK)
        write(pen, (corner[0], top + LINE), fitted(panel.note, SMALL, cell.width), SMALL, QUIET)
        sheet.paste(Image.fromarray(panel.image), corner)
        _axes(pen, panel, corner)
        if panel.bar:
            _bar(pen, panel, panel.bar, corner)
        _legend(sheet, panel, (corner[0], corner[1] + panel.image.shape[0] + 5 + (LINE if panel.below else 0)))
        left += cell.whole + GAP


def _bar(pen: ImageDraw.ImageDraw, panel: Panel, bar: Bar, corner: tuple[int, int]) -> None:
    """Draw a bar with its text on a dark ground, so that both are seen on any picture."""
    wide = max(round(bar.pixels), width_of(bar.text, SMALL))
    left, base = corner[0] + 6, corner[1] + panel.image.shape[0] - 6
    pen.rectangle((left, base - 28, left + wide + 11, base), fill=LABEL_PAPER)
    write(pen, (left + 6, base - 26), bar.text, SMALL, LABEL)
    pen.rectangle((left + 6, base - 8, left + 5 + round(bar.pixels), base - 6), fill=LABEL)


def _axes(pen: ImageDraw.ImageDraw, panel: Panel, corner: tuple[int, int]) -> None:
    (left, top), (rows, columns) = corner, panel.image.shape[:2]
    for axis, edge, way in ((panel.left, left - 1, -1), (panel.right, left + columns, 1)):
        for place, text in axis.ticks if axis else ():
            row = top + round(place)
            pen.line((edge, row, edge + way * (TICK - 1), row), fill=INK)
            wide = width_of(text, SMALL)
            write(pen, (edge + way * (TICK + 2) - (wide if way < 0 else 0), row - 8), text, SMALL, QUIET)
        if axis:
            wide = width_of(axis.name, SMALL)
            write(pen, (left if way < 0 else left + columns - wide, top - LINE - 3), axis.name, SMALL, QUIET)
    if panel.below:
        _below(pen, panel.below, (left, top + rows), columns)


def _below(pen: ImageDraw.ImageDraw, axis: Axis, corner: tuple[int, int], columns: int) -> None:
    """Draw an axis whose name stands at its right end; a number that would run into the name is left out."""
    left, top = corner
    end = left + columns - width_of(axis.name, SMALL)
    write(pen, (end, top + TICK), axis.name, SMALL, QUIET)
    for place, text in axis.ticks:
        column, wide = left + round(place), width_of(text, SMALL)
        pen.line((column, top, column, top + TICK - 1), fill=INK)
        start = max(left, column - wide // 2)
        if start + wide + 6 <= end:
            write(pen, (start, top + TICK), text, SMALL, QUIET)


def _legend(sheet: Image.Image, panel: Panel, corner: tuple[int, int]) -> None:
    pen, (left, top) = ImageDraw.Draw(sheet), corner
    if panel.ramp:
        left = write(pen, (left, top), panel.ramp.low, SMALL, QUIET) + 5
        places = np.linspace(0, len(panel.ramp.colours) - 1, RAMP_WIDTH).astype(int)
        band = np.repeat(panel.ramp.colours[places][None], RAMP_HEIGHT, axis=0)
        sheet.paste(Image.fromarray(band), (left, top + 4))
        pen.rectangle((left - 1, top + 3, left + RAMP_WIDTH, top + 4 + RAMP_HEIGHT), outline=EDGE)
        left = write(pen, (left + RAMP_WIDTH + 5, top), panel.ramp.high, SMALL, QUIET) + SPACE
    for colour, text in panel.keys:
        pen.rectangle((left, top + 3, left + SWATCH, top + 3 + SWATCH), fill=colour, outline=EDGE)
        left = write(pen, (left + SWATCH + 5, top), text, SMALL, QUIET) + SPACE


FILL_KEY = (FILL, "no value")
"""What a panel with fill adds to its keys."""


def write(pen: ImageDraw.ImageDraw, corner: tuple[int, int], text: str, size: int, colour: Colour) -> int:
    """Write a line whose upper left corner is given, and return the column where it ends."""
    left = float(corner[0])
    for part, raised in _parts(text):
        font = _font(size - 4 if raised else size)
        pen.text((left, corner[1] - (1 if raised else 0)), part.replace("Å", "A"), fill=colour, font=font)
        for place in (number for number, letter in enumerate(part) if letter == "Å"):
            before = font.getlength(part[:place].replace("Å", "A"))
            _ring(pen, (left + before + font.getlength("A") / 2, corner[1]), size, colour)
        left += font.getlength(part.replace("Å", "A"))
    return round(left)


def _ring(pen: ImageDraw.ImageDraw, above: tuple[float, float], size: int, colour: Colour) -> None:
    """Draw the ring of an Å, whose middle is given and the top of whose line, for the type has none."""
    font = _font(round(0.75 * size))
    pen.text((above[0] - font.getlength("°") / 2, above[1] - 0.14 * size), "°", fill=colour, font=font)


def width_of(text: str, size: int) -> int:
    """Return how many columns a line takes."""
    return round(
        sum(_font(size - 4 if raised else size).getlength(part.replace("Å", "A")) for part, raised in _parts(text))
    )


def fitted(text: str, size: int, room: int) -> str:
    """Return a line, cut where it takes more columns than there are."""
    if width_of(text, size) <= room:
        return text
    while text and width_of(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def wrapped(text: str, size: int, room: int) -> list[str]:
    """Return a text as lines that take at most so many columns each, and of which the last is no single word."""
    lines = _filled(text, size, room)
    for narrower in range(room - 10, room // 2, -10):
        even = _filled(text, size, narrower)
        if len(lines) == 1 or len(even) > len(lines) or width_of(lines[-1], size) > room / 4:
            break
        lines = even
    return [fitted(line, size, room) for line in lines]


def _filled(text: str, size: int, room: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width_of(longer, size) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _parts(text: str) -> list[tuple[str, bool]]:
    """Return the parts of a line, and whether each is raised: the digit behind a `^`."""
    first, *rest = plain(text).split("^")
    parts = [(first, False)]
    for part in rest:
        parts += [(part[:1], True), (part[1:], False)]
    return [(part, raised) for part, raised in parts if part]


def plain(text: str) -> str:
    """Return a text with what the type knows: without accents, and with ? for a letter that has no plain form."""
    spelt = (_SPELT.get(letter) or unicodedata.normalize("NFKD", letter) for letter in text)
    kept = (letter for letter in "".join(spelt) if not unicodedata.combining(letter))
    return "".join(letter if letter in _ALSO or " " <= letter <= "~" else "?" for letter in kept)


_ALSO = "Å«°±´·»‘’“”…‹›™"
_SPELT = {**{letter: letter for letter in _ALSO}, "×": "x", "–": "-", "−": "-", "²": "^2", "³": "^3"}


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow's type comes with FreeType, which its wheels hold
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC)

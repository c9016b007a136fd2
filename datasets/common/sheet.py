"""A sheet of samples of a data set as PNG: what the set is, where it comes from, and pictures with their scales."""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from datasets.common.failures import DataError, failing_politely, say
from datasets.common.files import MANIFEST, begins, load_layout, require_writable
from datasets.common.page import EDGE, INK, PAPER, Row, few_colours, page
from logging_spec.whole import whole_file

SPLITS = ("test", "train")
PNG = b"\x89PNG\r\n\x1a\n"
"""How the file begins that these programs write."""


class Samples(NamedTuple):
    """What a data set shows of itself."""

    what: str
    """What the pictures are of."""

    facts: list[str]
    """Lines on split, shapes, units and scales."""

    rows: list[Row]
    """The pictures."""

    foot: tuple[str, ...] = ()
    """Lines below them, such as the sentence that a licence asks for."""

    simulated: bool | None = None
    """What the files themselves say; None where they say nothing."""

    colours: int = 40
    """Colours of the sheet: noise in grey has no need of more, and takes a third less room with them."""


Look = Callable[[Path, int, str], Samples]
"""Reads so many samples, or samples of each class, of a set's folder or file, and of a split where it has any.

It raises KeyError, IndexError, ValueError, TypeError or AttributeError where the layout is another one.
"""


def manifest_of(name: str, path: Path) -> tuple[Path, dict[str, Any]] | None:
    """Return the folder and the manifest of the set that a folder or file belongs to; None where no manifest says so.

    Args:
        name: the data set's folder in this room.
        path: the set's folder, one in it, or a file.
    """
    here = path.resolve()
    for root in (here, *list(here.parents)[:4]):
        try:
            held = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
            inside = here.relative_to(root).as_posix()
            listed = [entry["path"] for entry in held["files"]]
            if held["dataset"] == name and (
                here == root or any(path == inside or path.startswith(f"{inside}/") for path in listed)
            ):
                return root, held
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


def origin(manifest: dict[str, Any] | None, simulated: bool | None) -> str:
    """Return a line on where a set comes from, by its manifest, else by its files."""
    made = (manifest or {}).get("made_by")
    if isinstance(made, dict):
        given = made.get("options") if isinstance(made.get("options"), dict) else {}
        said = {key.replace("_", " "): value for key, value in given.items() if key != "dataset_id"}
        options = (f"{key} {_value(value)}" for key, value in said.items() if value is not None)
        return f"Simulated by {made.get('program')} {made.get('version')}: {', '.join(options)}."
    if simulated is not None:
        return "Simulated." if simulated else "Real: measured, not simulated."
    if manifest:
        return "Published or converted: no simulator of this suite made it."
    return "Without a manifest: nothing here tells whether it is real or simulated."


def _value(value: Any) -> str:
    large = isinstance(value, float) and value == int(value)
    return f"{int(value):,}" if large else str(value)


def draw(name: str, root: Path, samples_of: Look, count: int, split: str = SPLITS[0]) -> bytes:
    """Return the sheet of a set as PNG; the same set gives the same bytes with the same versions of the libraries.

    Args:
        name: the data set's folder in this room.
        root: folder of the set, with or without a manifest, a folder in it, or a file.
        samples_of: what reads so many samples of it.
        count: samples, or samples of each class.
        split: split to show, where the set has both.

    Raises:
        DataError: nothing is there, or it has another layout.
    """
    if not root.exists():
        raise DataError(f"{root}: expected a data set, found nothing — make or download it first, or name its folder")
    try:
        samples = samples_of(root, count, split)
    except (KeyError, IndexError, ValueError, TypeError, AttributeError, RuntimeError, MemoryError) as error:
        raise DataError(f"{root}: expected the layout of {name}, found otherwise: {error} — verify the set") from None
    rows = [row for row in samples.rows if row.panels]
    if not rows:
        raise DataError(f"{root}: expected samples of {name}, found none — make or download the set anew")
    found = manifest_of(name, root)
    manifest = found[1] if found else None
    title = str((manifest or {}).get("dataset_id") or root.resolve().name)
    lines = [f"{name}: {samples.what}.", origin(manifest, samples.simulated), *samples.facts]
    held = io.BytesIO()
    sheet = page(title, lines, rows, list(samples.foot))
    keys = [colour for row in rows for panel in row.panels for colour, _ in panel.keys]
    few_colours(sheet, samples.colours, [INK, PAPER, EDGE, *keys]).save(held, "PNG", optimize=True)
    return held.getvalue()


def so_many(shown: int, total: int, noun: str) -> str:
    """Return "1 pair", "4 pairs" or "2 of 32 pairs"."""
    return f"{total} {noun}{'s' if total != 1 else ''}" if shown == total else f"{shown} of {total} {noun}s"


def described(here: Path) -> str:
    """Return what a data set is, by its layout.json."""
    title = str(load_layout(here)["title"])
    return title[0].lower() + title[1:]


def show(name: str, samples_of: Look, usual: int, argv: Sequence[str] | None) -> int:
    """Run the command line of a data set's sheet. Exit codes: 0 drawn, 2 usage, 3 no such set, or the disk refused."""
    line = command_line(f"python -m datasets.{name}.show", usual)
    given = line.parse_args(argv)
    if given.count < 1:
        line.error(f"--count: expected at least 1, found {given.count}")
    with failing_politely():
        require_writable(given.out, lambda path: begins(path, PNG), "a picture")
        picture = draw(name, given.root, samples_of, given.count, given.split)
        with whole_file(given.out) as file:
            file.write(picture)
        say(f"{given.out}: {len(picture) / 1e3:.0f} kB")
    return 0


def command_line(prog: str, usual: int | None) -> argparse.ArgumentParser:
    """Return the command line of a program that draws; None is what each data set takes for a page."""
    line = argparse.ArgumentParser(prog=prog, description="Draw samples of a data set.")
    line.add_argument("root", type=Path, metavar="FOLDER", help="folder of the set, or a file of it")
    line.add_argument("--out", type=Path, default=Path("sheet.png"), help="picture to write (default %(default)s)")
    line.add_argument("--split", choices=SPLITS, default=SPLITS[0], help="split to show (default %(default)s)")
    line.add_argument(
        "--count",
        type=int,
        default=usual,
        help=f"samples, or samples of each class (default {usual or 'what fits a page'})",
    )
    return line

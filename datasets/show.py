"""Draw a sheet of a folder or file whose data set is told by its manifest, or by the names of its files.

    python -m datasets.show FOLDER|FILE [--out PNG] [--split test|train] [--count N]

Every data set in this room, and in rooms of the same name on the path, that has a `show.py` is asked.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import datasets
from datasets.common.failures import DataError, failing_politely
from datasets.common.files import MANIFEST
from datasets.common.sheet import command_line


def programs() -> dict[str, ModuleType]:
    """Return the modules that draw, by the name of their data set."""
    found = sorted({path.parent.name for room in datasets.__path__ for path in Path(room).glob("*/show.py")})
    return {name: importlib.import_module(f"datasets.{name}.show") for name in found}


def recognise(path: Path, known: dict[str, ModuleType]) -> str:
    """Return the name of the data set that a folder or file is of.

    Raises:
        DataError: it is of none that draws, or could be of several.
    """
    if not path.exists():
        raise DataError(f"{path}: expected a data set, found nothing — make or download it first, or name its folder")
    stated = _stated(path)
    if stated in known:
        return stated
    fitting = [name for name, module in known.items() if module.fits(path)]
    if len(fitting) == 1:
        return fitting[0]
    found = " or ".join(fitting) if fitting else _found(path)
    raise DataError(
        f"{path}: expected the manifest or the files of one data set, found {found} — "
        f"name the set before the folder: {', '.join(known)}"
    )


def _stated(path: Path) -> str:
    """Return what the manifest of a folder, or of one above it or above a file, says; nothing where there is none."""
    here = path.resolve()
    for folder in (here, *list(here.parents)[:2]):
        try:
            return str(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["dataset"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return ""


def _found(path: Path) -> str:
    if path.is_file():
        return "a file that is of none"
    names = sorted(entry.name for entry in path.iterdir())
    return "an empty folder" if not names else f"{', '.join(names[:4])}{' and more' if len(names) > 4 else ''}"


def main(argv: Sequence[str] | None = None) -> int:
    """Draw. Exit codes: 0 drawn, 2 usage, 3 no such set, or the disk refused."""
    words = list(sys.argv[1:] if argv is None else argv)
    root = command_line("python -m datasets.show", None).parse_args(words).root
    with failing_politely():
        known = programs()
        program = known[recognise(root, known)]
    return int(program.main(words))


if __name__ == "__main__":
    sys.exit(main())

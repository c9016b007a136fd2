"""`data show`: a sheet of samples of a data set, drawn by the data room's own program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from harness import registry
from harness.commands.doors import through
from harness.documents import nearest
from harness.errors import ConfigError
from harness.paths import homes


@click.command("show")
@click.argument("name", metavar="[NAME]")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--scale", type=click.Choice(["tiny", "small", "full"]), default="small", show_default=True)
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of data sets.")
@click.option("--out", type=click.Path(path_type=Path), default="sheet.png", show_default=True, help="PNG to write.")
@click.option("--split", type=click.Choice(["test", "train"]), default="test", show_default=True, help="Split to show.")
@click.option("--count", type=click.IntRange(min=1), help="Samples, or samples of each class (what fits a page).")
def show(**options: Any) -> int:
    """Draw a sheet of samples of a data set: of NAME at a scale, or of FOLDER, simulated or real.

    FOLDER may be a set, a folder or a file in it, or a file of one's own; NAME may be left out where its files tell it.
    """
    words = ["--out", str(options["out"]), "--split", options["split"]]
    words += ["--count", str(options["count"])] if options["count"] else []
    name, folder = options["name"], options["folder"]
    if folder is None and registry.normalise(name) not in registry.names():
        if not Path(name).exists():
            advice = nearest(registry.normalise(name), registry.names())
            raise ConfigError(f"data show: expected a benchmark or a folder, found no {name} — {advice}")
        return through("datasets.show", name, *words, home=homes())
    return _named(options, words)


def _named(options: dict[str, Any], words: list[str]) -> int:
    """Draw the set of a benchmark, or a folder in its layout.

    Raises:
        ConfigError: there is no such benchmark, or it draws no sheet.
    """
    from harness.commands.data import configuration_of
    from harness.dataset import folder

    known = registry.load(options["name"])
    module = known.home / "datasets" / known.dataset / "show.py"
    if not module.is_file():
        raise ConfigError(f"data show: expected {module}, found none — {known.name} draws no sheet")
    root = options["folder"] or folder(configuration_of(options))
    return through(f"datasets.{known.dataset}.show", str(root), *words, home=known.home)

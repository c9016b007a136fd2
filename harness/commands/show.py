"""`data show`: a sheet of samples of a data set, drawn by the data room's own program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from harness import registry
from harness.commands.doors import through
from harness.errors import ConfigError


@click.command("show")
@click.argument("name")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--scale", type=click.Choice(["tiny", "small", "full"]), default="small", show_default=True)
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of data sets.")
@click.option("--out", type=click.Path(path_type=Path), default="sheet.png", show_default=True, help="PNG to write.")
@click.option("--count", type=click.IntRange(min=1), help="Samples, or samples of each class (what fits a page).")
def show(**options: Any) -> int:
    """Draw a sheet of samples of a data set: of a scale, or of FOLDER, simulated or real."""
    from harness.commands.data import configuration_of
    from harness.dataset import folder

    known = registry.load(registry.normalise(options["name"]))
    module = known.home / "datasets" / known.dataset / "show.py"
    if not module.is_file():
        raise ConfigError(f"data show: expected {module}, found none — {known.name} draws no sheet")
    root = options["folder"] or folder(configuration_of(options))
    words = [str(root), "--out", str(options["out"]), *(["--count", str(options["count"])] if options["count"] else [])]
    return through(f"datasets.{known.dataset}.show", *words, home=known.home)

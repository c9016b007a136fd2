"""`data make` and `data verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from harness import registry
from harness.commands.doors import through
from harness.errors import ConfigError


@click.group("data")
def group() -> None:
    """Make and verify data sets."""


@group.command("make")
@click.argument("name")
@click.option("--scale", type=click.Choice(["tiny", "small", "full"]), default="small", show_default=True)
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of data sets.")
def make(**options: Any) -> int:
    """Make a benchmark's simulated data set."""
    from harness import dataset

    configuration = _configuration(options)
    if not configuration.benchmark.scales[configuration.scale].simulated:
        raise ConfigError(
            f"--scale {configuration.scale}: expected a simulated data set, found a real one — download it"
        )
    argv = dataset.make_command(configuration, dataset.folder(configuration))
    return through(argv[2], *argv[3:], home=configuration.benchmark.home)


@group.command("verify")
@click.argument("name")
@click.option("--scale", type=click.Choice(["tiny", "small", "full"]), default="small", show_default=True)
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the data set, or of data sets.")
def verify(**options: Any) -> int:
    """Verify a data set: every file's SHA-256 and layout."""
    from harness import dataset

    configuration = _configuration(options)
    folder = dataset.folder(configuration)
    home = configuration.benchmark.home
    return through(f"datasets.{configuration.benchmark.dataset}.verify", str(folder), home=home)


def _configuration(options: dict[str, Any]) -> Any:
    from harness.config import Request, resolve

    given = {"scale": options["scale"], "ranks": 1}
    if options["data_dir"]:
        given["data_dir"] = str(options["data_dir"])
    return resolve(Request(benchmark=registry.normalise(options["name"]), given=given, hyperparameters={}))

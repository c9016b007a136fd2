"""The group `data`, with `data make`, `data verify` and `data croissant`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from harness import registry
from harness.commands import data_sets
from harness.commands.convert import convert
from harness.commands.doors import through
from harness.commands.show import show
from harness.errors import ConfigError


@click.group("data")
def group() -> None:
    """Make, simulate, convert, verify, show and describe data sets."""


group.add_command(data_sets.simulate)
group.add_command(convert)
group.add_command(show)


@group.command("make")
@click.argument("name")
@click.option("--scale", type=click.Choice(["tiny", "small", "full"]), default="small", show_default=True)
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of data sets.")
def make(**options: Any) -> int:
    """Make a benchmark's simulated data set."""
    from harness import dataset

    configuration = configuration_of(options)
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
@click.option("--quick", is_flag=True, help="Compare sizes and open the files; read no value.")
def verify(**options: Any) -> int:
    """Verify a data set: every file's SHA-256, keys, shapes, dtypes and values."""
    from harness import dataset

    configuration = configuration_of(options)
    words = [str(dataset.folder(configuration)), *(["--quick"] if options["quick"] else [])]
    home = configuration.benchmark.home
    return through(f"datasets.{configuration.benchmark.dataset}.verify", *words, home=home)


@group.command("croissant")
@click.argument("name")
@click.option("--scale", type=click.Choice(["tiny", "small", "full"]), default="small", show_default=True)
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the data set, or of data sets.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="File to write (default: croissant.json in the set's folder)."
)
def croissant(**options: Any) -> int:
    """Describe a data set as Croissant, JSON-LD that searches and loaders read."""
    from harness import dataset

    configuration = configuration_of(options)
    words = [str(dataset.folder(configuration)), *(["--out", str(options["out"])] if options["out"] else [])]
    return through("datasets.croissant", *words, home=configuration.benchmark.home)


def configuration_of(options: dict[str, Any]) -> Any:
    """Resolve what the options `name`, `scale` and `data_dir` of a verb say."""
    from harness.config import Request, resolve

    given = {"scale": options["scale"], "ranks": 1}
    if options["data_dir"]:
        given["data_dir"] = str(options["data_dir"])
    return resolve(Request(benchmark=registry.normalise(options["name"]), given=given, hyperparameters={}))

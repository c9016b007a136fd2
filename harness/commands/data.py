"""The group `data`, with its verbs `make`, `verify` and `croissant`; the others have files of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from harness import registry
from harness.commands import data_sets
from harness.commands.convert import convert
from harness.commands.doors import through
from harness.commands.show import show
from harness.documents import nearest
from harness.errors import ConfigError
from harness.registry import Benchmark


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
@click.argument("name", metavar="[NAME]")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--scale", type=click.Choice(["tiny", "small", "full"]), default="small", show_default=True)
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the data set, or of data sets.")
@click.option("--quick", is_flag=True, help="Compare sizes and open the files; read no value.")
def verify(**options: Any) -> int:
    """Verify a data set: every file's SHA-256, keys, shapes, dtypes and values.

    It is that of NAME at a scale, or FOLDER; NAME may be left out where the folder's manifest tells it.
    """
    benchmark, folder = _benchmark_and_folder(options)
    words = [str(folder), *(["--quick"] if options["quick"] else [])]
    return through(f"datasets.{benchmark.dataset}.verify", *words, home=benchmark.home)


@group.command("croissant")
@click.argument("name", metavar="[NAME]")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--scale", type=click.Choice(["tiny", "small", "full"]), default="small", show_default=True)
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the data set, or of data sets.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="File to write (default: croissant.json in the set's folder)."
)
def croissant(**options: Any) -> int:
    """Describe a data set as Croissant, JSON-LD that searches and loaders read.

    It is that of NAME at a scale, or FOLDER; NAME may be left out where the folder's manifest tells it.
    """
    benchmark, folder = _benchmark_and_folder(options)
    words = [str(folder), *(["--out", str(options["out"])] if options["out"] else [])]
    return through("datasets.croissant", *words, home=benchmark.home)


def _benchmark_and_folder(options: dict[str, Any]) -> tuple[Benchmark, Path]:
    """Tell which data set the options `name`, `folder`, `scale` and `data_dir` of a verb mean.

    Raises:
        ConfigError: there is no such benchmark, and no set of one.
    """
    from harness import dataset

    name, folder = options["name"], options["folder"]
    if folder is None and registry.normalise(name) not in registry.names():
        folder = _described(Path(name))
        name = dataset.name_in(folder)
    configuration = configuration_of({**options, "name": name})
    return configuration.benchmark, folder or dataset.folder(configuration)


def _described(folder: Path) -> Path:
    """Return a folder that was given in the place of a name, and tells its set.

    Raises:
        ConfigError: there is none, or it has no manifest.
    """
    if not folder.exists():
        advice = nearest(registry.normalise(str(folder)), registry.names())
        raise ConfigError(f"{folder}: expected a benchmark or a folder, found neither — {advice}")
    if not (folder / "manifest.json").exists():
        raise ConfigError(
            f"{folder}: expected manifest.json in it, which tells the set, found none — name the folder that has one, "
            "or describe the set first: python -m datasets.NAME.manifest FOLDER"
        )
    return folder


def configuration_of(options: dict[str, Any]) -> Any:
    """Resolve what the options `name`, `scale` and `data_dir` of a verb say."""
    from harness.config import Request, resolve

    given = {"scale": options["scale"], "ranks": 1}
    if options["data_dir"]:
        given["data_dir"] = str(options["data_dir"])
    return resolve(Request(benchmark=registry.normalise(options["name"]), given=given, hyperparameters={}))

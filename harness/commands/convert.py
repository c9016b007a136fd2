"""`data convert`: products of an instrument to the layout of a data set, by the data room's own program."""

from __future__ import annotations

import rich_click as click

from harness import registry
from harness.commands.doors import Door, through
from harness.errors import ConfigError
from harness.registry import Benchmark


@click.command("convert", cls=Door)
def convert(arguments: tuple[str, ...]) -> int:
    """Convert products: NAME SEN3… --out DIR, exit 0 all converted, 2 usage, 3 a product is at fault."""
    name = arguments[0] if arguments else ""
    if name in ("-h", "--help"):
        return max((_start(known, name) for known in _converted()), default=0)
    known = registry.load(name) if registry.normalise(name) in registry.names() else None
    if known is None or not _converts(known):
        expected = " or ".join(each.name for each in _converted()) or "the name of a set that has products"
        raise ConfigError(
            f"data convert: expected {expected}, found {name or 'no name'} — no other set has products; "
            "the name comes first: data convert NAME SEN3… --out DIR"
        )
    return _start(known, *arguments[1:])


def _converted() -> list[Benchmark]:
    """Return the benchmarks whose data set has a program that converts.

    Raises:
        ConfigError: a benchmark's file is wrong.
    """
    return [known for known in map(registry.load, registry.names()) if _converts(known)]


def _converts(known: Benchmark) -> bool:
    return (known.home / "datasets" / known.dataset / "convert.py").is_file()


def _start(known: Benchmark, *words: str) -> int:
    return through(f"datasets.{known.dataset}.convert", *words, home=known.home)

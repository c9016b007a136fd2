"""`data convert`: products of an instrument to the layout of a data set, by the data room's own program."""

from __future__ import annotations

import rich_click as click

from harness import registry
from harness.commands.doors import Door, through
from harness.errors import ConfigError


@click.command("convert", cls=Door)
def convert(arguments: tuple[str, ...]) -> int:
    """Convert products: NAME SEN3… --out DIR, exit 0 all converted, 2 usage, 3 a product is at fault."""
    name = registry.normalise(arguments[0]) if arguments else ""
    known = registry.load(name) if name in registry.names() else None
    if known is None or not (known.home / "datasets" / known.dataset / "convert.py").is_file():
        raise ConfigError(f"data convert: expected slstr_cloud, found {name or 'no name'} — no other set has products")
    return through(f"datasets.{known.dataset}.convert", *arguments[1:], home=known.home)

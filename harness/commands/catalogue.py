"""`list` and `describe`."""

from __future__ import annotations

import rich_click as click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness import registry


@click.command("list")
def list_command() -> None:
    """List the benchmarks."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("benchmark", "version", "implementations", "scales", "what it is"):
        table.add_column(heading, overflow="fold")
    for name in registry.names():
        entry = registry.load(name)
        table.add_row(entry.name, entry.version, " ".join(entry.implementations), " ".join(entry.scales), entry.title)
    Console().print(table)


@click.command("describe")
@click.argument("name")
def describe_command(name: str) -> None:
    """Describe a benchmark: sizes, targets, hyperparameters, implementations, sources."""
    entry = registry.load(name)
    console = Console()
    console.print(f"[bold]{entry.name}[/] {entry.version} – {escape(entry.title)}\n{escape(entry.summary)}\n")
    console.print(f"metric: {entry.metric} ({entry.direction}). {escape(entry.metric_text)}")
    console.print(f"also reported: {', '.join(entry.reported)}\n")
    console.print(_scales(entry))
    console.print(_hyperparameters(entry))
    for implementation in entry.implementations.values():
        console.print(f"[bold]{implementation.name}[/]: {escape(implementation.summary)} ({implementation.framework})")
    console.print("\nsources:")
    for source in entry.sources:
        console.print(f"  {source}", markup=False, highlight=False)


def _scales(entry: registry.Benchmark) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("scale", "data set", "target", "epochs", "why this target"):
        table.add_column(heading, overflow="fold")
    for name, scale in entry.scales.items():
        kind = "simulated" if scale.simulated else "real"
        table.add_row(
            name, f"{scale.dataset_id} ({kind})", f"{scale.target:g}", str(scale.max_epochs), scale.target_source
        )
    return table


def _hyperparameters(entry: registry.Benchmark) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("hyperparameter", "default", "by scale", "what it is"):
        table.add_column(heading, overflow="fold")
    for name, schema in entry.hyperparameters.items():
        by_scale = ", ".join(
            f"{scale} {values.hyperparameters[name]}"
            for scale, values in entry.scales.items()
            if name in values.hyperparameters
        )
        table.add_row(name, str(schema["default"]), by_scale, str(schema["description"]))
    return table

"""`list` and `describe`."""

from __future__ import annotations

import json
import sys

import rich_click as click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness import registry
from harness.documents import read_json

BETTER = {"max": "the larger, the better", "min": "the smaller, the better"}


@click.command("list")
@click.option("as_json", "--json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> None:
    """List the benchmarks."""
    entries = [registry.load(name) for name in registry.names()]
    if as_json:
        sys.stdout.write(json.dumps([_in_short(entry) for entry in entries], indent=2) + "\n")
        return
    table = _table("benchmark", "version", "implementations", "models", "metric", "what it is")
    for entry in entries:
        programs = " ".join(entry.implementations)
        table.add_row(entry.name, entry.version, programs, _models_in_short(entry), entry.metric, entry.title)
    Console().print(table)


@click.command("describe")
@click.argument("name")
@click.option("as_json", "--json", is_flag=True, help="Print its benchmark.json.")
def describe_command(name: str, as_json: bool) -> None:
    """Describe a benchmark: sizes, models, targets, hyperparameters, implementations, sources."""
    entry = registry.load(name)
    if as_json:
        sys.stdout.write(json.dumps(read_json(entry.path), indent=2, ensure_ascii=False) + "\n")
        return
    console = Console()
    console.print(f"[bold]{entry.name}[/] {entry.version} – {escape(entry.title)}\n{escape(entry.summary)}\n")
    console.print(f"metric: {entry.metric} ({BETTER[entry.direction]}). {escape(entry.metric_text)}")
    console.print(f"to beat: the best baseline without training, by {entry.margin:g}")
    console.print(f"also reported: {', '.join(entry.reported)}\n")
    for table in (_scales(entry), *_models(entry), _hyperparameters(entry)):
        console.print(table)
        console.print()
    for implementation in entry.implementations.values():
        console.print(f"[bold]{implementation.name}[/]: {escape(implementation.summary)} ({implementation.framework})")
    console.print("\nsources:")
    for source in entry.sources:
        console.print(f"  {source}", markup=False, highlight=False)


def _in_short(entry: registry.Benchmark) -> dict[str, object]:
    return {
        "name": entry.name,
        "version": entry.version,
        "title": entry.title,
        "implementations": list(entry.implementations),
        "models": list(entry.models),
        "default_model": entry.default_model,
        "metric": entry.metric,
        "direction": entry.direction,
        "scales": list(entry.scales),
        "path": str(entry.path),
    }


def _models_in_short(entry: registry.Benchmark) -> str:
    further = len(entry.models) - 1
    return f"{entry.default_model} and {further} more" if further > 0 else entry.default_model or "–"


def _scales(entry: registry.Benchmark) -> Table:
    table = _table("scale", "data set", "target", "epochs", "why this target")
    for name, scale in entry.scales.items():
        kind = "simulated" if scale.simulated else "real"
        table.add_row(
            name, f"{scale.dataset_id} ({kind})", f"{scale.target:g}", str(scale.max_epochs), scale.target_source
        )
    return table


def _models(entry: registry.Benchmark) -> list[Table]:
    """Tables of the models, where there is a choice: what they are, and their targets."""
    if not entry.models:
        return []
    what = _table("model", "parameters", "what it is", "source")
    targets = _table("target of", *(f"{scale} (epochs)" for scale in entry.scales))
    for name, model in entry.models.items():
        shown = f"{name} (default)" if name == entry.default_model else name
        what.add_row(shown, f"{model.parameters:,}", model.title, model.source)
        scales = [entry.scale_of(scale, name) for scale in entry.scales]
        targets.add_row(name, *(f"{scale.target:g} ({scale.max_epochs})" for scale in scales))
    return [what, targets]


def _hyperparameters(entry: registry.Benchmark) -> Table:
    table = _table("hyperparameter", "default", "otherwise", "what it is")
    for name, schema in entry.hyperparameters.items():
        table.add_row(name, str(schema["default"]), _otherwise(entry, name), str(schema["description"]))
    return table


def _otherwise(entry: registry.Benchmark, hyperparameter: str) -> str:
    """Where a hyperparameter has another default: by scale, by model, by both."""
    found = [(scale, values.hyperparameters) for scale, values in entry.scales.items()]
    found += [(name, model.hyperparameters) for name, model in entry.models.items()]
    found += [
        (f"{name} {scale}", values.get("hyperparameters", {}))
        for name, model in entry.models.items()
        for scale, values in model.scales.items()
    ]
    return ", ".join(f"{where} {values[hyperparameter]}" for where, values in found if hyperparameter in values)


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table

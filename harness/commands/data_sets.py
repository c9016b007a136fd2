"""`data simulate`: simulated sets by name, scale and seed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import rich_click as click

from harness import registry
from harness.commands.doors import through
from harness.errors import ConfigError
from harness.paths import data_root
from harness.registry import Benchmark

FULL_SEED = 0
"""Of a simulated set of the published set's size, where none is asked for: no scale declares one."""


@click.command("simulate")
@click.argument("name")
@click.option("--scale", type=click.Choice(["tiny", "small", "full"]), default="small", show_default=True)
@click.option("--seed", type=click.IntRange(min=0), help="Seed of the set (default: that of the scale).")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Samples made side by side.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder to make (default: the set's own in the data).")
def simulate(name: str, scale: str, seed: int | None, jobs: int, out: Path | None) -> int:
    """Simulate a data set; equal options give equal bytes, whatever the number of jobs.

    Scale full has the size of the published set. A set that was stopped, by whatever means, goes on.
    """
    benchmark = registry.load(registry.normalise(name))
    dataset_id, options = declared(benchmark, scale, seed)
    words = ["--out", str((out or data_root() / dataset_id).resolve()), "--dataset-id", dataset_id]
    words += [word for option, value in options.items() for word in (f"--{option}", str(value))]
    words += ["--jobs", str(jobs)] if jobs > 1 else []
    return through(f"datasets.{benchmark.dataset}.simulate", *words, home=benchmark.home)


def declared(benchmark: Benchmark, scale: str, seed: int | None) -> tuple[str, dict[str, Any]]:
    """Return name and options of the simulated set of a scale; another seed makes it another set.

    Raises:
        ConfigError: the scale has no simulated set, and the data set's source.json no size to simulate.
    """
    known = benchmark.scales.get(scale)
    if known is not None and known.simulated:
        dataset_id, options = known.dataset_id, dict(known.simulate)
    else:
        source = benchmark.home / "datasets" / benchmark.dataset / "source.json"
        stated = json.loads(source.read_text(encoding="utf-8")) if source.is_file() else {}
        if "simulate_full" not in stated:
            raise ConfigError(f"--scale {scale}: expected a scale that can be simulated, found {benchmark.name}'s")
        dataset_id = f"{benchmark.dataset}-sim-{scale}-v1"
        options = {**stated["simulate_full"], "seed": FULL_SEED}
    if seed is not None and seed != options.get("seed"):
        dataset_id, options = f"{dataset_id}-seed{seed}", {**options, "seed": seed}
    return dataset_id, options

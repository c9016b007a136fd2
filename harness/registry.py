"""Which benchmarks there are: `reference/*/benchmark.json`, read and never imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.documents import nearest, read_json, require_valid
from harness.errors import ConfigError
from harness.paths import REFERENCE, ROOT, SCHEMAS


@dataclass(frozen=True, kw_only=True)
class Scale:
    """One size of a benchmark's problem."""

    dataset_id: str
    """Identifier of the data set."""

    simulated: bool
    """Whether the data set is made here rather than downloaded."""

    simulate: Mapping[str, Any]
    """Options of datasets/<dataset>/simulate.py."""

    target: float
    """Value that the metric has to reach."""

    target_source: str
    """Why this value."""

    max_epochs: int
    """Epochs after which a run ends without the target."""

    hyperparameters: Mapping[str, Any]
    """Defaults that this scale replaces."""


@dataclass(frozen=True, kw_only=True)
class Implementation:
    """A program that trains a benchmark's model."""

    name: str
    """Its name in benchmark.json, or the stem of its own file."""

    argv: tuple[str, ...]
    """The program and its arguments; `{python}` stands for the suite's interpreter."""

    framework: str
    """What it is written with."""

    summary: str
    """One line about it."""

    folder: Path
    """Its working directory: the checkout, or the folder of the file that declares it."""


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """One benchmark, as its benchmark.json says."""

    name: str
    """Name, also of its folder."""

    version: str
    """Version of the benchmark's definition."""

    title: str
    """One line."""

    summary: str
    """One sentence."""

    sources: tuple[str, ...]
    """Where the benchmark comes from."""

    dataset: str
    """Folder in datasets/."""

    metric: str
    """Metric that the target is set on."""

    direction: str
    """`max` where more is better, else `min`."""

    metric_text: str
    """What the metric is."""

    reported: tuple[str, ...]
    """Further metrics that are logged."""

    scales: Mapping[str, Scale]
    """Sizes of the problem by name."""

    hyperparameters: Mapping[str, Mapping[str, Any]]
    """One JSON Schema for each."""

    implementations: Mapping[str, Implementation]
    """Programs by name."""

    path: Path
    """The benchmark.json."""


def names() -> list[str]:
    """Names of all benchmarks, sorted."""
    return sorted(path.parent.name for path in REFERENCE.glob("*/benchmark.json"))


def normalise(name: str) -> str:
    """`slstr-cloud` and `slstr_cloud` are the same name."""
    return name.replace("-", "_")


def title(name: str) -> str:
    """One line about a benchmark, for a list; its file is read and not checked."""
    return str(read_json(REFERENCE / name / "benchmark.json").get("title", ""))


def load(name: str) -> Benchmark:
    """Read and check one benchmark.

    Raises:
        ConfigError: there is no such benchmark, or its file is wrong.
    """
    wanted = normalise(name)
    if wanted not in names():
        raise ConfigError(f"{name}: expected a benchmark, found no such name — {nearest(wanted, names())}")
    path = REFERENCE / wanted / "benchmark.json"
    record = read_json(path)
    require_valid(record, read_json(SCHEMAS / "benchmark.schema.json"), f"reference/{wanted}/benchmark.json")
    return Benchmark(
        **{key: record[key] for key in ("name", "version", "title", "summary", "dataset", "hyperparameters")},
        sources=tuple(record.get("sources", ())),
        metric=record["metric"]["name"],
        direction=record["metric"]["direction"],
        metric_text=record["metric"].get("text", ""),
        reported=tuple(record["reported"]),
        scales={key: Scale(**{"simulate": {}, **scale}) for key, scale in record["scales"].items()},
        implementations={key: _implementation(key, entry, ROOT) for key, entry in record["implementations"].items()},
        path=path,
    )


def implementation(benchmark: Benchmark, name: str) -> Implementation:
    """Find an implementation by its name, or read it from a `PATH.json` of the same form as an entry of benchmark.json.

    Raises:
        ConfigError: there is none of that name, or the file is wrong.
    """
    if name in benchmark.implementations:
        return benchmark.implementations[name]
    if not name.endswith(".json"):
        advice = nearest(name, benchmark.implementations)
        raise ConfigError(
            f"--implementation: expected one of {', '.join(benchmark.implementations)} or a PATH.json, "
            f"found {name} — {advice}"
        )
    path = Path(name).resolve()
    record = read_json(path)
    schema = read_json(SCHEMAS / "benchmark.schema.json")["$defs"]["implementation"]
    require_valid(record, schema, str(path))
    return _implementation(path.stem, record, path.parent)


def _implementation(name: str, record: Mapping[str, Any], folder: Path) -> Implementation:
    return Implementation(
        name=name,
        argv=tuple(record["argv"]),
        framework=record["framework"],
        summary=record.get("summary", ""),
        folder=folder,
    )

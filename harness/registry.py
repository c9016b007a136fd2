"""Which benchmarks there are: `reference/*/benchmark.json`, read and never imported.

Those of the checkout, and those of every folder that `$SCIML_BENCH_PATH` names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.documents import faults, nearest, read_json, require_valid
from harness.errors import ConfigError
from harness.paths import ROOT, SCHEMAS, SEARCH_PATH, homes


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
class Model:
    """One of the models of a benchmark."""

    title: str
    """What it is called."""

    source: str
    """The paper."""

    parameters: int
    """Trainable parameters."""

    hyperparameters: Mapping[str, Any]
    """Defaults that this model replaces."""

    scales: Mapping[str, Mapping[str, Any]]
    """What differs for it at a scale: members of `Scale`."""


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
    """Its working directory: its benchmark's home, or the folder of the file that declares it."""


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

    margin: float
    """By how much the quality has to beat the best baseline."""

    scales: Mapping[str, Scale]
    """Sizes of the problem by name."""

    models: Mapping[str, Model]
    """Models to choose from, where there is a choice."""

    hyperparameters: Mapping[str, Mapping[str, Any]]
    """One JSON Schema for each."""

    implementations: Mapping[str, Implementation]
    """Programs by name."""

    path: Path
    """The benchmark.json."""

    @property
    def default_model(self) -> str | None:
        """The model that a run has where none is asked for; None where there is no choice."""
        return str(self.hyperparameters["model"]["default"]) if self.models else None

    @property
    def home(self) -> Path:
        """The folder whose `reference/` and `datasets/` hold it: the checkout, or one of the search path."""
        return self.path.parents[2]

    def scale_of(self, scale: str, model: str | None) -> Scale:
        """Return a scale as it is for a model: its defaults go over the scale's, its own for the scale over both."""
        plain, chosen = self.scales[scale], self.models.get(model or "")
        if chosen is None:
            return plain
        differing = dict(chosen.scales.get(scale, {}))
        last = differing.pop("hyperparameters", {})
        return replace(plain, **differing, hyperparameters={**plain.hyperparameters, **chosen.hyperparameters, **last})


def names() -> list[str]:
    """Names of all benchmarks, sorted.

    Raises:
        ConfigError: the search path names no folder, or two benchmarks have one name.
    """
    return sorted(_files())


def outside() -> list[Path]:
    """Every benchmark.json that lies outside the checkout, which the checker's rules do not know."""
    return [path for path in _files().values() if path.parents[2] != ROOT]


def _files() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for home in homes():
        if not home.is_dir():
            raise ConfigError(f"{SEARCH_PATH}: expected folders, found {home} — correct it, or make the folder")
        for path in sorted((home / "reference").glob("*/benchmark.json")):
            first = found.setdefault(path.parent.name, path)
            if first != path:
                raise ConfigError(f"{path}: expected a name of its own, found that of {first} — rename its folder")
    return found


def normalise(name: str) -> str:
    """`slstr-cloud` and `slstr_cloud` are the same name."""
    return name.replace("-", "_")


def title(name: str) -> str:
    """One line about a benchmark, for a list; its file is read and not checked."""
    return str(read_json(_files()[name]).get("title", ""))


def load(name: str) -> Benchmark:
    """Read and check one benchmark.

    Raises:
        ConfigError: there is no such benchmark, or its file is wrong.
    """
    wanted, files = normalise(name), _files()
    if wanted not in files:
        raise ConfigError(f"{name}: expected a benchmark, found no such name — {nearest(wanted, names())}")
    path = files[wanted]
    home, record = path.parents[2], read_json(path)
    require_valid(
        record, read_json(SCHEMAS / "benchmark.schema.json"), str(path.relative_to(ROOT) if home == ROOT else path)
    )
    if record["name"] != wanted:
        raise ConfigError(f"{path}: $.name: expected {wanted}, the name of its folder, found {record['name']}")
    _require_defaults(record, path)
    return Benchmark(
        **{key: record[key] for key in ("name", "version", "title", "summary", "dataset", "hyperparameters")},
        sources=tuple(record.get("sources", ())),
        metric=record["metric"]["name"],
        direction=record["metric"]["direction"],
        metric_text=record["metric"].get("text", ""),
        margin=float(record["metric"].get("margin", 0.0)),
        reported=tuple(record["reported"]),
        scales={key: Scale(**{"simulate": {}, **scale}) for key, scale in record["scales"].items()},
        models={key: Model(**{"hyperparameters": {}, "scales": {}, **entry}) for key, entry in _models(record, path)},
        implementations={key: _implementation(key, entry, home) for key, entry in record["implementations"].items()},
        path=path,
    )


def _models(record: Mapping[str, Any], path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the models of a record.

    Raises:
        ConfigError: they are others than the hyperparameter `model` names, or name an unknown scale.
    """
    models = record.get("models", {})
    named = record["hyperparameters"].get("model", {}).get("enum", [])
    if sorted(named) != sorted(models):
        expected, found = ", ".join(sorted(models)) or "none", ", ".join(sorted(named)) or "none"
        raise ConfigError(f"{path}: $.hyperparameters.model.enum: expected the models {expected}, found {found}")
    for name, model in models.items():
        for scale in model.get("scales", {}).keys() - record["scales"].keys():
            advice = nearest(scale, record["scales"])
            raise ConfigError(f"{path}: $.models.{name}.scales: expected scales, found {scale} — {advice}")
    return list(models.items())


def _require_defaults(record: Mapping[str, Any], path: Path) -> None:
    """Hold every value of a hyperparameter that stands in a record against the hyperparameter's schema.

    Raises:
        ConfigError: a value is none of a hyperparameter, or not one that it can have.
    """
    schemas = record["hyperparameters"]
    places = {"": {name: schema["default"] for name, schema in schemas.items()}}
    parts = {f".scales.{name}": scale for name, scale in record["scales"].items()}
    for name, model in record.get("models", {}).items():
        parts[f".models.{name}"] = model
        parts |= {f".models.{name}.scales.{scale}": part for scale, part in model.get("scales", {}).items()}
    places |= {where: part.get("hyperparameters", {}) for where, part in parts.items()}
    for where, values in places.items():
        for name, value in values.items():
            if name not in schemas:
                advice = nearest(name, schemas)
                raise ConfigError(f"{path}: ${where}: expected hyperparameters, found {name} — {advice}")
            found = faults(value, schemas[name])
            if found:
                raise ConfigError(f"{path}: ${where}.hyperparameters.{name}: {found[0].text}")


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

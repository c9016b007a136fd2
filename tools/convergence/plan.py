"""Which trainings are wanted: for each benchmark, scale, model and implementation a number of seeds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import registry
from harness.documents import nearest
from harness.errors import ConfigError

SEEDS, SEEDS_IF_SHORT, SEEDS_OF_FURTHER_MODELS = 5, 10, 2
"""Of the default model; of the default model where a run is short; of each further model."""

SHORT_S = 120.0
"""A run that takes less time than this is short."""

BATCH = "batch-"
"""Begins the name of the folder of runs with a batch size of their own."""

NO_CHOICE = "default"
"""Stands for the model of a benchmark that has just one."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Trainings that differ in their seed alone."""

    benchmark: str
    """Name of the benchmark."""

    scale: str
    """Size of the problem."""

    model: str
    """Name of the model; `default` where there is no choice."""

    option: str
    """What `--implementation` is given: a name, or a PATH.json."""

    is_default: bool
    """Whether the model is the benchmark's default."""

    batch_size: int | None = None
    """Samples of one optimiser step; None is what the benchmark states for the scale."""

    @property
    def implementation(self) -> str:
        """Name of the implementation, as logs have it."""
        return Path(self.option).stem if self.option.endswith(".json") else self.option

    @property
    def folder(self) -> Path:
        """Place of its logs below a benchmark's folder of logs."""
        return Path(self.scale, self.model, self.implementation, *([f"{BATCH}{self.batch_size}"] * self.is_apart))

    @property
    def is_apart(self) -> bool:
        """Whether the group has a batch size of its own."""
        return self.batch_size is not None

    @property
    def title(self) -> str:
        """The group in words."""
        batch = f" batch {self.batch_size}" if self.is_apart else ""
        return f"{self.benchmark} {self.scale} {self.model} {self.implementation}{batch}"


def groups(
    benchmark: registry.Benchmark,
    *,
    scales: Sequence[str],
    models: Sequence[str],
    implementations: Sequence[str],
    batch_size: int | None = None,
) -> list[Group]:
    """Return the groups of a benchmark: by scale, the default model first, its implementations side by side.

    Args:
        benchmark: the benchmark.
        scales: names of scales.
        models: names of models; none means all.
        implementations: names or paths of implementations; none means those of the benchmark.
        batch_size: batch size; None means what the benchmark states for the scale.

    Raises:
        ConfigError: a name is not known.
    """
    default = default_model(benchmark)
    every = [default, *(name for name in benchmark.models if name != default)]
    _require("--scale", scales, benchmark.scales)
    _require("--models", models, every)
    _require("--impl", [name for name in implementations if not name.endswith(".json")], benchmark.implementations)
    return [
        Group(
            benchmark=benchmark.name,
            scale=scale,
            model=model,
            option=option,
            is_default=model == default,
            batch_size=batch_size,
        )
        for scale in scales
        for model in every
        if model in models or not models
        for option in implementations or benchmark.implementations
    ]


def default_model(benchmark: registry.Benchmark) -> str:
    """Return the name of the model that a run has where none is asked for."""
    return benchmark.default_model or NO_CHOICE


def seeds(group: Group, *, wanted: int | None, first_run_s: float | None) -> range:
    """Return the seeds of a group, from 1.

    Args:
        group: the group.
        wanted: how many the user asks for.
        first_run_s: how long the run of the first seed took, where that is known.
    """
    if wanted is None:
        short = first_run_s is not None and first_run_s < SHORT_S
        wanted = (SEEDS_IF_SHORT if short else SEEDS) if group.is_default else SEEDS_OF_FURTHER_MODELS
    return range(1, wanted + 1)


def _require(option: str, names: Sequence[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise ConfigError(f"{option}: expected one of {', '.join(known)}, found {name} — {nearest(name, known)}")

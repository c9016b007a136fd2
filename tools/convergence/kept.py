"""Kept logs, and what one says of its run.

A log lies in `<scale>/<model>/<implementation>/<kind>-<seed>.log.gz`, or, where its batch size is not what the
benchmark states, in a folder `batch-<n>` there.
"""

from __future__ import annotations

import functools
import gzip
import statistics
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compliance import rules
from compliance.benchmarks import collect
from compliance.judge import judge
from harness import eventfile, registry
from harness.errors import DataError
from harness.files import write_whole
from logging_spec.events import Event

from .plan import BATCH, NO_CHOICE, Group

SEED, EXPLORE = "seed", "explore"
"""Kinds of runs: to the benchmark's target; to the last epoch whatever the quality, from which targets are derived."""

ENDING = ".log.gz"

IDENTITY = ("benchmark", "scale", "model", "implementation")
"""What a group is of; with its batch size, where that is not what the benchmark states."""

SETTINGS = ("metric", "direction", "target", "batch_size", "train_samples", "precision", "hyperparameters")
"""What has to be alike in all runs of a group."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a log says of its run, and the checker of the log."""

    kind: str
    """`seed` or `explore`."""

    benchmark: str
    """Name of the benchmark."""

    scale: str
    """Size of the problem."""

    model: str
    """Name of the model; `default` where there is no choice."""

    implementation: str
    """Name of the implementation."""

    seed: int
    """Seed of the run."""

    metric: str
    """Metric of the target."""

    direction: str
    """`max` where more is better, else `min`."""

    target: float
    """Value that the metric had to reach."""

    reached: bool
    """Whether it did; the checker says so, from the metric."""

    qualities: tuple[float, ...]
    """The metric after each epoch."""

    quality: float
    """The best of them."""

    samples: int
    """Training samples that the run saw."""

    run_time_s: float
    """Seconds from run_start to run_stop."""

    samples_per_s: float
    """Training samples per second, median over the epochs."""

    baseline: tuple[str, float] | None
    """Name and value of the best trivial method; None where none is logged for this metric."""

    batch_size: int
    """Samples of one optimiser step, over all ranks."""

    train_samples: int
    """Samples of an epoch."""

    precision: str
    """fp32 or bf16."""

    hyperparameters: Mapping[str, Any]
    """All hyperparameters."""

    framework: str
    """Framework with its version."""

    machine: str
    """Processor or accelerator, and how ranks and threads share it."""

    commit: str
    """Commit of the suite, shortened; `dirty` behind it where files differed."""

    is_apart: bool = False
    """Whether it lies in a folder of its batch size, because that is not what the benchmark states."""

    errors: tuple[str, ...]
    """Rules that the log breaks, without `sciml-`; warnings are left out."""

    @property
    def epochs(self) -> int:
        """Epochs that were trained; where the target was reached, the epochs that it took."""
        return len(self.qualities)

    @property
    def verdict(self) -> str:
        """What the checker says, in a few words."""
        rules = f"breaks {', '.join(self.errors)}" if self.errors else ""
        if self.reached:
            return rules or "compliant"
        return f"missed ({rules})"


def place(folder: Path, group: Group, kind: str, seed: int) -> Path:
    """Return where below a benchmark's folder of logs the log of a run is kept."""
    return folder / group.folder / f"{kind}-{seed}{ENDING}"


def keep(log: Path, path: Path) -> None:
    """Keep a log, compressed: the same log gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, gzip.compress(log.read_bytes(), 9, mtime=0))


def read_all(folder: Path) -> list[Record]:
    """Read every log that a benchmark has kept.

    Raises:
        DataError: a file is no log of a finished run, or lies in the wrong place.
    """
    return [read(path) for path in sorted(folder.rglob(f"*{ENDING}"), key=_by_number)]


def read(path: Path) -> Record:
    """Read one kept log.

    Raises:
        DataError: it is no log of a finished run, or of another run than its path says.
    """
    kind = path.name.partition("-")[0]
    try:
        with tempfile.NamedTemporaryFile(suffix=".log") as file:
            file.write(gzip.decompress(path.read_bytes()))
            file.flush()
            record = read_log(Path(file.name), kind)
    except (OSError, EOFError, zlib.error, LookupError, TypeError, statistics.StatisticsError) as error:
        raise _no_log(path, "the log of a finished run, compressed", f"{type(error).__name__}: {error}") from None
    batch = f"{BATCH}{record.batch_size}"
    record = replace(record, is_apart=path.parent.name == batch)
    folders = (record.scale, record.model, record.implementation, *([batch] * record.is_apart))
    said = "/".join((*folders, f"{kind}-{record.seed}{ENDING}"))
    if not path.as_posix().endswith(f"/{said}"):
        raise _no_log(path, f"the log of {'/'.join(path.parts[-4:])}", f"that of {said}")
    return record


def read_log(path: Path, kind: str) -> Record:
    """Read a log as the harness wrote it.

    Raises:
        LookupError, TypeError, StatisticsError: it lacks what a finished run says.
    """
    events = eventfile.read(path)
    first = {event.key: event for event in reversed(events)}
    facts, errors = _judged(path)
    hyperparameters = first["hyperparameters"].value
    baseline = facts["strongest_baseline"]
    return Record(
        kind=kind,
        **{name: facts[name] for name in ("benchmark", "scale", "implementation", "seed", "metric", "direction")},
        model=hyperparameters.get("model", NO_CHOICE),
        target=float(facts["target"]),
        reached=facts["target_reached"],
        qualities=tuple(float(event.value) for event in events if event.key == f"eval_{facts['metric']}"),
        quality=float(facts["best_quality"]),
        samples=int(first["run_stop"].metadata["samples_count"]),
        run_time_s=float(facts["run_time_s"]),
        samples_per_s=statistics.median(event.value for event in events if event.key == "throughput"),
        baseline=(baseline["name"], baseline["value"]) if baseline else None,
        batch_size=facts["global_batch_size"],
        train_samples=first["train_samples"].value,
        precision=facts["precision"],
        hyperparameters=hyperparameters,
        framework=f"{first['framework'].value} {first['framework'].metadata['version']}",
        machine=_machine(first),
        commit=_commit(first["code_commit"]),
        errors=errors,
    )


def require_alike(records: Sequence[Record]) -> None:
    """Hold the runs of a group to one configuration.

    Raises:
        DataError: they differ in more than the seed, so that their mean means nothing.
    """
    for name in (*IDENTITY, *SETTINGS):
        for record in records[1:]:
            one, other = getattr(records[0], name), getattr(record, name)
            if one != other:
                where = "/".join(str(getattr(record, part)) for part in IDENTITY)
                found = f"{one} with seed {records[0].seed} and {other} with seed {record.seed}"
                raise DataError(f"{where}: expected one {name}, found {found} — delete the older logs and run again")


def _judged(path: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    rule_set = _rule_set()
    judgement = judge(path, rule_set)
    broken = {finding.rule for finding in judgement.findings if rule_set.rules[finding.rule].severity == "error"}
    return judgement.summary, tuple(sorted(rule.removeprefix("sciml-") for rule in broken))


@functools.cache
def _rule_set() -> rules.Ruleset:
    return rules.load(more=[collect(registry.outside())])


def _machine(first: Mapping[str, Event]) -> str:
    ranks, threads = first["number_of_ranks"], int(first["threads_per_rank"].value)
    hosts = ranks.metadata.get("hosts", 1)
    shared = f"{ranks.value} rank{'s' * (ranks.value > 1)} × {threads} thread{'s' * (threads > 1)}"
    return f"{first['device'].value}, {shared}" + (f" on {hosts} hosts" if hosts > 1 else "")


def _commit(event: Event) -> str:
    if event.value is None:
        return "unknown"
    return str(event.value)[:12] + " dirty" * (event.metadata.get("dirty") is True)


def _by_number(path: Path) -> tuple[str, str, int]:
    kind, _, number = path.name.removesuffix(ENDING).partition("-")
    return str(path.parent), kind, int(number) if number.isdigit() else -1


def _no_log(path: Path, expected: str, found: str) -> DataError:
    return DataError(f"{path}: expected {expected}, found {found} — delete it and run again")

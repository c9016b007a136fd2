"""Which runs belong together: those that differ in nothing but the seed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compliance.sets.run import Run

ALIKE: dict[str, Callable[[Run], Any]] = {
    "benchmark": lambda run: run.value("submission_benchmark"),
    "scale": lambda run: run.value("scale"),
    "division": lambda run: run.value("submission_division"),
    "organisation": lambda run: run.value("submission_org"),
    "platform": lambda run: run.value("submission_platform"),
    "implementation": lambda run: run.value("implementation"),
    "hyperparameters": lambda run: run.value("hyperparameters"),
    "global_batch_size": lambda run: run.value("global_batch_size"),
    "quality_target": lambda run: run.value("quality_target"),
    "metric": lambda run: run.summary["metric"],
    "precision": lambda run: run.value("precision"),
    "number_of_nodes": lambda run: run.value("number_of_nodes"),
    "accelerators_per_node": lambda run: run.value("accelerators_per_node"),
    "number_of_ranks": lambda run: run.value("number_of_ranks"),
    "dataset_id": lambda run: run.value("dataset_id"),
}
"""Facts that all runs of a set have in common."""


@dataclass(frozen=True, kw_only=True)
class RunSet:
    """Runs that one score is of."""

    name: str
    """The folder of its logs, or what ran."""

    runs: tuple[Run, ...]
    """The runs, in the order in which they started."""

    pruned: tuple[Run, ...] = ()
    """Runs of a weak set that its score leaves out."""

    weak: bool = False
    """Whether the runs took place at the same time, and the score is a throughput."""

    @property
    def one(self) -> Run:
        """A run that stands for what all have in common."""
        return self.runs[0] if self.runs else self.pruned[0]


def sets(runs: Iterable[Run], *, weak: bool = False) -> list[RunSet]:
    """Group runs: results that share a folder are a set, run directories are one where they are alike.

    Args:
        runs: the runs.
        weak: whether those in run directories took place at the same time.
    """
    found: dict[str, list[Run]] = {}
    for run in runs:
        key = json.dumps([read(run) for read in ALIKE.values()], sort_keys=True) if run.own_directory else run.folder
        found.setdefault(key, []).append(run)
    names = _names(list(found.values()))
    return [_set(name, group, weak=weak) for name, group in zip(names, found.values(), strict=True)]


def differing(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """Return the facts in which runs of a set differ though they may not, each with its distinct values."""
    found = {}
    for name, read in ALIKE.items():
        distinct = list({json.dumps(value, sort_keys=True): value for value in map(read, runs)}.values())
        if len(distinct) > 1:
            found[name] = distinct
    return found


def _set(name: str, group: Sequence[Run], *, weak: bool) -> RunSet:
    ordered = sorted(group, key=lambda run: (run.start_ms, run.name))
    return RunSet(
        name=name,
        runs=tuple(run for run in ordered if not run.pruned),
        pruned=tuple(run for run in ordered if run.pruned),
        weak=group[0].weak or (weak and group[0].own_directory),
    )


def _names(groups: Sequence[Sequence[Run]]) -> list[str]:
    """Name each set; a name that stands for several is told apart by a number."""
    names = [_what_ran(group[0]) if group[0].own_directory else str(Path(group[0].folder)) for group in groups]
    counts, seen = Counter(names), Counter[str]()
    numbered = []
    for name in names:
        seen[name] += 1
        numbered.append(f"{name} ({seen[name]})" if counts[name] > 1 else name)
    return numbered


def _what_ran(run: Run) -> str:
    parts = (run.value("submission_benchmark"), run.model, run.value("implementation"), run.value("scale"))
    return "/".join(str(part) for part in parts if part is not None)

"""The facts by which two runs are compared, in groups; what is bound to differ, such as times and run ids, is none."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from compliance.sets.run import Run

Facts = dict[str, Any]

GROUPS = ("task", "hyperparameters", "system", "software", "environment", "code", "data")
"""Groups in the order in which they are shown."""

LOGGED: dict[str, tuple[str, ...]] = {
    "task": (
        "submission_benchmark", "scale", "submission_division", "submission_org", "submission_platform",
        "submission_status", "spec_version", "implementation", "quality_target", "precision", "deterministic", "seed",
    ),
    "hyperparameters": (
        "hyperparameters", "global_batch_size", "gradient_accumulation_steps", "model_parameters", "opt_name",
        "opt_base_learning_rate", "opt_learning_rate_warmup_steps", "opt_learning_rate_scaling", "opt_epsilon",
    ),
    "system": (
        "number_of_nodes", "accelerators_per_node", "number_of_ranks", "threads_per_rank", "device", "cache_clear",
    ),
    "software": ("framework", "launcher"),
    "environment": ("launch_environment",),
    "code": ("code_commit",),
    "data": ("dataset_id", "dataset_manifest_sha256", "train_samples", "eval_samples"),
}  # fmt: skip
"""Keys of the log, by group; their own metadata go with them."""

OPTIMISER = ("opt_", "lars_opt_", "scheduler_")
"""Beginnings of further keys of hyperparameters, in logs of MLPerf's own benchmarks."""

PLACE = frozenset({"file", "lineno", "rank", "mono_ns"})
"""Metadata that say where an event was logged, and nothing of the run."""

CONFIGURED = {
    "limits": ("task", "limits"),
    "checkpoint": ("task", "checkpoint"),
}
"""Parts of run.json that no log holds: group, and name there."""

LAUNCHED = {
    "python": ("software", "launch.python"),
    "platform": ("software", "launch.platform"),
    "packages": ("software", "launch.packages"),
    "modules": ("environment", "launch.modules"),
    "container": ("environment", "launch.container"),
}
"""Parts of launch.json; the environment of the ranks is in the log too, as launch_environment."""

DESCRIBED = {"software": "software", "surroundings": "environment"}
"""Parts of a node in system.json that are not of the system; all others are."""

MLPERF_SOFTWARE = frozenset({"framework", "other_software_stack", "operating_system", "sw_notes"})
"""Fields of MLPerf's description of a system that are about software."""

PASSING = frozenset({"storage.data_free_bytes", "surroundings.slurm", "processor.frequency_mhz"})
"""What a node says of a moment."""


class Varying(list[Any]):
    """The distinct values of a fact in which the runs of one side differ."""


def documents(runs: Sequence[Run]) -> set[str]:
    """Return the files beside the logs of one side, by name, that hold facts of their own."""
    return {name for run in runs for name in run.documents}


def facts(runs: Sequence[Run], known: Collection[str]) -> dict[str, Facts]:
    """Return the facts of one side by group and name: a value that all its runs have, or all that there are.

    Args:
        runs: the runs of the side.
        known: names of the files beside the logs that are looked at.
    """
    sides = [_facts(run, known) for run in runs]
    found: dict[str, Facts] = {group: {} for group in GROUPS}
    for group in GROUPS:
        for name in dict.fromkeys(name for side in sides for name in side[group]):
            found[group][name] = _common([side[group][name] for side in sides if name in side[group]])
    return found


def _common(values: Sequence[Any]) -> Any:
    distinct = list({json.dumps(value, sort_keys=True): value for value in values}.values())
    return distinct[0] if len(distinct) == 1 else Varying(distinct)


def _facts(run: Run, known: Collection[str]) -> dict[str, Facts]:
    found: dict[str, Facts] = {group: {} for group in GROUPS}
    beside = {name: content for name, content in run.documents.items() if name in known}
    for group, name, value in (*_logged(run), *_staged(run), *_documented(beside)):
        found[group].update(_flat(name, value))
    return found


def _logged(run: Run) -> Iterator[tuple[str, str, Any]]:
    others = tuple(key for key in run.first if key.startswith(OPTIMISER) and key not in LOGGED["hyperparameters"])
    for group, keys in LOGGED.items():
        for key in keys + others * (group == "hyperparameters"):
            event = run.first.get(key)
            if event is not None:
                yield group, key, event.value
                yield group, key, {name: value for name, value in event.metadata.items() if name not in PLACE}


def _staged(run: Run) -> Iterator[tuple[str, str, Any]]:
    """Yield that a run copied its data set first, and how; bytes and files follow from that and the data set."""
    event = run.first.get("staging_stop")
    if event is not None:
        yield "data", "staged", True
        yield "data", "staged.form", event.metadata.get("form", "files")
        if "compress" in event.metadata:
            yield "data", "staged.compress", event.metadata["compress"]


def _documented(beside: Mapping[str, dict[str, Any]]) -> Iterator[tuple[str, str, Any]]:
    for document, parts in (("run.json", CONFIGURED), ("launch.json", LAUNCHED)):
        for part, (group, name) in parts.items():
            if part in beside.get(document, {}):
                yield group, name, beside[document][part]
    yield from _described(beside.get("system.json", {}))


def _described(system: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield what a system.json says of its nodes, or, where it has none, the fields of MLPerf's form."""
    nodes = system.get("nodes")
    if isinstance(nodes, list) and nodes:
        for name in dict.fromkeys(name for node in nodes for name in _of_node(node)):
            values = [_of_node(node)[name] for node in nodes if name in _of_node(node)]
            common = _common(values)
            part = name.partition(".")[0]
            yield DESCRIBED.get(part, "system"), f"node.{name}", list(common) if isinstance(common, Varying) else common
        return
    fields = system.get("mlperf", system)
    for name, fact in fields.items() if isinstance(fields, dict) else ():
        yield "software" if name in MLPERF_SOFTWARE else "system", name, _value(fact)


def _of_node(node: Any) -> Facts:
    if not isinstance(node, dict):
        return {}
    found = {"host": _value(node.get("host"))}
    for part, content in node.items():
        if isinstance(content, dict) and part != "host":
            found |= {f"{part}.{name}": _value(fact) for name, fact in content.items()}
    return {name: value for name, value in found.items() if name not in PASSING}


def _value(fact: Any) -> Any:
    """Return the value of a fact that is stated with how it was found, or the fact itself."""
    return fact["value"] if isinstance(fact, dict) and "value" in fact else fact


def _flat(name: str, value: Any) -> Facts:
    """Return a fact for each leaf of nested objects, named by its path; a list of numbers or texts is one fact."""
    if isinstance(value, dict):
        inside = [(f"{name}.{part}", content) for part, content in value.items()]
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        inside = [(f"{name}[{place}]", item) for place, item in enumerate(value)]
    else:
        return {name: value}
    found: Facts = {}
    for path, content in inside:
        found |= _flat(path, content)
    return found

"""The log against the benchmark that it names: its scales, its data sets, its metric and its targets."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from compliance.event import LoggedEvent
from compliance.finding import NOTHING, Finding, name, show
from compliance.rules import Ruleset
from compliance.story import Story


def check_benchmark(story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Look for the benchmark and its scale in the rule set."""
    event, scale = story.first.get("submission_benchmark"), story.first.get("scale")
    if event is None:
        return
    if event.value not in rules.benchmarks:
        yield _unknown(event, list(rules.benchmarks))
    elif scale is not None and scale.value not in rules.benchmarks[event.value]["scales"]:
        yield _unknown(scale, list(rules.benchmarks[event.value]["scales"]))


def check_target(story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Hold the target of a closed run to the benchmark's metric, direction and value."""
    event, target = story.first.get("quality_target"), story.target
    benchmark, scale = _closed(story, rules)
    if event is None or target is None or benchmark is None or scale is None:
        return
    for field in ("metric", "direction"):
        if event.metadata[field] != benchmark[field]:
            yield _target(event, f"metadata.{field}", show(benchmark[field]), show(event.metadata[field]))
    wanted, of_what = _wanted(story, benchmark, scale)
    if target.direction == benchmark["direction"] and target.better(wanted, target.value):
        bound = "at least" if target.direction == "max" else "at most"
        yield _target(event, "value", f"{bound} {wanted}, the target of this {of_what}", show(target.value))


def check_model(story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Hold the model of a closed run, where the benchmark has several, to its name and its size."""
    event, counted = story.first.get("hyperparameters"), story.first.get("model_parameters")
    benchmark, _ = _closed(story, rules)
    if event is None or benchmark is None or not benchmark["models"]:
        return
    model = event.value.get("model")
    if not isinstance(model, str) or model not in benchmark["models"]:
        found = show(model) if "model" in event.value else NOTHING
        yield _model(event, "hyperparameters value.model", f"one of {', '.join(benchmark['models'])}", found)
    elif counted is not None and counted.value != benchmark["models"][model]["parameters"]:
        expected = f"{benchmark['models'][model]['parameters']}, the parameters of {model}"
        yield _model(counted, "model_parameters", expected, show(counted.value))


def check_known(story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Point out a benchmark that came with the command line."""
    event = story.first.get("submission_benchmark")
    if event is not None and rules.benchmarks.get(event.value, {}).get("known_only_here"):
        yield Finding(
            rule="identity-005",
            line=event.line,
            where=event.key,
            expected=f"a benchmark of the rule set {rules.name}",
            found=f"{name(event.value)}, whose facts came with the command line",
            advice="hold its benchmark.json against what its authors publish",
        )


def check_dataset(story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Hold the data set of a closed run to that of its scale."""
    event = story.first.get("dataset_id")
    _, scale = _closed(story, rules)
    if event is None or scale is None:
        return
    simulated = event.metadata["simulated"]
    facts = (("dataset_id", "dataset_id", event.value), ("dataset_id metadata.simulated", "simulated", simulated))
    for where, fact, found in facts:
        if found != scale[fact]:
            yield Finding(
                rule="identity-002",
                line=event.line,
                where=where,
                expected=f"{show(scale[fact])}, as the scale has it",
                found=show(found),
                advice="run on the data set of the scale, or in the open division",
            )


def _closed(story: Story, rules: Ruleset) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return the rule set's facts of the benchmark and of the scale of a closed run; None where there are none."""
    facts = [story.first.get(key) for key in ("submission_division", "submission_benchmark", "scale")]
    division, benchmark, scale = (event and event.value for event in facts)
    if division != "closed" or benchmark not in rules.benchmarks:
        return None, None
    return rules.benchmarks[benchmark], rules.benchmarks[benchmark]["scales"].get(scale)


def _wanted(story: Story, benchmark: dict[str, Any], scale: dict[str, Any]) -> tuple[float, str]:
    """Return the target of a closed run, and whether it is the scale's or its model's."""
    model, size = story.first.get("hyperparameters"), story.first["scale"].value
    chosen = model.value.get("model") if model is not None else None
    own = benchmark["models"].get(chosen, {}).get("targets", {}) if isinstance(chosen, str) else {}
    return (own[size], "model") if size in own else (scale["target"], "scale")


def _model(event: LoggedEvent, where: str, expected: str, found: str) -> Finding:
    return Finding(
        rule="identity-004",
        line=event.line,
        where=where,
        expected=expected,
        found=found,
        advice="use a model of the benchmark as it is, or run in the open division",
    )


def _target(event: LoggedEvent, field: str, expected: str, found: str) -> Finding:
    return Finding(
        rule="target-004",
        line=event.line,
        where=f"quality_target {field}",
        expected=expected,
        found=found,
        advice="keep the benchmark's target, or run in the open division",
    )


def _unknown(event: LoggedEvent, known: list[str]) -> Finding:
    near = difflib.get_close_matches(event.value, known, 1)
    return Finding(
        rule="identity-001",
        line=event.line,
        where=event.key,
        expected=f"one of {', '.join(known)}",
        found=name(event.value),
        advice=f"did you mean {near[0]}?" if near else "name a benchmark of the suite and a scale that it has",
    )

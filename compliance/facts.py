"""The facts of a run in one flat object: what the log says, null where it does not say it in a well-formed way."""

from __future__ import annotations

from typing import Any

from compliance.event import LoggedEvent, seconds_between
from compliance.story import Story

COPIED = {
    "run_id": "run_id",
    "benchmark": "submission_benchmark",
    "implementation": "implementation",
    "framework": "framework",
    "division": "submission_division",
    "scale": "scale",
    "dataset_id": "dataset_id",
    "seed": "seed",
    "precision": "precision",
    "number_of_nodes": "number_of_nodes",
    "number_of_ranks": "number_of_ranks",
    "device": "device",
    "global_batch_size": "global_batch_size",
    "target": "quality_target",
}
"""Facts that are the value of one key."""


def summarise(story: Story) -> dict[str, Any]:
    """Return the summary of a verdict (verdict.schema.json)."""
    first, stop = story.first, story.first.get("run_stop")
    facts: dict[str, Any] = {fact: first[key].value if key in first else None for fact, key in COPIED.items()}
    target = story.target
    facts["model"] = first["hyperparameters"].value.get("model") if "hyperparameters" in first else None
    facts["simulated"] = first["dataset_id"].metadata["simulated"] if "dataset_id" in first else None
    facts["status"] = stop and stop.metadata["status"]
    facts["status_reason"] = stop and stop.metadata.get("reason")
    facts["metric"] = target and target.metric
    facts["direction"] = target and target.direction
    facts["target_reached"] = target and story.best is not None and target.reached_by(story.best.value)
    facts["best_quality"] = story.best and story.best.value
    facts["best_epoch"] = story.best and story.best.metadata["epoch_num"]
    facts["final_quality"] = story.final and story.final.value
    facts["strongest_baseline"] = _baseline(story.strongest_baseline)
    facts["epochs"] = story.counts["epoch_stop"]
    facts["init_time_s"] = _elapsed(story, "init_start", "init_stop")
    facts["run_time_s"] = _elapsed(story, "run_start", "run_stop")
    facts["time_to_train_reason"] = _no_time_to_train(story, facts)
    facts["time_to_train_s"] = None if facts["time_to_train_reason"] else facts["run_time_s"]
    return facts


def _baseline(event: LoggedEvent | None) -> dict[str, Any] | None:
    return event and {"name": event.metadata["name"], "value": event.value}


def _elapsed(story: Story, start: str, stop: str) -> float | None:
    if start not in story.first or stop not in story.first:
        return None
    return seconds_between(story.first[start], story.first[stop])


def _no_time_to_train(story: Story, facts: dict[str, Any]) -> str | None:
    """Say why there is no time to train; None where there is one."""
    if facts["run_time_s"] is None:
        return "run_start or run_stop is missing"
    if not facts["target_reached"]:
        return "the target was not reached"
    if facts["status"] != "success":
        return "the run was aborted"
    if "resumed_from_epoch" in story.first:
        return f"the run continues another one from epoch {story.first['resumed_from_epoch'].value}"
    return None

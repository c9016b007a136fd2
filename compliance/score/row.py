"""A score as one flat row: the columns of CSV and Parquet, and the head of a set in JSON."""

from __future__ import annotations

from typing import Any

from compliance.score.energy import LABELS, kind_of
from compliance.score.score import Score

Cell = str | int | float | bool | None

TEXT, WHOLE, REAL, TRUTH = "text", "integer", "real", "truth"

COLUMNS: dict[str, str] = {
    "set": TEXT,
    "organisation": TEXT,
    "platform": TEXT,
    "division": TEXT,
    "benchmark": TEXT,
    "model": TEXT,
    "scale": TEXT,
    "implementation": TEXT,
    "framework": TEXT,
    "framework_version": TEXT,
    "number_of_nodes": WHOLE,
    "accelerators_per_node": WHOLE,
    "number_of_ranks": WHOLE,
    "device": TEXT,
    "precision": TEXT,
    "global_batch_size": WHOLE,
    "metric": TEXT,
    "direction": TEXT,
    "target": REAL,
    "scaling": TEXT,
    "runs": WHOLE,
    "runs_needed": WHOLE,
    "runs_with_a_time": WHOLE,
    "counted_from_run": WHOLE,
    "counted_runs": WHOLE,
    "windows": WHOLE,
    "score_s": REAL,
    "score_reason": TEXT,
    "interval_low_s": REAL,
    "interval_high_s": REAL,
    "interval_reason": TEXT,
    "mean_s": REAL,
    "stdev_s": REAL,
    "min_s": REAL,
    "max_s": REAL,
    "epochs_mean": REAL,
    "reference_epochs_mean": REAL,
    "reference_epochs_stdev": REAL,
    "reference_epochs_smallest": REAL,
    "reference_p": REAL,
    "reference_accepted": TRUTH,
    "reference_origin": TEXT,
    "reference_reason": TEXT,
    "scaling_factor": REAL,
    "scaled_score_s": REAL,
    "system_scale": WHOLE,
    "instance_scale": WHOLE,
    "models": WHOLE,
    "time_to_train_all_s": REAL,
    "models_per_min": REAL,
    **{
        f"energy_{kind}_{column}": form
        for kind in (*LABELS, "other")
        for column, form in (("source", TEXT), ("j", REAL), ("reason", TEXT), ("label", TEXT))
    },
    "findings": TEXT,
}
"""Columns in their order, with the form of each."""


def row(score: Score) -> dict[str, Cell]:
    """Return the row of a set: every column, null where there is nothing."""
    found: dict[str, Any] = {
        **_what_ran(score),
        **_runs(score),
        **_convergence(score),
        **_throughput(score),
        **_energies(score),
        "findings": "; ".join(finding.message for finding in score.findings) or None,
    }
    return {name: _cell(found.get(name), form) for name, form in COLUMNS.items()}


def _what_ran(score: Score) -> dict[str, Any]:
    run = score.of.one
    keys = (
        "scale", "implementation", "framework", "number_of_nodes", "accelerators_per_node", "number_of_ranks", "device",
        "precision", "global_batch_size",
    )  # fmt: skip
    framework = run.first.get("framework")
    return {
        "set": score.of.name,
        "organisation": run.value("submission_org"),
        "platform": run.value("submission_platform"),
        "division": run.value("submission_division"),
        "benchmark": run.value("submission_benchmark"),
        "model": run.model,
        **{key: run.value(key) for key in keys},
        "framework_version": framework.metadata.get("version") if framework else None,
        **{fact: run.summary[fact] for fact in ("metric", "direction", "target")},
    }


def _runs(score: Score) -> dict[str, Any]:
    return {
        "scaling": "weak" if score.of.weak else "strong",
        "runs": len(score.of.runs),
        "runs_needed": score.needed,
        "runs_with_a_time": len(score.times_s),
        "counted_from_run": score.window.start + 1,
        "counted_runs": score.window.runs,
        "windows": score.window.of,
        "score_s": score.score_s,
        "score_reason": score.reason,
        "interval_low_s": score.interval.low,
        "interval_high_s": score.interval.high,
        "interval_reason": score.interval.reason,
        **{f"{name}_s": value for name, value in score.spread_s.items()},
    }


def _convergence(score: Score) -> dict[str, Any]:
    found, reference = score.convergence, score.convergence.reference
    return {
        "epochs_mean": found.mean,
        "reference_epochs_mean": reference and reference.mean,
        "reference_epochs_stdev": reference and reference.stdev,
        "reference_epochs_smallest": found.smallest,
        "reference_p": found.p,
        "reference_accepted": found.accepted,
        "reference_origin": reference and reference.origin,
        "reference_reason": found.reason,
        "scaling_factor": found.factor,
        "scaled_score_s": score.scaled_s,
    }


def _throughput(score: Score) -> dict[str, Any]:
    found = score.throughput
    names = ("system_scale", "instance_scale", "models", "time_to_train_all_s", "models_per_min")
    return {name: getattr(found, name) for name in names} if found else {}


def _energies(score: Score) -> dict[str, Any]:
    """Return a group of columns for each kind of source; a second source of a kind is in JSON alone."""
    cells: dict[str, Any] = {}
    for energy in score.energies:
        head = f"energy_{kind_of(energy.source)}"
        if f"{head}_source" not in cells:
            cells |= {
                f"{head}_source": energy.source,
                f"{head}_j": energy.energy_j,
                f"{head}_reason": energy.reason,
                f"{head}_label": energy.label,
            }
    return cells


def _cell(value: Any, form: str) -> Cell:
    """Return a value in the form of its column: what a log holds need not have it."""
    if value is None:
        return None
    if form == TEXT:
        return value if isinstance(value, str) else str(value)
    kinds = {WHOLE: (int,), REAL: (int, float), TRUTH: (bool,)}[form]
    if not isinstance(value, kinds) or (form != TRUTH and isinstance(value, bool)):
        return None
    return float(value) if form == REAL else value

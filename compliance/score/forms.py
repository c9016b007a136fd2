"""Scores as a table for people, and as CSV, JSON and Parquet for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from compliance.finding import Finding, file_name
from compliance.rules import Ruleset
from compliance.score.interval import LEVEL
from compliance.score.row import COLUMNS, REAL, TEXT, TRUTH, WHOLE, row
from compliance.score.score import Score
from compliance.sets.run import Run
from compliance.text_table import aligned, duration

HEADING = ("set", "runs", "score", f"{LEVEL:.0%} interval", "epochs", "reference")


class MissingPackageError(Exception):
    """A form needs a package that is not installed; the message says which."""


def as_table(scores: Sequence[Score], rules: Ruleset) -> str:
    """Return an aligned table, and below it, set by set, what a reader has to know."""
    lines = aligned([HEADING, *(_cells(score) for score in scores)])
    for score in scores:
        notes = list(_notes(score, rules))
        lines += ["", file_name(score.of.name), *(f"  {note}" for note in notes)] if notes else []
    return "\n".join(lines) + "\n"


def as_csv(scores: Sequence[Score]) -> str:
    """Return one line for each set, below one line of names (RFC 4180); a cell without a value is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(row(score) for score in scores)
    return text.getvalue()


def as_json(scores: Sequence[Score], rules: Ruleset) -> str:
    """Return one document with every set, its runs, its energies and its findings."""
    document = {
        "score_version": 1,
        "ruleset": {"name": rules.name, "sha256": rules.sha256},
        "sets": [_document(score, rules) for score in scores],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def as_parquet(scores: Sequence[Score]) -> bytes:
    """Return the rows of the CSV with their types.

    Raises:
        MissingPackageError: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        hint = "pip install pyarrow, or choose --format csv"
        raise MissingPackageError(f"--format parquet: expected the package pyarrow, found none — {hint}") from None
    types = {TEXT: pyarrow.string(), WHOLE: pyarrow.int64(), REAL: pyarrow.float64(), TRUTH: pyarrow.bool_()}
    schema = pyarrow.schema([(name, types[form]) for name, form in COLUMNS.items()])
    table = pyarrow.Table.from_pylist([row(score) for score in scores], schema=schema)
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(table, sink)
    return bytes(sink.getvalue())


def _document(score: Score, rules: Ruleset) -> dict[str, Any]:
    counted = {run.name for run in score.runs}
    return {
        **row(score),
        "findings": [{**asdict(finding), "severity": _severity(finding, rules)} for finding in score.findings],
        "energies": [asdict(energy) for energy in score.energies],
        "members": [_member(run, counted=run.name in counted) for run in (*score.of.runs, *score.of.pruned)],
    }


def _member(run: Run, *, counted: bool) -> dict[str, Any]:
    return {
        "name": run.name,
        "counted": counted,
        "seed": run.summary["seed"],
        "time_s": run.time_s,
        "time_reason": run.missed,
        "epochs": run.summary["epochs"],
        "best_quality": run.summary["best_quality"],
        "compliant": run.compliant,
        "energies": [energy._asdict() for energy in run.energies],
    }


def _cells(score: Score) -> tuple[str, ...]:
    found, ends = score.convergence, score.interval
    if score.throughput and score.throughput.time_to_train_all_s is not None:
        shown = f"{score.throughput.models_per_min:.4g} models/min"
    else:
        shown = "none" if score.score_s is None else duration(score.score_s)
    span = "–" if ends.low is None or ends.high is None else f"{duration(ends.low)} to {duration(ends.high)}"
    runs, needed = len(score.of.runs), score.needed
    return (
        file_name(score.of.name),
        f"{score.window.runs} of {runs}" if runs > needed else f"{runs}",
        shown,
        span,
        "–" if found.mean is None else f"{found.mean:.2f}",
        _beside(score),
    )


def _beside(score: Score) -> str:
    found = score.convergence
    if found.accepted is None or found.reference is None:
        return "–"
    verdict = "plausible" if found.accepted else "TOO FAST"
    return f"{verdict}: ≥ {found.smallest:.2f}, mean {found.reference.mean:.2f}"


def _notes(score: Score, rules: Ruleset) -> Iterator[str]:
    if score.reason:
        yield f"no {'throughput' if score.of.weak else 'score'}: {score.reason}"
    if score.score_s is None and not score.of.weak and score.times_s:
        spread = score.spread_s
        few = f"{len(score.times_s)} run{'s' * (len(score.times_s) != 1)} with a time"
        yield f"{few}: {_span(spread['mean'], spread['min'], spread['max'])}"
    if score.window.of > 1:
        first, last = score.window.start + 1, score.window.start + score.window.runs
        yield f"runs {first} to {last} count, whose score is the median of {score.window.of} windows"
    if score.score_s is not None and score.interval.reason:
        yield f"no interval: {score.interval.reason}"
    if score.throughput:
        yield _tuple(score)
    if score.score_s is not None and score.scaled_s is not None and score.scaled_s > score.score_s:
        yield _scaled(score)
    if score.convergence.reason and not score.findings:
        yield f"not held against the reference: {score.convergence.reason}"
    for energy in score.energies:
        value = f"none: {energy.reason}" if energy.energy_j is None else f"{energy.energy_j:.5g} J a run"
        yield f"energy, {file_name(energy.source)}: {value} ({energy.label})"
    for finding in score.findings:
        yield f"{finding.message}{' [warning]' if _severity(finding, rules) == 'warning' else ''}"


def _span(mean: float | None, low: float | None, high: float | None) -> str:
    if mean is None or low is None or high is None:
        return "–"
    return f"mean {duration(mean)}, {duration(low)} to {duration(high)}"


def _tuple(score: Score) -> str:
    found = score.throughput
    assert found is not None
    time = "none" if found.time_to_train_all_s is None else duration(found.time_to_train_all_s)
    return f"T = {found.system_scale}, S = {found.instance_scale}, M' = {found.models}, TTTa = {time}"


def _scaled(score: Score) -> str:
    found = score.convergence
    assert score.scaled_s is not None
    assert found.reference is not None
    return (
        f"by MLPerf's scaling {duration(score.scaled_s)}: the set took {found.mean:.2f} epochs, the reference "
        f"{found.reference.mean:.2f}, and a time is multiplied by their ratio, {found.factor:.4f}, where it is above 1"
    )


def _severity(finding: Finding, rules: Ruleset) -> str:
    return rules.rules[finding.rule].severity

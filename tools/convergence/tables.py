"""The kept logs of a benchmark as Markdown, and as reference convergence points."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from harness import registry

from .kept import IDENTITY, SEED, Record, require_alike
from .plan import default_model

SUMMARY = (
    "scale", "model", "implementation", "reached", "epochs to target", "time to target", "samples/s", "target",
    "best baseline",
)  # fmt: skip
RUNS = ("seed", "epochs to target", "quality", "time to target", "samples/s", "verdict")

MARKED = re.compile(r"(<!-- convergence -->\n).*?(<!-- /convergence -->)", re.DOTALL)
"""Where a benchmark's README.md has the summary."""

SCALES = ("tiny", "small", "full")


def grouped(benchmark: registry.Benchmark, records: Sequence[Record]) -> list[list[Record]]:
    """Return the records by group, in the order of the benchmark.json, each sorted by seed.

    Raises:
        DataError: the runs of a group differ in more than the seed.
    """
    found: dict[tuple[str, ...], list[Record]] = {}
    for record in sorted(records, key=lambda record: (_order(benchmark, record), record.kind, record.seed)):
        found.setdefault((*(getattr(record, name) for name in IDENTITY), _batch(record)), []).append(record)
    for group in found.values():
        require_alike(group)
    return list(found.values())


def page(benchmark: registry.Benchmark, records: Sequence[Record]) -> str:
    """Return convergence/README.md: a summary, and every run."""
    groups = grouped(benchmark, _to_target(records))
    parts = [
        f"# Convergence of {benchmark.name}",
        f"Made from the logs in this folder by `python -m tools.convergence {benchmark.name} --table`; do not edit.\n\n"
        f"{_WORDS}",
        summary(benchmark, records),
    ]
    for group in groups:
        parts += _section(group)
    return "\n\n".join(parts) + "\n"


def summary(benchmark: registry.Benchmark, records: Sequence[Record]) -> str:
    """Return the table with a row for each group, and below it where the runs were made."""
    groups = grouped(benchmark, _to_target(records))
    lines = list(_table(SUMMARY, [_summary_row(group) for group in groups]))
    machines = dict.fromkeys(record.machine for group in groups for record in group)
    commits = dict.fromkeys(record.commit for group in groups for record in group)
    return "\n".join([*lines, "", f"Machine: {'; '.join(machines)}. Commit: {', '.join(commits)}."])


def inserted(text: str, table: str) -> str | None:
    """Return a README with the summary between its markers; None where it has none."""
    made = MARKED.sub(lambda match: f"{match[1]}{table}\n\n{_WHERE}\n{match[2]}", text)
    return made if MARKED.search(text) else None


def reference_points(benchmark: registry.Benchmark, records: Sequence[Record]) -> str:
    """Return rcp.json: of each group, what a submission's convergence is held against."""
    points = [_point(group) for group in grouped(benchmark, _to_target(records))]
    document = {"rcp_version": 1, "benchmark": benchmark.name, "version": benchmark.version, "points": points}
    return json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def _point(group: Sequence[Record]) -> dict[str, Any]:
    one = group[0]
    names = ("benchmark", "model", "implementation", "scale", "metric", "direction", "target", "precision")
    return {
        **{name: getattr(one, name) for name in names},
        "global_batch_size": one.batch_size,
        "train_samples": one.train_samples,
        "hyperparameters": dict(one.hyperparameters),
        "seeds": [record.seed for record in group],
        "epochs_to_target": [record.epochs if record.reached else None for record in group],
        "samples_to_target": [record.samples if record.reached else None for record in group],
        "runs": len(group),
        "reached": sum(record.reached for record in group),
        "machines": list(dict.fromkeys(record.machine for record in group)),
        "commits": list(dict.fromkeys(record.commit for record in group)),
    }


def _section(group: Sequence[Record]) -> Iterator[str]:
    """Return what is said of one group: its configuration, its runs, and what they have in common."""
    one = group[0]
    yield f"## {one.scale}: {one.model}, {one.implementation}{_batch(one)}"
    yield "\n".join(
        (
            f"Target: {one.metric} {_sign(one)} {one.target:g}. Best baseline: {_baseline(one)}. "
            f"Global batch {one.batch_size} of {one.train_samples} training samples, {one.precision}.  ",
            "; ".join(dict.fromkeys(f"{record.framework}, {record.machine}, {record.commit}" for record in group)),
        )
    )
    yield "\n".join(_table(RUNS, [_run_row(record) for record in group]))
    done = [record for record in group if record.reached]
    unit, times = _times(done)
    spreads = [("epochs to target", _spread(_epochs(done))), (f"time to target, {unit}", _spread(times))]
    heading = (f"{len(done)} of {len(group)} reached", "mean", "standard deviation", "min", "max")
    yield "\n".join(_table(heading, [(name, *cells) for name, cells in spreads]))


def _run_row(record: Record) -> tuple[str, ...]:
    epochs = str(record.epochs) if record.reached else f"missed in {record.epochs}"
    unit, (time,) = _times([record])
    took = f"{time:.1f} {unit}"
    speed, quality = f"{record.samples_per_s:.2f}", f"{record.quality:.4g}"
    return (str(record.seed), epochs, quality, took if record.reached else f"({took})", speed, record.verdict)


def _summary_row(group: Sequence[Record]) -> tuple[str, ...]:
    one, done = group[0], [record for record in group if record.reached]
    unit, times = _times(done)
    return (
        one.scale,
        one.model,
        f"{one.implementation}{_batch(one)}",
        f"{len(done)} of {len(group)}",
        _in_one_cell(_spread(_epochs(done)), ""),
        _in_one_cell(_spread(times), f" {unit}"),
        f"{statistics.median(record.samples_per_s for record in group):.2f}",
        f"{one.metric} {_sign(one)} {one.target:g}",
        _baseline(one),
    )


def _epochs(records: Sequence[Record]) -> list[float]:
    return [float(record.epochs) for record in records]


def _times(records: Sequence[Record]) -> tuple[str, list[float]]:
    """Return the unit that suits the runs' times, and the times in it."""
    seconds = [record.run_time_s for record in records]
    return ("s", seconds) if max(seconds, default=0.0) < 120 else ("min", [time / 60 for time in seconds])


def _spread(values: Sequence[float]) -> tuple[str, str, str, str]:
    """Return mean, sample standard deviation, smallest and largest value as text; a dash where there is none."""
    if not values:
        return ("–", "–", "–", "–")
    deviation = f"{statistics.stdev(values):.1f}" if len(values) > 1 else "–"
    return (f"{statistics.fmean(values):.1f}", deviation, f"{min(values):.1f}", f"{max(values):.1f}")


def _in_one_cell(spread: tuple[str, str, str, str], unit: str) -> str:
    mean, deviation, smallest, largest = spread
    if deviation == "–":
        return mean if mean == "–" else f"{mean}{unit}"
    return f"{mean} ± {deviation}{unit} ({smallest} to {largest})"


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for cells in (heading, ["---"] * len(heading), *rows):
        yield f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _sign(record: Record) -> str:
    return "≥" if record.direction == "max" else "≤"


def _baseline(record: Record) -> str:
    return "none logged" if record.baseline is None else f"{record.baseline[0]} {record.baseline[1]:.4g}"


def _to_target(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.kind == SEED]


def _batch(record: Record) -> str:
    """Return the batch size in words, where it is not what the benchmark states."""
    return f", batch {record.batch_size}" if record.is_apart else ""


def _order(benchmark: registry.Benchmark, record: Record) -> tuple[int, int, int, str, str, int]:
    """Scales by size, the default model first, then as in benchmark.json; what it does not know comes last, by name.

    The benchmark's own batch size comes before others.
    """
    default, models = default_model(benchmark), list(benchmark.models)
    model = -1 if record.model == default else _place(record.model, models)
    implementation = _place(record.implementation, list(benchmark.implementations))
    batch = record.batch_size if record.is_apart else 0
    return (_place(record.scale, list(SCALES)), model, implementation, record.model, record.implementation, batch)


def _place(name: str, names: Sequence[str]) -> int:
    return names.index(name) if name in names else len(names)


_WORDS = """
A run reaches its target or ends at the last epoch of its scale. Epochs and time are those to the target, from run_start
to run_stop; runs that missed it are counted and are in no mean. Quality is the best of a run, samples/s the median over
its epochs. The verdict is the checker's, by the rules of today: rules that a log breaks are named.""".strip()

_WHERE = """
Mean ± standard deviation (smallest to largest) over the seeds that reached the target. Every run, with its log:
[convergence](convergence/README.md). `make convergence` makes all of it.""".strip()

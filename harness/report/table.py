"""Runs as rows of a Markdown table, so that the numbers of a README are made and not typed.

python -m harness.report.table RUN…
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from harness import quality
from harness.report import scores
from harness.report.record import Record, read

COLUMNS: tuple[tuple[str, Callable[[Record], str]], ...] = (
    ("benchmark", lambda r: _one(r, "submission_benchmark")),
    ("model", lambda r: scores.model(r) or "–"),
    ("implementation", lambda r: _one(r, "implementation")),
    ("scale", lambda r: _one(r, "scale")),
    ("ranks × threads", lambda r: f"{_one(r, 'number_of_ranks')} × {_one(r, 'threads_per_rank')}"),
    ("precision", lambda r: _one(r, "precision")),
    ("seed", lambda r: _one(r, "seed")),
    ("epochs", lambda r: str(len(r.all("epoch_stop")))),
    ("time to train", lambda r: _minutes(r)),
    ("samples/s", lambda r: _mean_throughput(r)),
    ("quality", lambda r: _quality(r)),
    ("target", lambda r: _target(r)),
    ("baselines", lambda r: _baselines(r)),
    ("margin", lambda r: _margin(r)),
    ("inference", lambda r: _inference(r)),
    ("verdict", lambda r: _verdict(r)),
)


def table(records: Sequence[Record]) -> str:
    """Make a Markdown table with a row for each run."""
    rows = [[name for name, _ in COLUMNS], ["---"] * len(COLUMNS)]
    rows += [[cell(record).replace("|", r"\|") for _, cell in COLUMNS] for record in records]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main(arguments: Sequence[str]) -> int:
    """Print the table of some run directories; one without a log, such as a prediction, has no row."""
    line = argparse.ArgumentParser(prog="python -m harness.report.table", description="Show runs as a Markdown table.")
    line.add_argument("runs", nargs="+", metavar="RUN", help="run directory; one without a log has no row")
    named = line.parse_args(arguments).runs
    runs = [Path(name) for name in named if (Path(name) / "result_0.txt").is_file()]
    if not runs:
        sys.stderr.write(
            f"{' '.join(named)}: expected run directories, found no result_0.txt in them — name runs that trained\n"
        )
        return 2
    sys.stdout.write(table([read(run) for run in runs]) + "\n")
    return 0


def _one(record: Record, key: str) -> str:
    value = record.one(key)
    return "–" if value is None else str(value)


def _minutes(record: Record) -> str:
    start, stop = record.one_event("run_start"), record.one_event("run_stop")
    if not start or not stop:
        return "–"
    return f"{(stop.time_ms - start.time_ms) / 60_000:.1f} min"


def _mean_throughput(record: Record) -> str:
    rates = [event.value for event in record.all("throughput")]
    return f"{sum(rates) / len(rates):.2f}" if rates else "–"


def _quality(record: Record) -> str:
    """The best evaluation: what the target is held against."""
    goal = scores.aim(record)
    return f"{goal.metric.label} {goal.metric.text(goal.best['value'])}" if goal and goal.best else "–"


def _target(record: Record) -> str:
    goal = scores.aim(record)
    return goal.bound if goal else "–"


def _baselines(record: Record) -> str:
    goal = scores.aim(record)
    if goal is None:
        return "–"
    found = [entry for entry in quality.baselines(record.events) if entry["metric"] == goal.metric.name]
    return ", ".join(f"{quality.words(entry['name'])} {goal.metric.number(entry['value'])}" for entry in found) or "–"


def _margin(record: Record) -> str:
    lead = scores.margin(record)
    if lead is None:
        return "–"
    return str(lead["short"]) if lead["sufficient"] else f"**insufficient: {lead['short']}**"


def _inference(record: Record) -> str:
    phase = quality.inference(record.events)
    return f"{phase['throughput']:.4g} {phase['unit']}" if phase and phase["throughput"] is not None else "–"


def _verdict(record: Record) -> str:
    compliant = record.documents["summary"].get("compliant")
    if compliant is None:
        return "not judged"
    return "compliant" if compliant else "not compliant"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

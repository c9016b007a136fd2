"""Runs as rows of a Markdown table, so that the numbers of a README are made and not typed.

python -m harness.report.table RUN…
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.report.record import Record, read

COLUMNS: tuple[tuple[str, Callable[[Record], str]], ...] = (
    ("benchmark", lambda r: str(r.one("submission_benchmark"))),
    ("implementation", lambda r: str(r.one("implementation"))),
    ("scale", lambda r: str(r.one("scale"))),
    ("ranks × threads", lambda r: f"{r.one('number_of_ranks')} × {r.one('threads_per_rank')}"),
    ("precision", lambda r: str(r.one("precision"))),
    ("seed", lambda r: str(r.one("seed"))),
    ("epochs", lambda r: str(len(r.all("epoch_stop")))),
    ("time to train", lambda r: _minutes(r)),
    ("samples/s", lambda r: _mean_throughput(r)),
    ("quality", lambda r: _quality(r)),
    ("target", lambda r: f"{r.one('quality_target')}"),
    ("baselines", lambda r: ", ".join(f"{e.metadata.get('name')} {e.value:.3f}" for e in r.all("baseline"))),
    ("verdict", lambda r: _verdict(r)),
)


def table(records: Sequence[Record]) -> str:
    """Make a Markdown table with a row for each run."""
    rows = [[name for name, _ in COLUMNS], ["---"] * len(COLUMNS)]
    rows += [[cell(record) for _, cell in COLUMNS] for record in records]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main(arguments: Sequence[str]) -> int:
    """Print the table of some run directories; one without a log, such as a prediction, has no row."""
    runs = [Path(name) for name in arguments if (Path(name) / "result_0.txt").is_file()]
    if not runs:
        sys.stderr.write(
            f"{' '.join(arguments) or 'the command line'}: expected run directories, found no result_0.txt\n"
        )
        return 2
    sys.stdout.write(table([read(run) for run in runs]) + "\n")
    return 0


def _minutes(record: Record) -> str:
    start, stop = record.one_event("run_start"), record.one_event("run_stop")
    if not start or not stop:
        return "–"
    return f"{(stop.time_ms - start.time_ms) / 60_000:.1f} min"


def _mean_throughput(record: Record) -> str:
    rates = [event.value for event in record.all("throughput")]
    return f"{sum(rates) / len(rates):.2f}" if rates else "–"


def _quality(record: Record) -> str:
    target = record.one_event("quality_target")
    values = record.all(f"eval_{target.metadata.get('metric')}") if target else []
    return f"{target.metadata['metric']} {values[-1].value:.4f}" if target and values else "–"


def _verdict(record: Record) -> str:
    compliant = record.documents["summary"].get("compliant")
    if compliant is None:
        return "not judged"
    return "compliant" if compliant else "not compliant"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

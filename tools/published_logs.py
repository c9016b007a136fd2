# SPDX-License-Identifier: MIT
"""Judge published MLPerf HPC logs by our checker and by the stock one, and lay the verdicts side by side.

    git clone --depth 1 https://github.com/mlcommons/hpc_results_v3.0
    python tools/published_logs.py hpc_results_v3.0

Each line of the table is one benchmark of one system. Exit codes: 0 whatever the stock checker accepts is accepted,
1 our checker refuses a log that the stock one accepts, 2 there is nothing to judge.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from compliance import rules as rule_sets  # noqa: E402 - the checkout has to be on the path first
from compliance.judge import judge  # noqa: E402
from compliance.reporters.common import has_errors, severity  # noqa: E402

RULESET = "mlperf-hpc-3.0.0"


@dataclass(kw_only=True)
class Row:
    """Verdicts on the logs of one benchmark of one system."""

    logs: int = 0
    """Logs that were judged."""

    stock: int = 0
    """Logs that the stock checker accepts."""

    ours: int = 0
    """Logs that ours accepts."""

    refused: list[Path] = field(default_factory=list)
    """Logs that the stock checker accepts and ours does not."""

    warned: Counter[str] = field(default_factory=Counter)
    """Logs with a warning, which is an error with --strict, by rule."""


def logs_below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the logs of a checkout with the folder that they lie in: `organisation/system/benchmark`."""
    for path in sorted(folder.rglob("results/**/result_*.txt")):
        yield str(path.parent.relative_to(folder)).replace("/results/", "/"), path


def stock_accepts(path: Path) -> bool:
    """Say whether MLPerf's own checker accepts a log; one that ends it with a traceback is not accepted."""
    from mlperf_logging.compliance_checker import mlp_compliance

    mlp_compliance.enqueued_configs.clear()
    checker = mlp_compliance.make_checker("hpc", "3.0.0", quiet=True, werror=False)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            return bool(mlp_compliance.main(str(path), "hpc_3.0.0/common.yaml", checker)[0])
        except Exception:  # noqa: BLE001 - it lets whatever a log provokes through, and a traceback is no verdict
            return False


def compare(logs: Iterable[tuple[str, Path]]) -> dict[str, Row]:
    """Judge logs twice; return the verdicts by the place that each lies in."""
    rules, rows = rule_sets.load(RULESET), {}
    for place, path in logs:
        row = rows.setdefault(place, Row())
        judged = judge(path, rules)
        accepted = not has_errors([judged], rules)
        stock = stock_accepts(path)
        row.logs, row.stock, row.ours = row.logs + 1, row.stock + stock, row.ours + accepted
        row.warned.update({found.rule for found in judged.findings if severity(found, rules) == "warning"})
        if stock and not accepted:
            row.refused.append(path)
    return rows


def table(rows: dict[str, Row]) -> str:
    """Return the verdicts as a Markdown table."""
    lines = ["| logs of | logs | stock accepts | ours accepts | warnings: rule (logs) |", "|---|---|---|---|---|"]
    for place, row in rows.items():
        warned = ", ".join(f"{rule} ({count})" for rule, count in sorted(row.warned.items())) or "none"
        lines.append(f"| {place} | {row.logs} | {row.stock} | {row.ours} | {warned} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Judge a checkout, print the table, and name what only our checker refuses."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("folder", type=Path, help="checkout of the published results")
    folder = parser.parse_args(arguments).folder
    rows = compare(logs_below(folder))
    if not rows:
        sys.stderr.write(f"{folder}: expected results/…/result_*.txt, found none — name a checkout of the results\n")
        return 2
    sys.stdout.write(table(rows))
    refused = [path for row in rows.values() for path in row.refused]
    for path in refused:
        sys.stdout.write(f"{path}: the stock checker accepts it, ours does not — see: sciml-bench check {path}\n")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

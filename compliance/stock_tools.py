"""MLPerf's own tools, taught our benchmarks: a copy of `mlperf_logging` to which nothing but data is added.

    python -m compliance stock-tools ORG TOOLS
    PYTHONPATH=TOOLS python -m mlperf_logging.package_checker ORG sciml 1.0.0
    PYTHONPATH=TOOLS python -m mlperf_logging.result_summarizer ORG sciml 1.0.0 --csv summary.csv

The stock tools hold what they know of a round in folders `<usage>_<version>`, and their lists of benchmarks in tables.
The copy gets a round `sciml 1.0.0`: rules that are made from ours (`stock.py`), how many runs a submission has, and the
reference convergence points that fit the package. The checks are theirs, unchanged. The copy is for one package: theirs
tell convergence points by benchmark and batch size alone, ours by model, scale and implementation as well.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from compliance.convergence.check import matching
from compliance.convergence.points import Point
from compliance.finding import file_name
from compliance.package import rules as package_rules
from compliance.rules import Ruleset
from compliance.sets.members import members
from compliance.sets.run import Run, read_run
from compliance.stock import stock_rules

USAGE, VERSION = "sciml", "1.0.0"
"""Name of the round. The stock tools look at seeds and convergence points from their version 1.0.0 on."""

ROUND = f"{USAGE}_{VERSION}"

TABLES = {
    "benchmark_meta.py": (
        "_ALL_RESULT_FILE_COUNTS[{usage!r}] = {counts!r}\n"
        "_ALL_ALLOWED_BENCHMARKS[{usage!r}] = {{{version!r}: {benchmarks!r}}}\n"
    ),
    "rcp_checker/rcp_checker.py": "submission_runs[{usage!r}] = {counts!r}\n",
}
"""Modules whose tables name benchmarks, and what is written below them."""


class StockToolsError(ValueError):
    """The stock tools cannot be taught; the message says why and what to do."""


def teach(organisation: Path, destination: Path, rules: Ruleset, points: Sequence[Point]) -> dict[str, int]:
    """Copy the stock tools and teach them the benchmarks of a rule set.

    Args:
        organisation: folder of a package that holds `systems/` and `results/`.
        destination: folder that is made, for PYTHONPATH.
        rules: what is taught.
        points: reference convergence points, of any benchmarks; those that fit the package's runs are taught.

    Returns:
        By benchmark of the package, how many reference convergence points were taught.

    Raises:
        StockToolsError: the package, the destination or `mlperf_logging` is not there, or cannot be used.
        OSError: something cannot be read or written.
    """
    runs = _first_runs(organisation, rules)
    stock = _installed()
    if destination.exists():
        raise StockToolsError(f"{file_name(str(destination))}: expected a new folder, found one — name another")
    tools = destination / "mlperf_logging"
    shutil.copytree(stock, tools, ignore=shutil.ignore_patterns("__pycache__"))
    _teach_rules(tools / "compliance_checker" / ROUND, rules)
    _teach_counts(tools, rules)
    folder = tools / "rcp_checker" / ROUND
    folder.mkdir()
    taught = {}
    for benchmark in rules.benchmarks:
        records = stock_points(_own(runs[benchmark], points) if benchmark in runs else [])
        _write(folder / f"rcps_{benchmark}.json", records)
        if benchmark in runs:
            taught[benchmark] = len(records)
    return taught


def stock_points(points: Iterable[Point]) -> dict[str, Any]:
    """Return reference convergence points as a file of the stock tools has them.

    They have no word for a run that missed the target. It stands there as the slowest that did not: it is the one that
    the olympic mean leaves out, in either case.
    """
    return {
        f"{point.benchmark}_{point.implementation}_{point.batch_size}": {
            "Benchmark": point.benchmark,
            "Creator": f"reference implementation {point.implementation}",
            "Platform": f"model {point.model}, scale {point.scale}",
            "BS": point.batch_size,
            "Hyperparams": {},
            "Epochs to converge": _with_the_slowest(point.epochs),
        }
        for point in points
    }


def _with_the_slowest(epochs: Sequence[int | None]) -> list[int]:
    reached = sorted(number for number in epochs if number is not None)
    return reached + reached[-1:] * (len(epochs) - len(reached))


def _own(run: Run, points: Sequence[Point]) -> list[Point]:
    """Return the points that fit a run; of its own implementation, where that has some."""
    fitting = [point for point in matching(run, points) if point.reference is not None]
    own = [point for point in fitting if point.implementation == run.value("implementation")]
    return own or fitting


def _first_runs(organisation: Path, rules: Ruleset) -> dict[str, Run]:
    """Return a run of each benchmark of a package, to tell which reference convergence points fit.

    Raises:
        StockToolsError: there is none.
    """
    runs: dict[str, Run] = {}
    for path in sorted(organisation.glob("results/*/*/result_*.txt")):
        benchmark = path.parent.name
        if benchmark in rules.benchmarks and benchmark not in runs:
            runs[benchmark] = read_run(next(members(path)), rules)
    if not runs:
        raise StockToolsError(
            f"{file_name(str(organisation))}: expected the folder of an organisation with results of "
            f"{', '.join(sorted(rules.benchmarks))}, found none — unpack the package, and name the folder in it"
        )
    return runs


def _installed() -> Path:
    """Return the folder of the stock tools that are installed.

    Raises:
        StockToolsError: they are not.
    """
    found = importlib.util.find_spec("mlperf_logging")
    if found is None or not found.submodule_search_locations:
        raise StockToolsError("expected the package mlperf-logging, found none — pip install mlperf-logging")
    return Path(found.submodule_search_locations[0])


def _teach_rules(folder: Path, rules: Ruleset) -> None:
    """Write the rule files: one that tells benchmarks apart, and one for each."""
    folder.mkdir()
    names = sorted(rules.benchmarks)
    chosen = {
        "NAME": "submission_benchmark",
        "REQ": "EXACTLY_ONE",
        "CHECK": f" v['value'] in {names!r} ",
        "POST": f" enqueue_config('{ROUND}/{{}}.yaml'.format(v['value'])) ",
    }
    _write(folder / "common.yaml", [{"KEY": chosen}])
    for name in names:
        (folder / f"{name}.yaml").write_text(stock_rules(name, rules), encoding="utf-8")


def _teach_counts(tools: Path, rules: Ruleset) -> None:
    """Write below the tables of benchmarks what they lack."""
    runs_of = package_rules.load(rules.name).runs_of
    counts = {name: runs_of(name) for name in sorted(rules.benchmarks)}
    for name, text in TABLES.items():
        with (tools / name).open("a", encoding="utf-8") as file:
            file.write("\n\n" + text.format(usage=USAGE, version=VERSION, counts=counts, benchmarks=sorted(counts)))


def _write(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")

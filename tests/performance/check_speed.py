"""How fast logs are checked, beside MLPerf's own checker: `python tests/performance/check_speed.py`.

Both judge the same generated logs, of cosmoflow by the rules of MLPerf HPC v3.0, and of our own format by the rules
that are generated for the stock checker from ours. Printed are the seconds of the processor and the memory over that of
an interpreter that does nothing, each the least of some repeats, and what the stock checker needs of both, times ours.
Only figures of one call may be compared. `--lines 1000 10000` chooses the lengths, `--repeat` the repeats.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
TOKEN = ":::MLLOG "
LENGTHS = (1_000, 10_000, 100_000, 1_000_000)
STOCK = ("mlperf_logging.compliance_checker", "--usage", "hpc", "--ruleset", "3.0.0", "--log_output", os.devnull)


class Cost(NamedTuple):
    """What a process needed."""

    seconds: float
    """Of the processor, in user and system mode."""

    peak_mib: float
    """Memory at its most."""


class Case(NamedTuple):
    """A kind of log, and how both checkers are called on it."""

    name: str
    source: Path
    """A valid log, into which further events are put."""

    repeated: str
    """Key of the event that is put in again and again."""

    options: tuple[str, ...]
    """For our checker."""


CASES = (
    Case("cosmoflow, keys of rules", GOLDEN / "mlperf-hpc-3.0.0" / "valid" / "cosmoflow.mllog", "eval_error", ()),
    Case("cosmoflow, other keys", GOLDEN / "mlperf-hpc-3.0.0" / "valid" / "cosmoflow.mllog", "step_loss", ()),
    Case("slstr_cloud, keys of rules", GOLDEN / "valid" / "slstr_cloud-pt.mllog", "train_loss", ()),
)


def log_lines(case: Case, length: int) -> Iterator[str]:
    """Return the lines of a log of so many lines: a valid log, with events in its first epoch."""
    lines = case.source.read_text(encoding="utf-8").splitlines(keepends=True)
    records = [json.loads(line.removeprefix(TOKEN)) for line in lines]
    start = next(place for place, record in enumerate(records) if record["key"] == "epoch_start") + 1
    before = records[start - 1]
    metadata = {"file": "train.py", "lineno": 30, "epoch_num": before["metadata"]["epoch_num"]}
    extra = {**before, "event_type": "POINT_IN_TIME", "key": case.repeated, "metadata": metadata}
    yield from lines[:start]
    for number in range(length - len(lines)):
        yield TOKEN + json.dumps({**extra, "value": 0.5 + number / 1e7}) + "\n"
    yield from lines[start:]


WEIGH = """
import atexit, re, runpy, sys
from pathlib import Path
def weigh(path=sys.argv.pop(1)):
    status = Path("/proc/self/status").read_text()
    Path(path).write_text(re.search(r"VmHWM:\\s*(\\d+) kB", status).group(1))
atexit.register(weigh)
sys.argv.pop(0)
if sys.argv:
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
"""Runs a module and writes how many kilobytes the process had at most. What `wait4` says of memory begins with its
parent's."""


def call(*arguments: str | Path) -> Cost:
    """Run a module of Python as a process, and return what it needed; without a module, an interpreter does nothing.

    Raises:
        RuntimeError: it did not call the log compliant.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile() as said, tempfile.NamedTemporaryFile("r") as weight:
        command = [sys.executable, "-c", WEIGH, weight.name, *map(str, arguments)]
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(said.read()[-2000:].decode(errors="replace"))
        return Cost(usage.ru_utime + usage.ru_stime, int(weight.read()) / 1024)


def least(repeat: int, *arguments: str | Path) -> Cost:
    """Return the least that some calls needed."""
    costs = [call(*arguments) for _ in range(repeat)]
    return Cost(min(cost.seconds for cost in costs), min(cost.peak_mib for cost in costs))


def rule_file(case: Case, folder: Path) -> list[str]:
    """Return the option that gives the stock checker our rules; none for a benchmark of MLPerf."""
    if "slstr_cloud" not in case.name:
        return []
    from compliance.rules import load
    from compliance.stock import stock_rules

    path = folder / "slstr_cloud.yaml"
    path.write_text(stock_rules("slstr_cloud", load("sciml-1.0")), encoding="utf-8")
    return ["--config", str(path)]


def measure(case: Case, length: int, repeat: int, folder: Path) -> dict[str, Any]:
    """Judge one log with both checkers."""
    log = folder / "log.mllog"
    with log.open("w", encoding="utf-8") as file:
        file.writelines(log_lines(case, length))
    empty = call()
    ours = least(repeat, "compliance", "check", *case.options, log)
    stock = least(repeat, *STOCK, *rule_file(case, folder), log)
    own_mib, stock_mib = ours.peak_mib - empty.peak_mib, stock.peak_mib - empty.peak_mib
    return {
        "log": case.name,
        "lines": length,
        "MB": log.stat().st_size / 1e6,
        "ours s": ours.seconds,
        "stock s": stock.seconds,
        "times": stock.seconds / ours.seconds,
        "ours MiB": own_mib,
        "stock MiB": stock_mib,
        "times less": stock_mib / own_mib,
    }


def main() -> None:
    """Measure every kind of log at every length, and print a table."""
    parser = argparse.ArgumentParser(description="How fast logs are checked, beside MLPerf's own checker.")
    parser.add_argument("--lines", type=int, nargs="+", default=LENGTHS, help="lengths of the logs")
    parser.add_argument("--repeat", type=int, default=1, help="repeats, of which the least counts (%(default)s)")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    head = None
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            for length in options.lines:
                row = measure(case, length, options.repeat, Path(folder))
                if head is None:
                    head = "| " + " | ".join(row) + " |\n|" + "---|" * len(row)
                    print(head)
                cells = (f"{cell:.2f}" if isinstance(cell, float) else f"{cell}" for cell in row.values())
                print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()

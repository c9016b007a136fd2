"""Ask the checker, as the program that it is, and read its verdict."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from harness import process
from harness.errors import RunFailed
from harness.files import write_whole
from harness.paths import ROOT
from harness.registry import Benchmark
from harness.rundir import RunDirectory
from logging_spec.events import LineError, parse_object

TIMEOUT_S = 300.0


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the checker said."""

    compliant: bool | None
    """Its verdict; None where it gave none."""

    reason: str | None
    """Why there is none."""

    verdict: dict[str, Any] | None
    """verdict.json."""

    def findings(self) -> list[str]:
        """Its findings, errors first, a line each; the log that they are about is the run's only one."""
        found = self.verdict["files"][0]["findings"] if self.verdict else []
        found = sorted(found, key=lambda finding: finding["severity"] != "error")
        return [
            f"result_0.txt:{f['line']}: {f['rule']} {f['where']}: expected {f['expected']}, found {f['found']} — "
            f"{f['advice']} [{f['severity']}]"
            for f in found
        ]

    def summary(self) -> dict[str, Any]:
        """What it read in the log."""
        return dict(self.verdict["files"][0]["summary"]) if self.verdict else {}


def judge(directory: RunDirectory, benchmark: Benchmark) -> Judgement:
    """Judge a run: its log, and whether run.json agrees with it. Keep the verdict.

    Of a benchmark outside the checkout the rules know nothing; its own benchmark.json tells them.

    Raises:
        OSError: the verdict could not be written.
    """
    argv = [sys.executable, "-m", "compliance", "check", str(directory.root), "--format", "json"]
    argv += ["--benchmark", str(benchmark.path)] if benchmark.home != ROOT else []
    try:
        done = process.run(argv, timeout_s=TIMEOUT_S, cwd=ROOT)
    except RunFailed as error:
        return Judgement(compliant=None, reason=str(error), verdict=None)
    if done.returncode not in (0, 1):
        words = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        return Judgement(compliant=None, reason=f"the checker ended with {done.returncode}: {words[0]}", verdict=None)
    try:
        verdict = parse_object(done.stdout)
    except LineError as error:
        return Judgement(compliant=None, reason=f"the checker's answer is no verdict: {error}", verdict=None)
    write_whole(directory.root / "verdict.json", done.stdout.encode())
    return Judgement(compliant=done.returncode == 0, reason=None, verdict=verdict)


NOT_ASKED = Judgement(compliant=None, reason="--no-check", verdict=None)
"""The judgement of a run that was not to be judged."""

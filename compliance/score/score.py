"""The score of a set: which runs count, their olympic mean, its interval, and how they converge."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from compliance.convergence.check import Convergence, check_alike, check_convergence
from compliance.convergence.points import Point
from compliance.finding import Finding
from compliance.rules import RULESETS, Ruleset
from compliance.score.energy import SetEnergy, energies
from compliance.score.interval import Interval, interval
from compliance.score.throughput import Throughput, throughput
from compliance.score.window import Window, median_window
from compliance.sets import olympic
from compliance.sets.grouping import RunSet
from compliance.sets.run import Run
from logging_spec.events import parse_object


@dataclass(frozen=True, kw_only=True)
class Score:
    """What is said of a set."""

    of: RunSet
    """The set."""

    needed: int
    """Runs that a score of its benchmark is of."""

    window: Window
    """The runs that count."""

    score_s: float | None
    """Olympic mean of their times; None with a reason, and for a weak set."""

    reason: str | None
    """Why there is no score, or no throughput."""

    interval: Interval
    """Its confidence interval."""

    convergence: Convergence
    """How they converge, beside the reference."""

    throughput: Throughput | None
    """Of a weak set."""

    energies: tuple[SetEnergy, ...]
    """By source."""

    findings: tuple[Finding, ...]
    """What is wrong with the set, by the ids of the rule set."""

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs that count."""
        return self.of.runs[self.window.part]

    @property
    def times_s(self) -> list[float]:
        """Times of all runs that have one, counted or not."""
        return [run.time_s for run in self.of.runs if run.time_s is not None]

    @property
    def spread_s(self) -> dict[str, float | None]:
        """Mean, sample standard deviation, smallest and largest of these times."""
        times = self.times_s
        return {
            "mean": statistics.fmean(times) if times else None,
            "stdev": statistics.stdev(times) if len(times) > 1 else None,
            "min": min(times, default=None),
            "max": max(times, default=None),
        }

    @property
    def scaled_s(self) -> float | None:
        """The score times the mean of the reference's epochs over that of the set, where that is above 1."""
        factor = self.convergence.factor
        return None if self.score_s is None or factor is None else self.score_s * factor


def score(of: RunSet, points: Sequence[Point], rules: Ruleset, *, needed: int | None = None) -> Score:
    """Score a set.

    Args:
        of: the set.
        points: reference convergence points.
        rules: the rule set by which the runs were judged.
        needed: runs that a score is of; None is what the benchmark's rules ask for.
    """
    runs = of.runs or of.pruned
    needed = needed or required_runs(runs[0].value("submission_benchmark"), rules)
    times = [run.time_s for run in of.runs]
    window = Window(start=0, runs=len(times), of=1) if of.weak else median_window(times, needed)
    counted = of.runs[window.part]
    weak = throughput(counted, of.pruned, needed) if of.weak else None
    reason = weak.reason if weak else _reason(counted, needed)
    convergence = check_convergence(counted, points)
    mean = olympic.mean(times[window.part]) if reason is None and not weak else None
    return Score(
        of=of,
        needed=needed,
        window=window,
        score_s=mean,
        reason=reason,
        interval=interval(times[window.part]) if mean is not None else Interval(low=None, high=None, reason=reason),
        convergence=convergence,
        findings=tuple(named for finding in convergence.findings if (named := rules.named(finding)) is not None),
        throughput=weak,
        energies=tuple(energies(counted if weak else _in_the_mean(counted))),
    )


def _reason(runs: Sequence[Run], needed: int) -> str | None:
    """Say why a set has no score; None where it has one."""
    differing = [finding.where for finding in check_alike(runs)]
    missed = [run for run in runs if run.time_s is None]
    if differing:
        return f"the runs differ in {', '.join(differing)}"
    if len(missed) > olympic.MOST_MISSED:
        return f"{len(missed)} of {len(runs)} runs have no time to train: {missed[0].missed}"
    if len(runs) < max(needed, olympic.FEWEST):
        return f"{len(runs)} of {max(needed, olympic.FEWEST)} runs"
    return None


def _in_the_mean(runs: Sequence[Run]) -> list[Run]:
    """Return the runs whose times the olympic mean is of; all of them where there are too few to drop any."""
    if len(runs) < olympic.FEWEST:
        return list(runs)
    return [runs[place] for place in olympic.places_kept([run.time_s for run in runs])]


def required_runs(benchmark: Any, rules: Ruleset) -> int:
    """Return how many runs a score of a benchmark is of: as many as a submission of it holds.

    Those of MLPerf's own benchmarks are in `required_runs.json`; of the others, the rule set's `package.json` says it,
    where it has one.
    """
    asked = _document(RULESETS / rules.name / "package.json").get("runs", {})
    known = _document(Path(__file__).parent / "required_runs.json")
    return int({**asked, **known["runs"]}.get(str(benchmark), asked.get("otherwise", known["other"])))


@cache
def _document(path: Path) -> dict[str, Any]:
    return parse_object(path.read_text(encoding="utf-8")) if path.is_file() else {}

"""Hold a set of runs to the reference: pure, over what the logs of the set say.

As in the checks of logs, a finding names the fault, `convergence-001`, and the rule set gives it its id.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compliance.convergence import points as reference_points
from compliance.convergence.envelope import envelope, match
from compliance.convergence.points import Point
from compliance.convergence.ttest import Reference, p_value, smallest_mean
from compliance.finding import NOTHING, Finding, file_name, name, show
from compliance.sets import olympic
from compliance.sets.grouping import differing
from compliance.sets.run import Run

FACTOR = 2
"""Runs of the reference, in runs of a submission, that MLPerf's rules ask for."""


@dataclass(frozen=True, kw_only=True)
class Convergence:
    """How a set converges beside the reference."""

    reason: str | None
    """Why nothing can be said; None where something can."""

    findings: tuple[Finding, ...] = ()
    """What is wrong with the set."""

    reference: Reference | None = None
    """What it is held against."""

    epochs: tuple[int | None, ...] = ()
    """Epochs to the target, by run; None where it was missed."""

    mean: float | None = None
    """Olympic mean of them."""

    smallest: float | None = None
    """Smallest mean that is believed."""

    p: float | None = None
    """How probable a mean this small is, where the set converges as the reference; None without spread."""

    accepted: bool | None = None
    """Whether the mean is believed; None where nothing can be said."""

    @property
    def factor(self) -> float | None:
        """By what MLPerf multiplies a time whose mean of epochs is below that of the reference and still believed."""
        if not self.accepted or self.reference is None or not self.mean:
            return None
        return max(1.0, self.reference.mean / self.mean)


def check_convergence(runs: Sequence[Run], points: Sequence[Point]) -> Convergence:
    """Say whether the runs of a set converge faster than the reference can.

    Args:
        runs: the runs that count for the score.
        points: reference convergence points, of any benchmarks.
    """
    findings = [*check_alike(runs), *check_missed(runs)]
    if findings:
        return Convergence(reason="the set is not one", findings=tuple(findings))
    if len(runs) < olympic.FEWEST:
        return Convergence(reason=f"{len(runs)} of at least {olympic.FEWEST} runs")
    if runs[0].value("submission_division") != "closed":
        return _alone(runs, "the open division is free in how it converges")
    ours = matching(runs[0], points)
    candidates = {who: envelope(found) for who, found in reference_points.by_implementation(ours).items()}
    if not candidates:
        return _alone(runs, "no reference convergence point", [_no_point(runs[0], ours)])
    own = runs[0].value("implementation")
    chosen = {own: candidates[own]} if own in candidates else candidates
    return min((_compare(runs, references, ours[0].target) for references in chosen.values()), key=_leniency)


def check_alike(runs: Sequence[Run]) -> Iterator[Finding]:
    """Name every fact in which the runs of a set differ though they may not."""
    for fact, values in differing(runs).items():
        yield _finding(
            "convergence-004",
            where=fact,
            expected="one value in all runs",
            found=" and ".join(map(show, values[:3])),
            advice="score runs that differ in their seed alone; sciml-bench diff shows what differs",
        )


def check_missed(runs: Sequence[Run]) -> Iterator[Finding]:
    """Allow one run without a time to the target, which counts as the slowest."""
    missed = [run for run in runs if run.time_s is None]
    if len(missed) > olympic.MOST_MISSED:
        yield _finding(
            "convergence-005",
            where="runs without a time to train",
            expected=f"at most {olympic.MOST_MISSED} of {len(runs)}",
            found=f"{len(missed)}: " + "; ".join(f"{file_name(run.name)}: {run.missed}" for run in missed),
            advice="choose a target and limits that the runs reach, and run again",
        )


def matching(run: Run, points: Sequence[Point]) -> list[Point]:
    """Return the points of what ran: those of the most demanding target that is not above the run's own."""
    target, metric, direction = (run.summary[fact] for fact in ("target", "metric", "direction"))
    if target is None:
        return []
    sign = 1 if direction == "max" else -1
    wanted = (run.value("submission_benchmark"), run.model, run.value("scale"), metric, direction)
    found = [
        point
        for point in points
        if (point.benchmark, point.model, point.scale, point.metric, point.direction) == wanted
        and sign * point.target <= sign * target
    ]
    nearest = max((sign * point.target for point in found), default=0.0)
    return [point for point in found if sign * point.target == nearest]


def _compare(runs: Sequence[Run], references: Sequence[Reference], target: float) -> Convergence:
    """Hold a set against one implementation of the reference.

    Epochs are counted to the reference's target: a set may aim at a more demanding one, which proves nothing here.
    """
    batch_size, left = runs[0].value("global_batch_size"), len(runs) - 2
    epochs = _epochs(runs, target)
    mean = olympic.mean(epochs)
    reference, below = match(references, batch_size)
    if reference is None or mean is None:
        largest = references[-1].batch_size
        finding = _no_batch(batch_size, f"at most {largest}, the largest batch of the reference")
        return Convergence(reason="a batch larger than the reference's", findings=(finding,), epochs=epochs, mean=mean)
    smallest, p = smallest_mean(reference, left), p_value(reference, mean, left)
    accepted = mean >= smallest
    findings = list(_few(reference, len(runs)))
    if not accepted and below:
        expected = (
            f"at least {references[0].batch_size}, or a mean of at least {smallest:.2f} epochs as with that batch"
        )
        findings.append(_no_batch(batch_size, expected, f"; the mean is {mean:.2f} epochs"))
    elif not accepted:
        findings.append(_too_fast(reference, smallest, mean, left, p))
    return Convergence(
        reason=None, findings=tuple(findings), reference=reference, epochs=epochs, mean=mean, smallest=smallest, p=p,
        accepted=accepted,
    )  # fmt: skip


def _epochs(runs: Sequence[Run], target: float) -> tuple[int | None, ...]:
    """Return the epochs of each run to a target; None where it has no time to train."""
    direction = runs[0].summary["direction"]
    return tuple(None if run.time_s is None else run.epochs_to(target, direction) for run in runs)


def _alone(runs: Sequence[Run], reason: str, findings: Sequence[Finding] = ()) -> Convergence:
    """Say how a set converges to its own target, without anything beside it.

    A log of MLPerf's own benchmarks states no target; its run ends where it is reached.
    """
    target = runs[0].summary["target"]
    ends = tuple(run.evaluations[-1].epoch if run.time_s is not None and run.evaluations else None for run in runs)
    epochs = ends if target is None else _epochs(runs, target)
    return Convergence(reason=reason, findings=tuple(findings), epochs=epochs, mean=olympic.mean(epochs))


def _leniency(convergence: Convergence) -> tuple[bool, float]:
    """Order implementations of the reference by what they allow; one that has nothing to say comes last."""
    return convergence.smallest is None, math.inf if convergence.smallest is None else convergence.smallest


def _few(reference: Reference, runs: int) -> Iterator[Finding]:
    """Point out a reference of fewer runs than the rules ask for: the test holds, and refuses less."""
    if reference.runs + 2 < FACTOR * runs:
        yield _finding(
            "convergence-003",
            where="reference convergence points",
            expected=f"at least {FACTOR * runs} runs of the reference, {FACTOR} for each of the set",
            found=f"{reference.runs + 2} ({reference.origin})",
            advice="run the reference with more seeds; what it refuses today stays refused",
        )


def _too_fast(reference: Reference, smallest: float, mean: float, runs: int, p: float | None) -> Finding:
    by_chance = f"; p = {p:.2g}" if p is not None else ""
    return _finding(
        "convergence-001",
        where="epochs to the target",
        expected=f"a mean of at least {smallest:.2f} (the reference has {reference.mean:.2f} with standard deviation "
        f"{reference.stdev:.2f}: {reference.origin})",
        found=f"{mean:.2f} over {runs} run{'s' * (runs != 1)}{by_chance}",
        advice="look for what the reference does not do: other samples, other evaluations, other hyperparameters",
    )


def _no_batch(batch_size: int, expected: str, more: str = "") -> Finding:
    return _finding(
        "convergence-002",
        where="global_batch_size",
        expected=expected,
        found=f"{batch_size}{more}",
        advice="run the reference with this batch size, and name its rcp.json with --points",
    )


def _no_point(run: Run, found: Sequence[Point]) -> Finding:
    what = f"{run.value('submission_benchmark')}, model {run.model}, scale {run.value('scale')}"
    few = "; ".join(f"{point.implementation}: {len(point.epochs)} runs" for point in found)
    return _finding(
        "convergence-003",
        where="reference convergence points",
        expected=f"at least {olympic.FEWEST} runs of the reference, with at most one that missed: {name(what)}",
        found=few or NOTHING,
        advice="run the reference with more seeds, and name its rcp.json with --points",
    )


def _finding(rule: str, *, where: str, expected: str, found: str, advice: str) -> Finding:
    return Finding(rule=rule, line=1, where=where, expected=expected, found=found, advice=advice)

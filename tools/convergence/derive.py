"""Derive a target from kept logs by a stated rule: what every run reached in time, above the baselines."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from harness import registry

from .kept import EXPLORE, SEED, Record, require_alike


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A target, and what speaks for it."""

    target: float | None
    """The proposal; None where the runs give none."""

    within: int
    """Epochs in which every run has to reach it."""

    worst: float
    """What the worst run reached in that time."""

    text: str
    """The rule, and what came of it."""


def derive(benchmark: registry.Benchmark, records: Sequence[Record], within: int | None) -> str:
    """Return, for each model and scale, the quality by epoch over all runs, and a target.

    Args:
        benchmark: the benchmark.
        records: its kept runs; implementations have one target and are taken together. Runs with a batch size that
            the benchmark does not state are left out.
        within: epochs in which every run has to reach the target; None is half of what the scale allows.
    """
    found: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if not record.is_apart:
            found.setdefault((record.scale, record.model), []).append(record)
    return "\n\n".join(_one(benchmark, _longest(group), within) for _, group in sorted(found.items())) + "\n"


def propose(records: Sequence[Record], *, within: int, margin: float) -> Proposal:
    """Propose a target for runs of one model at one scale.

    It is the best quality that even the worst run reached within the epochs, rounded towards the best baseline to two
    digits of its lead over it. It has to beat the baseline, and by the benchmark's margin.
    """
    sign = 1.0 if records[0].direction == "max" else -1.0
    worst = min(sign * best_so_far(record)[min(within, record.epochs) - 1] for record in records)
    baselines = [sign * record.baseline[1] for record in records if record.baseline is not None]
    rule = f"what the worst of {len(records)} runs reached within {within} epochs ({sign * worst:.6g})"
    if not baselines:
        return Proposal(target=None, within=within, worst=sign * worst, text=f"none: {rule}, and no baseline is logged")
    bar = max(baselines)
    lead = worst - bar
    if lead <= 0 or lead < margin:
        text = f"none: {rule}, which does not beat the best baseline ({sign * bar:.6g}) by more than {margin:g}"
        return Proposal(target=None, within=within, worst=sign * worst, text=text)
    target = sign * _rounded_down(worst, 1 - math.floor(math.log10(lead)))
    if sign * target <= bar or sign * target - bar < margin:
        text = f"none: {rule}, which rounds to no value above the best baseline ({sign * bar:.6g}) by {margin:g}"
        return Proposal(target=None, within=within, worst=sign * worst, text=text)
    text = f"{target:g}: {rule}, rounded towards the best baseline ({sign * bar:.6g}) to two digits of the lead"
    return Proposal(target=target, within=within, worst=sign * worst, text=text)


def _rounded_down(value: float, digits: int) -> float:
    """Return the largest decimal number of so many digits after the point that is not above a value."""
    step = 10.0**-digits
    down = round(math.floor(value / step) * step, digits)
    above = round(down + step, digits)
    return above if above <= value else down


def best_so_far(record: Record) -> list[float]:
    """Return the best quality up to each epoch."""
    return list(itertools.accumulate(record.qualities, max if record.direction == "max" else min))


def epochs_to(record: Record, target: float) -> int | None:
    """Return the first epoch after which the quality is at least as good as a target; None where none is."""
    sign = 1.0 if record.direction == "max" else -1.0
    return next((epoch for epoch, found in enumerate(record.qualities, 1) if sign * found >= sign * target), None)


def _one(benchmark: registry.Benchmark, records: Sequence[Record], within: int | None) -> str:
    one = records[0]
    model = one.model if one.model in benchmark.models else None
    scale = benchmark.scale_of(one.scale, model)
    counts = {name: sum(record.implementation == name for record in records) for name in _names(records)}
    runs = ", ".join(f"{count} of {name}" for name, count in counts.items())
    proposal = propose(records, within=within or math.ceil(scale.max_epochs / 2), margin=benchmark.margin)
    lines = [
        f"{one.benchmark}, model {one.model}, scale {one.scale}: {one.metric}, {one.direction}",
        f"runs: {runs}; {_KINDS[one.kind]}",
        "",
        f"| epoch | runs | median {one.metric} | worst {one.metric} | median of the best so far | worst of it |",
        "| --- | --- | --- | --- | --- | --- |",
        *_rows(records),
        "",
        f"proposal: {proposal.text}",
    ]
    if proposal.target is not None:
        epochs = sorted(epoch for record in records if (epoch := epochs_to(record, proposal.target)) is not None)
        lines.append(f"epochs to it: {epochs[0]} to {epochs[-1]}, mean {statistics.fmean(epochs):.1f}")
    return "\n".join([*lines, f"target of today: {scale.target:g}"])


_KINDS = {EXPLORE: "trained to the last epoch", SEED: "ended at their target, so that no higher one can follow"}


def _longest(records: Sequence[Record]) -> list[Record]:
    """Return the runs that went on whatever their quality, where there are any: the others end at the target of today.

    Raises:
        DataError: runs of one implementation differ in more than the seed.
    """
    chosen = [record for record in records if record.kind == EXPLORE] or list(records)
    for name in _names(chosen):
        require_alike([record for record in chosen if record.implementation == name])
    return chosen


def _rows(records: Sequence[Record]) -> list[str]:
    worst = min if records[0].direction == "max" else max
    rows = []
    for epoch in range(1, max(record.epochs for record in records) + 1):
        running = [record.qualities[epoch - 1] for record in records if record.epochs >= epoch]
        best = [best_so_far(record)[min(epoch, record.epochs) - 1] for record in records]
        numbers = (statistics.median(running), worst(running), statistics.median(best), worst(best))
        rows.append(f"| {epoch} | {len(running)} | {' | '.join(f'{number:.4g}' for number in numbers)} |")
    return rows


def _names(records: Sequence[Record]) -> list[str]:
    return sorted({record.implementation for record in records})

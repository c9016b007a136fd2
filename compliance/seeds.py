"""What can only be seen of several logs at once: whether the runs of a set are different runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from compliance.finding import Finding, name
from compliance.judge import Judgement
from compliance.rules import Ruleset

SAME_SET = (
    "benchmark", "model", "implementation", "division", "scale", "dataset_id", "number_of_nodes", "number_of_ranks",
    "global_batch_size",
)  # fmt: skip
"""Facts in which the runs of a set agree."""


def with_shared_seeds(judgements: Sequence[Judgement], rules: Ruleset) -> list[Judgement]:
    """Return the judgements, with a finding for each run that repeats the seed of another one of its set."""
    seen: dict[tuple[Any, ...], Judgement] = {}
    return [_compared(judged, seen, rules) for judged in judgements]


def _compared(judged: Judgement, seen: dict[tuple[Any, ...], Judgement], rules: Ruleset) -> Judgement:
    seed = judged.summary["seed"]
    if seed is None:
        return judged
    other = seen.setdefault((seed, *(judged.summary[fact] for fact in SAME_SET)), judged)
    if _is_one_run(judged, other):
        return judged
    finding = rules.named(
        Finding(
            rule="set-001",
            line=judged.seed_line or 1,
            where="seed",
            expected=f"another one than {seed}, the seed of {name(other.file)}",
            found=str(seed),
            advice="draw a new seed for each run of a set",
        )
    )
    if finding is None:
        return judged
    return replace(judged, findings=tuple(sorted([*judged.findings, finding], key=lambda found: found.line)))


def _is_one_run(judged: Judgement, other: Judgement) -> bool:
    """Say whether two logs are of one run: one file, or two of the same run."""
    run = judged.summary["run_id"]
    return judged.sha256 == other.sha256 or (run is not None and run == other.summary["run_id"])

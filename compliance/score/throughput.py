"""Weak scaling: how fast a system trains many models at the same time (MLPerf HPC training rules, Run Results).

The rules report the tuple (T, S, M', TTTa): scale of the system, scale of an instance, models that are counted, and
the time to train all of them. Instances may be left out, down to the number of runs that a score needs; all that are
counted have to reach the target, and none is extrapolated.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from compliance.sets.run import Run


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """What a weak set has instead of a score."""

    system_scale: int | None
    """T: accelerators, or nodes where there are none, of all instances that ran, those left out included."""

    instance_scale: int | None
    """S: nodes of an instance, times its accelerators per node where it has any."""

    models: int
    """M': instances that are counted."""

    time_to_train_all_s: float | None
    """TTTa: from the first run_start to the last run_stop of the counted instances."""

    models_per_min: float | None
    """M' over TTTa."""

    reason: str | None
    """Why there is none; None where there is one."""


def throughput(runs: Sequence[Run], left_out: Sequence[Run], needed: int) -> Throughput:
    """Return the throughput of instances that ran at the same time.

    Args:
        runs: the instances that are counted.
        left_out: the others.
        needed: instances that have to be counted at the least.
    """
    reason = _reason(runs, needed)
    scale = _scale(runs[0]) if runs else None
    time_s = None
    if reason is None:
        time_s = (max(run.stop_ms for run in runs) - min(run.start_ms for run in runs)) / 1000
    return Throughput(
        system_scale=scale * (len(runs) + len(left_out)) if scale is not None else None,
        instance_scale=scale,
        models=len(runs),
        time_to_train_all_s=time_s,
        models_per_min=len(runs) * 60 / time_s if time_s else None,
        reason=reason,
    )


def _reason(runs: Sequence[Run], needed: int) -> str | None:
    if len(runs) < needed:
        return f"{len(runs)} of {needed} instances"
    missed = [run for run in runs if run.time_s is None]
    if missed:
        return f"{missed[0].name}: {missed[0].missed}; instances that miss the target are left out by hand"
    twice = [seed for seed, count in Counter(json.dumps(run.value("seed")) for run in runs).items() if count > 1]
    return f"seed {twice[0]} more than once; all but one are left out by hand" if twice else None


def _scale(run: Run) -> int | None:
    nodes, accelerators = run.value("number_of_nodes"), run.value("accelerators_per_node")
    if type(nodes) is not int or type(accelerators) is not int:
        return None
    return nodes * max(accelerators, 1)

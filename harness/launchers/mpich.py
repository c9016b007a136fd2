"""MPICH's Hydra, which Intel MPI shares."""

from __future__ import annotations

from harness.launchers.plan import LaunchPlan, slots


def command(plan: LaunchPlan) -> list[str]:
    """mpiexec and its options; ranks are not bound to cores, because a rank has several threads."""
    tokens = [plan.mpirun, "-n", str(plan.ranks), "-bind-to", "none"]
    if plan.hosts:
        tokens += ["-hosts", slots(plan.hosts)]
    if plan.forward:
        tokens += ["-genvlist", ",".join(plan.forward)]
    return [*tokens, *plan.argv]

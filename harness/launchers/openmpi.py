"""Open MPI's mpirun, versions 4 and 5, whose mapping options are spelt differently."""

from __future__ import annotations

from harness.launchers.plan import LaunchPlan, slots

MANY_HOSTS = 64
"""From here on version 4 starts its daemons directly rather than through a tree of ssh connections."""


def command(plan: LaunchPlan) -> list[str]:
    """mpirun and its options.

    Ranks are not bound to cores, because a rank has several threads. Without a host list, more ranks than cores are
    let through: on one machine that is slow but not wrong.
    """
    tokens = [plan.mpirun, "-np", str(plan.ranks), "--bind-to", "none"]
    modern = plan.version >= (5,)
    if plan.hosts:
        tokens += ["--map-by", "slot", "--host", slots(plan.hosts)]
    elif modern:
        tokens += ["--map-by", "slot:OVERSUBSCRIBE"]
    else:
        tokens += ["--map-by", "slot", "--oversubscribe"]
    if len(plan.hosts) > MANY_HOSTS and not modern:
        tokens += ["--mca", "plm_rsh_no_tree_spawn", "1", "--mca", "plm_rsh_num_concurrent", str(len(plan.hosts))]
    for name in plan.forward:
        tokens += ["-x", name]
    return [*tokens, *plan.argv]

"""Slurm's srun, inside an allocation."""

from __future__ import annotations

from harness.launchers.plan import LaunchPlan, nodes_used


def command(plan: LaunchPlan) -> list[str]:
    """srun and its options; a rank that fails ends the others."""
    tokens = [plan.mpirun, f"--ntasks={plan.ranks}", "--mpi=pmix", "--kill-on-bad-exit=1", "--cpu-bind=none"]
    if plan.hosts:
        names = ",".join(host.name for host in plan.hosts)
        tokens += [f"--nodes={nodes_used(plan.hosts, plan.ranks)}", f"--nodelist={names}"]
    if plan.forward:
        tokens += [f"--export={','.join(plan.forward)}"]
    return [*tokens, *plan.argv]

"""No launcher: one rank on this machine."""

from __future__ import annotations

from harness.launchers.plan import LaunchPlan


def command(plan: LaunchPlan) -> list[str]:
    """The program itself."""
    return list(plan.argv)

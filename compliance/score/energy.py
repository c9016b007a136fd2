"""Energy beside a score: by source, over the same runs, and named for what it is."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from compliance.sets.run import Run

LABELS = {
    "nvml": "GPU boards (NVML), not MLPerf Power",
    "rapl": "processors and memory (RAPL), not MLPerf Power",
}
"""What in-band sources cover; MLPerf's rules ask for the whole node, at its power supply."""

OTHER = "as the log says, not MLPerf Power"


@dataclass(frozen=True, kw_only=True)
class SetEnergy:
    """The energy of a run of a set, by one source."""

    source: str
    """What measured it, in the log's words."""

    label: str
    """What that covers, and what it must not be taken for."""

    energy_j: float | None
    """Mean over the runs whose times the score is the mean of, joules; None with a reason."""

    reason: str | None
    """Why there is none."""


def energies(runs: Sequence[Run]) -> list[SetEnergy]:
    """Return the mean energy of runs by source: those that count for the time count here, whatever their energy.

    A mean is null where one of its parts is: never a part for the whole.
    """
    sources = dict.fromkeys(energy.source for run in runs for energy in run.energies)
    return [_of_source(source, runs) for source in sources]


def kind_of(source: str) -> str:
    """Return `nvml`, `rapl` or `other`."""
    first = source.lower().split(" ")[0].split("_")[0]
    return first if first in LABELS else "other"


def _of_source(source: str, runs: Sequence[Run]) -> SetEnergy:
    label = LABELS.get(kind_of(source), OTHER)
    values = []
    for run in runs:
        found = [energy for energy in run.energies if energy.source == source]
        if len(found) != 1 or found[0].energy_j is None:
            why = (found[0].reason if found else "not logged") if len(found) < 2 else "logged more than once"
            return SetEnergy(source=source, label=label, energy_j=None, reason=f"{run.name}: {why}")
        values.append(found[0].energy_j)
    return SetEnergy(source=source, label=label, energy_j=statistics.fmean(values), reason=None)

"""The results of a summary: what was recorded, how much energy was used, what the loads were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.telemetry.integrate import Quality


@dataclass(frozen=True, kw_only=True)
class SourceFact:
    """Whether a source was recorded on a host."""

    source: str
    """`host`, `ranks`, `nvml` or `rapl`."""

    host: str
    """Name of the host."""

    status: Literal["recorded", "unavailable"]
    """Whether the recording holds readings of it."""

    reason: str | None
    """`code: sentence` where it is unavailable, or where it ended early."""


@dataclass(frozen=True, kw_only=True)
class DeviceEnergy:
    """The energy of one board or one RAPL domain in the window."""

    source: str
    """`nvml` or `rapl`."""

    host: str
    """Name of the host."""

    device: str
    """UUID of the board, or name of the domain's folder."""

    energy_j: float | None
    """By `method`; null where it was not measured."""

    reason: str | None
    """`code: sentence`, exactly where the energy is null."""

    method: Literal["counter", "integral"] | None
    """Where the energy comes from."""

    counter_j: float | None
    """Difference of the board's energy counter."""

    integral_j: float | None
    """Integral of the power readings."""

    relative_gap: float | None
    """(integral - counter) / counter, where both are known."""

    quality: Quality
    """How well the readings of the method cover the window."""

    cautions: tuple[str, ...]
    """Stable codes of what makes the value doubtful."""


@dataclass(frozen=True, kw_only=True)
class EnergyFact:
    """The energy of one source over all hosts and devices in the window."""

    source: str
    """`nvml` or `rapl`."""

    energy_j: float | None
    """Sum over all devices; null where one of them was not measured."""

    reason: str | None
    """`code: sentence`, exactly where the energy is null."""

    coverage: float
    """The lowest of the devices': share of the window between readings close to each other."""

    n_samples: int
    """The lowest of the devices': readings in the window."""

    max_gap_s: float | None
    """The longest of the devices': time without a reading, in seconds; null without devices."""

    relative_gap: float | None
    """(integral - counter) / counter of the sums, where all devices have both."""

    cautions: tuple[str, ...]
    """Stable codes of what makes the value doubtful, of all devices."""

    devices: tuple[DeviceEnergy, ...]
    """Its parts."""


@dataclass(frozen=True, kw_only=True)
class Means:
    """Loads and peaks in the window, over all hosts; null where there was no reading of it in the window."""

    host_cpu_percent: float | None
    """Mean load of a host; 100 is all of its processors."""

    host_memory_peak_bytes: float | None
    """Highest use of memory on any host, by all processes together."""

    rank_cpu_percent: float | None
    """Mean load of a rank; 100 is one processor."""

    rank_rss_peak_bytes: float | None
    """Highest resident memory of any rank."""

    gpu_utilisation_percent: float | None
    """Mean share of time in which a board ran at least one kernel; it says nothing about how full the board was."""

    gpu_memory_peak_bytes: float | None
    """Highest use of memory on any board."""

    gpu_power_w: float | None
    """Mean power of a board."""

    gpu_temperature_max_c: float | None
    """Highest temperature of any board."""

    gpu_throttled_share: float | None
    """Share of readings, 0 to 1, in which power or heat held a board's clocks down."""


@dataclass(frozen=True, kw_only=True)
class TelemetrySummary:
    """What is known about a run's window."""

    hosts: tuple[str, ...]
    """Hosts with a recording, sorted."""

    sources: tuple[SourceFact, ...]
    """Every source of every host."""

    energies: tuple[EnergyFact, ...]
    """One for each power source."""

    means: Means
    """Loads and peaks in the window."""

    problems: tuple[str, ...]
    """`code: sentence` for every recording that is missing, ends early or holds unreadable lines."""

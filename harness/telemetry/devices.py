"""The energy of each board and each RAPL domain of a host in a window.

A board's energy is the difference of its own counter; the integral of its power readings is the cross-check, and stands
in where there is no counter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from harness.telemetry.facts import DeviceEnergy
from harness.telemetry.integrate import Series, UnmeasuredError, Window, counter_delta, integral, quality, unwrap
from harness.telemetry.records import HostRecord
from harness.telemetry.trace import Trace

MAX_RELATIVE_GAP = 0.05
"""Counter and integral further apart than this share: one of the two is wrong."""

MIN_SAMPLES, MIN_HZ = 60, 1.0
"""What MLPerf asks of power readings (training_policies, power_measurement.adoc)."""

NEVER_READ = "power_not_given: the driver gives neither an energy counter nor power readings"

Method = Literal["counter", "integral"]


@dataclass(frozen=True, kw_only=True)
class Readings:
    """What was read of one device."""

    source: str
    """`nvml` or `rapl`."""

    device: str
    """UUID of the board, or name of the domain's folder."""

    counter_j: Series
    """The energy counter, rising."""

    power_w: Series
    """The power readings; none for RAPL."""

    refused: str | None = None
    """`code: sentence` where the readings are not this job's energy."""

    lost: str | None = None
    """`code: sentence` where the device vanished."""

    scope: str = "board"
    """What the power readings cover; the counter covers the board."""

    def energy_j(self, method: Method, window: Window) -> float:
        """Return the energy in a window by one method.

        Raises:
            UnmeasuredError: the readings do not give it.
        """
        return counter_delta(self.counter_j, window) if method == "counter" else integral(self.power_w, window)


def readings_of(trace: Trace) -> Iterator[Readings]:
    """Yield what was read of each device of a host that can give energy."""
    for board in _listed(trace, "nvml", "boards"):
        uuid = board["id"]
        lost = trace.lost.get(("nvml", uuid))
        shared = "mig_board_shared: the board is divided into MIG instances, and it measures itself as a whole only"
        yield Readings(
            source="nvml",
            device=uuid,
            counter_j=Series.of((time_s, mj / 1e3) for time_s, mj in trace.points("nvml", uuid, "energy_mj")),
            power_w=Series.of((time_s, mw / 1e3) for time_s, mw in trace.points("nvml", uuid, "power_mw")),
            refused=shared if board["shared"] else None,
            lost=f"gpu_lost: {lost}" if lost else None,
            scope=board["power"]["scope"],
        )
    for domain in _listed(trace, "rapl", "domains"):
        points = ((time_s, uj / 1e6) for time_s, uj in trace.points("rapl", domain["id"], "energy_uj"))
        yield Readings(
            source="rapl",
            device=domain["id"],
            counter_j=unwrap(Series.of(points), domain["range_uj"] / 1e6),
            power_w=Series.of(()),
        )


def _listed(trace: Trace, source: str, name: str) -> list[dict[str, Any]]:
    account = trace.sources.get(source, {})
    return list(account["facts"][name]) if account.get("available") else []


def device_energy(record: HostRecord, readings: Readings) -> DeviceEnergy:
    """Measure one device over the run's window."""
    window = record.window
    counter_j, counter_reason = _measured(counter_delta, readings.counter_j, window)
    integral_j, integral_reason = _measured(integral, readings.power_w, window)
    method = _method(readings, counter_j, integral_j)
    reason = readings.refused or readings.lost or counter_reason or integral_reason or NEVER_READ
    fact = DeviceEnergy(
        source=readings.source,
        host=record.trace.host,
        device=readings.device,
        energy_j=readings.energy_j(method, window) if method else None,
        reason=None if method else reason,
        method=method,
        counter_j=counter_j,
        integral_j=integral_j,
        relative_gap=_relative_gap(counter_j, integral_j) if readings.scope == "board" else None,
        quality=quality(readings.power_w if method == "integral" else readings.counter_j, window),
        cautions=(),
    )
    return replace(fact, cautions=tuple(_cautions(fact, readings, record)))


def _cautions(fact: DeviceEnergy, readings: Readings, record: HostRecord) -> Iterator[str]:
    """Yield the codes of what makes a value doubtful; a null has its reason instead."""
    if fact.method is None:
        return
    if record.clock_stepped:
        yield "clock_stepped"
    if fact.method == "integral" and readings.source == "nvml":
        yield "counter_unavailable"
    if readings.scope != "board":
        yield f"power_covers_{readings.scope}"
    if fact.relative_gap is not None and abs(fact.relative_gap) > MAX_RELATIVE_GAP:
        yield "counter_and_integral_disagree"
    if fact.quality.n_samples < MIN_SAMPLES:
        yield "fewer_than_60_samples"
    if fact.quality.n_samples < MIN_HZ * record.window.seconds:
        yield "less_than_1_sample_per_second"


def _relative_gap(counter_j: float | None, integral_j: float | None) -> float | None:
    return None if not counter_j or integral_j is None else (integral_j - counter_j) / counter_j


def _method(readings: Readings, counter_j: float | None, integral_j: float | None) -> Method | None:
    if readings.refused:
        return None
    if counter_j is not None:
        return "counter"
    return "integral" if integral_j is not None else None


def _measured(
    measure: Callable[[Series, Window], float], series: Series, window: Window
) -> tuple[float | None, str | None]:
    """Return what was measured, or `code: sentence` why not; neither where the device never gave a reading."""
    if not series.times_s:
        return None, None
    try:
        return measure(series, window), None
    except UnmeasuredError as error:
        return None, str(error)

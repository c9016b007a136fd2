"""What a run's telemetry says about the time between run_start and run_stop: energy, loads, and what was not measured.

An energy is null with a reason where it was not measured over the whole window, and a sum is null where one of its
parts is: never a silent zero, never a part for the whole. It covers boards (NVML) or processors and memory (RAPL), not
nodes, and is no MLPerf Power.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.telemetry.devices import device_energy, readings_of
from harness.telemetry.facts import DeviceEnergy, EnergyFact, Means, SourceFact, TelemetrySummary
from harness.telemetry.means import means_of
from harness.telemetry.power_log import write_power_logs
from harness.telemetry.records import HostRecord, read_records
from harness.telemetry.trace import Trace

__all__ = ["DeviceEnergy", "EnergyFact", "Means", "SourceFact", "TelemetrySummary", "summarise", "write_power_logs"]

POWER_SOURCES = ("nvml", "rapl")


def summarise(telemetry_dir: Path, *, start_ms: int, stop_ms: int) -> TelemetrySummary:
    """Summarise the recordings of a run.

    Args:
        telemetry_dir: folder with one file per host.
        start_ms: wall-clock time of run_start, in ms since 1970-01-01 UTC.
        stop_ms: wall-clock time of run_stop.

    Raises:
        ValueError: run_stop is before run_start.
    """
    records, problems = read_records(telemetry_dir, start_ms=start_ms, stop_ms=stop_ms)
    return TelemetrySummary(
        hosts=tuple(record.trace.host for record in records),
        sources=tuple(fact for record in records for fact in _source_facts(record.trace)),
        energies=tuple(_total(source, records) for source in POWER_SOURCES),
        means=means_of(records),
        problems=tuple(problems),
    )


def _source_facts(trace: Trace) -> Iterator[SourceFact]:
    for source in trace.sources:
        recorded = any(of_source == source for of_source, _, _ in trace.tracks)
        reason = _why_unavailable(trace, source)
        if not recorded and reason is None:
            reason = "no_samples: the recording holds no reading of it"
        yield SourceFact(
            source=source, host=trace.host, status="recorded" if recorded else "unavailable", reason=reason
        )


def _why_unavailable(trace: Trace, source: str) -> str | None:
    reason = trace.sources.get(source, {"reason": None})["reason"]
    return f"{reason['code']}: {reason['text']}" if reason else trace.lost.get((source, ""))


def _total(source: str, records: Sequence[HostRecord]) -> EnergyFact:
    devices = tuple(
        device_energy(record, readings)
        for record in records
        for readings in readings_of(record.trace)
        if readings.source == source
    )
    reason = _why_not_measured(source, records, devices)
    return EnergyFact(
        source=source,
        energy_j=None if reason else math.fsum(device.energy_j or 0.0 for device in devices),
        reason=reason,
        coverage=min((device.quality.coverage for device in devices), default=0.0),
        n_samples=min((device.quality.n_samples for device in devices), default=0),
        max_gap_s=max((device.quality.max_gap_s for device in devices), default=None),
        relative_gap=_relative_gap(devices),
        cautions=tuple(sorted({caution for device in devices for caution in device.cautions})),
        devices=devices,
    )


def _relative_gap(devices: Sequence[DeviceEnergy]) -> float | None:
    """Return (integral - counter) / counter of the sums; None where a device lacks one of the two."""
    if not devices or any(device.relative_gap is None for device in devices):
        return None
    counter_j = math.fsum(device.counter_j or 0.0 for device in devices)
    return (math.fsum(device.integral_j or 0.0 for device in devices) - counter_j) / counter_j


def _why_not_measured(source: str, records: Sequence[HostRecord], devices: Sequence[DeviceEnergy]) -> str | None:
    """Return the first reason why the sum over all hosts and devices would be a part only."""
    if not records:
        return "no_recording: there is no recording of any host"
    for record in records:
        if not any(device.host == record.trace.host for device in devices):
            return _why_unavailable(record.trace, source) or "not_recorded: the sampler did not ask for it"
    return next((f"{device.reason} ({device.device})" for device in devices if device.reason), None)

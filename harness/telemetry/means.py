"""Loads and peaks in a window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

from harness.telemetry.facts import Means
from harness.telemetry.integrate import Series
from harness.telemetry.records import HostRecord
from harness.telemetry.trace import UNRANKED

HELD_DOWN = 0x04 | 0x08 | 0x20 | 0x40 | 0x80
"""Bits of nvmlClocksEventReasons for power cap, slowdown, thermal slowdown (software, hardware) and power brake."""

Statistic = Callable[[Sequence[float]], float]


def means_of(records: Sequence[HostRecord]) -> Means:
    """Summarise the readings in each host's window."""
    power_mw = _over(records, "nvml", "power_mw", fmean, fmean)
    return Means(
        host_cpu_percent=_over(records, "host", "cpu_percent", fmean, fmean),
        host_memory_peak_bytes=_over(records, "host", "memory_used_bytes", max, max),
        rank_cpu_percent=_over(records, "ranks", "cpu_percent", fmean, fmean),
        rank_rss_peak_bytes=_over(records, "ranks", "rss_bytes", max, max),
        gpu_utilisation_percent=_over(records, "nvml", "utilisation_percent", fmean, fmean),
        gpu_memory_peak_bytes=_over(records, "nvml", "memory_used_bytes", max, max),
        gpu_power_w=None if power_mw is None else power_mw / 1e3,
        gpu_temperature_max_c=_over(records, "nvml", "temperature_c", max, max),
        gpu_throttled_share=_over(records, "nvml", "throttle_reasons", _share_held_down, fmean),
    )


def _over(
    records: Sequence[HostRecord], source: str, metric: str, of_item: Statistic, of_all: Statistic
) -> float | None:
    """Reduce a metric over the readings of each item in the window, then over the items of all hosts."""
    reduced = []
    for record in records:
        for item in _items(record, source, metric):
            values = Series.of(record.trace.points(source, item, metric)).inside(record.window)
            if values:
                reduced.append(of_item(values))
    return of_all(reduced) if reduced else None


def _items(record: HostRecord, source: str, metric: str) -> list[str]:
    """Return the items of a source; processes that are no rank count only where nothing is one."""
    items = record.trace.ids(source, metric)
    return [item for item in items if item != UNRANKED] or items


def _share_held_down(reasons: Sequence[float]) -> float:
    return fmean(bool(int(mask) & HELD_DOWN) for mask in reasons)

"""Power logs in the form that MLPerf's result summariser reads: `power/result_0/node_K.txt`.

They hold what boards (NVML) and processors (RAPL) say about themselves, each line labelled so; MLPerf Power asks for a
meter at the power supply. Readings are even, at least one a second, and each is the mean power since the one before it,
so that the summariser's sum of reading times duration is the energy of the run.
Source: training_policies, power_measurement.adoc; mlperf_logging/result_summarizer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from harness.files import write_whole
from harness.telemetry.devices import Method, Readings, device_energy, readings_of
from harness.telemetry.integrate import UnmeasuredError, Window
from harness.telemetry.records import HostRecord, read_records
from logging_spec.events import Event, EventType, format_line

MAX_SPACING_S = 1.0
LABEL = "not MLPerf Power: what boards and processors say about themselves, not a meter at the power supply"


def write_power_logs(telemetry_dir: Path, out_dir: Path, start_ms: int, stop_ms: int) -> list[Path]:
    """Write one power log for each node all of whose power sources were measured over the whole run.

    Args:
        telemetry_dir: folder with one recording per host.
        out_dir: folder for node_0.txt, node_1.txt …, numbered by host name; made where a log is written.
        start_ms: wall-clock time of run_start, in ms since 1970-01-01 UTC.
        stop_ms: wall-clock time of run_stop.

    Returns:
        The files written; none where no node has a power source.

    Raises:
        OSError: a log cannot be written.
    """
    records, _ = read_records(telemetry_dir, start_ms=start_ms, stop_ms=stop_ms)
    written = []
    for number, record in enumerate(records):
        events = _events(record, start_ms, stop_ms)
        if events:
            path = out_dir / f"node_{number}.txt"
            out_dir.mkdir(parents=True, exist_ok=True)
            write_whole(path, "".join(format_line(event) + "\n" for event in events).encode())
            written.append(path)
    return written


def _events(record: HostRecord, start_ms: int, stop_ms: int) -> list[Event]:
    metered = [(readings, device_energy(record, readings).method) for readings in readings_of(record.trace)]
    if not metered or stop_ms <= start_ms:
        return []
    try:
        powers_w = list(_mean_powers(metered, record.window))
    except UnmeasuredError:  # an uneven log would be read as an even one
        return []
    sources = sorted({readings.source for readings, _ in metered})
    metadata = {"host": record.trace.host, "sources": sources, "note": LABEL}

    def event(key: str, value: Any, time_ms: int, event_type: EventType = "POINT_IN_TIME") -> Event:
        return Event(key=key, value=value, time_ms=time_ms, event_type=event_type, metadata=metadata)

    readings = [
        event("power_reading", power_w, start_ms + round((stop_ms - start_ms) * number / len(powers_w)))
        for number, power_w in enumerate(powers_w, start=1)
    ]
    return [
        event("power_measurement_start", None, start_ms, "INTERVAL_START"),
        event("conversion_eff", 1.0, start_ms),  # what is measured lies behind the power supply
        *readings,
        event("power_measurement_stop", None, stop_ms, "INTERVAL_END"),
    ]


def _mean_powers(metered: Sequence[tuple[Readings, Method | None]], window: Window) -> Iterator[float]:
    """Yield the node's mean power in W over each of the even parts of the window.

    Raises:
        UnmeasuredError: a device was not measured in one of them.
    """
    parts = math.ceil(window.seconds / MAX_SPACING_S)
    edges_s = [window.start_s + window.seconds * number / parts for number in range(parts)] + [window.stop_s]
    for start_s, stop_s in pairwise(edges_s):
        part = Window(start_s=start_s, stop_s=stop_s)
        yield math.fsum(_energy_j(readings, method, part) for readings, method in metered) / part.seconds


def _energy_j(readings: Readings, method: Method | None, part: Window) -> float:
    if method is None:
        raise UnmeasuredError("device_not_measured", readings.device)
    return readings.energy_j(method, part)

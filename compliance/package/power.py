"""A power log: read once, its readings kept as times, and held to its own form and to the run that it is about.

Source of the form: mlperf_logging/result_summarizer; of rate and coverage: training_policies, power_measurement.adoc.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from compliance.finding import NOTHING, Finding, show
from compliance.package.archive import Member
from compliance.schemas import is_integer, is_number
from logging_spec.events import MAX_LINE_BYTES, TOKEN, LineError, parse_object

START, STOP, READING, EFFICIENCY, ESTIMATE = (
    "power_measurement_start", "power_measurement_stop", "power_reading", "conversion_eff", "interconnect_power_est",
)  # fmt: skip

MOST_READINGS = 1 << 22
"""Readings whose times are kept: seven weeks at one a second."""

MOST_FINDINGS = 20
"""Findings of one kind of fault that are worth reading in one log."""

_ADVICE = "write power logs with the program that samples, line by line, in W and in ms"


class PowerLog:
    """What a power log says."""

    def __init__(self) -> None:
        self.times_ms = array("q")
        self.lines = array("q")
        self.first_line: dict[str, int] = {}
        self.first_time_ms: dict[str, int] = {}
        self.last_line = 1
        self.findings: list[Finding] = []

    def add(self, rule: str, line: int, where: str, expected: str, found: str, advice: str = _ADVICE) -> None:
        """Keep a finding, up to a number that anyone reads."""
        if sum(finding.rule == rule for finding in self.findings) < MOST_FINDINGS:
            self.findings.append(
                Finding(rule=rule, line=line, where=where, expected=expected, found=found, advice=advice)
            )


def read(member: Member, at_most_w: float) -> PowerLog:
    """Read the power log of a node and judge its form.

    Raises:
        UnreadableError: the archive is damaged.
    """
    log, number = PowerLog(), 0
    while raw := member.readline(MAX_LINE_BYTES):
        number += 1
        log.last_line = number
        event = _event(raw, number, log)
        if event is not None:
            _take(event, number, log, at_most_w)
    for key in (START, EFFICIENCY, STOP):
        if key not in log.first_line:
            log.add("sciml-package-019", log.last_line, key, "once", NOTHING)
    if not log.times_ms:
        log.add("sciml-package-019", log.last_line, READING, "one each second", NOTHING)
    return log


def _event(raw: bytes, number: int, log: PowerLog) -> dict[str, Any] | None:
    try:
        text = raw.decode()
        if not text.endswith("\n"):
            raise LineError("a line without its end")
        before, token, after = text.partition(TOKEN)
        event = parse_object(after.strip()) if token and not before else None
    except (LineError, UnicodeDecodeError) as error:
        log.add("sciml-package-019", number, "line", "one whole event", show(str(error)))
        return None
    if event is None:
        log.add("sciml-package-019", number, "line", "one whole event", "text")
    elif not is_integer(event.get("time_ms")):
        log.add("sciml-package-019", number, "time_ms", "an integer in ms", show(event.get("time_ms")))
    elif not isinstance(event.get("metadata"), dict):
        log.add("sciml-package-019", number, "metadata", "an object", show(event.get("metadata")))
    else:
        return event
    return None


def _take(event: dict[str, Any], number: int, log: PowerLog, at_most_w: float) -> None:
    key, value, time_ms = event.get("key"), event.get("value"), event["time_ms"]
    if key == READING:
        _take_reading(value, event["metadata"], time_ms, number, log, at_most_w)
        return
    if key not in (START, STOP, EFFICIENCY):
        expected = f"one of {START}, {EFFICIENCY}, {READING}, {STOP}"
        log.add("sciml-package-019", number, "key", expected, show(key))
        return
    if key in log.first_line:
        log.add("sciml-package-019", number, key, f"once; it is in line {log.first_line[key]}", "another one")
    log.first_line.setdefault(key, number)
    log.first_time_ms.setdefault(key, time_ms)
    if key == EFFICIENCY and not (is_number(value) and 0 < value <= 1):
        log.add("sciml-package-019", number, key, "a number above 0, and at most 1", show(value))
    if key == STOP and log.times_ms and time_ms < log.times_ms[-1]:
        log.add("sciml-package-020", number, f"{key} time_ms", f"at least {log.times_ms[-1]}", str(time_ms))


def _take_reading(value: Any, metadata: Any, time_ms: int, number: int, log: PowerLog, at_most_w: float) -> None:
    if START not in log.first_line or STOP in log.first_line:
        log.add("sciml-package-019", number, READING, f"between {START} and {STOP}", "it outside")
    if not (is_number(value) and math.isfinite(value) and 0 < value <= at_most_w):
        log.add("sciml-package-021", number, READING, f"W above 0, and at most {at_most_w:g}", show(value))
    if metadata.get("unit", "W") != "W":
        log.add("sciml-package-021", number, f"{READING} metadata.unit", '"W"', show(metadata["unit"]))
    before = log.times_ms[-1] if log.times_ms else log.first_time_ms.get(START)
    if before is not None and (time_ms < before or (log.times_ms and time_ms == before)):
        expected = f"later than {before}, the time before it"
        log.add("sciml-package-020", number, f"{READING} time_ms", expected, str(time_ms))
    if len(log.times_ms) < MOST_READINGS:
        log.times_ms.append(time_ms)
        log.lines.append(number)


def check_run(log: PowerLog, start_ms: int, stop_ms: int, limits: dict[str, float]) -> Iterator[Finding]:
    """Hold the readings to the run: rate, gaps, and whether they cover it.

    Args:
        log: of a node.
        start_ms: time of run_start.
        stop_ms: time of run_stop.
        limits: of the rule set.
    """
    yield from _check_cover(log, start_ms, stop_ms, limits)
    at_most_s = limits["at_most_gap_s"] + limits["gap_slack_s"]
    found = 0
    readings = zip(pairwise(log.times_ms), log.lines[1:], strict=True)
    for (before_ms, after_ms), line in readings:
        if before_ms < stop_ms and after_ms > start_ms and after_ms - before_ms > at_most_s * 1000:
            found += 1
            if found <= MOST_FINDINGS:
                expected = f"at most {limits['at_most_gap_s']:g} s after the reading before"
                gap = f"{(after_ms - before_ms) / 1000:g} s"
                yield _at("sciml-package-022", line, READING, expected, gap, "sample at least once a second")
    inside = sum(start_ms <= time_ms <= stop_ms for time_ms in log.times_ms)
    if inside < limits["at_least_readings"]:
        expected = f"at least {limits['at_least_readings']:g} between run_start and run_stop"
        advice = "measure a longer run: a mean of few readings says little"
        yield _at("sciml-package-024", log.last_line, READING, expected, str(inside), advice)


def _check_cover(log: PowerLog, start_ms: int, stop_ms: int, limits: dict[str, float]) -> Iterator[Finding]:
    slack_ms = limits["edge_slack_s"] * 1000
    gap_ms = limits["at_most_gap_s"] * 1000 + slack_ms
    if not log.times_ms or START not in log.first_line or STOP not in log.first_line:
        return  # that they are missing is found already
    began_ms, ended_ms = log.first_time_ms[START], log.first_time_ms[STOP]
    advice = "start to sample before the run and stop after it, on the clock of the log"
    if began_ms > start_ms + slack_ms or min(log.times_ms) > start_ms + gap_ms:
        found = f"the first reading at {min(log.times_ms)} of a measurement from {began_ms}"
        yield _at(
            "sciml-package-023", log.first_line[START], START, f"readings from run_start, {start_ms}", found, advice
        )
    if ended_ms < stop_ms - slack_ms or max(log.times_ms) < stop_ms - gap_ms:
        found = f"the last reading at {max(log.times_ms)} of a measurement to {ended_ms}"
        yield _at("sciml-package-023", log.first_line[STOP], STOP, f"readings to run_stop, {stop_ms}", found, advice)


def _at(rule: str, line: int, where: str, expected: str, found: str, advice: str) -> Finding:
    return Finding(rule=rule, line=line, where=where, expected=expected, found=found, advice=advice)

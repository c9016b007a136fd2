"""Every check there is, in one table.

A check is a pure function: `check_x(event, story, rules)` looks at one event and at what the log has told before it,
`check_x(story, rules)` at the whole log when it has ended. Both yield findings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from compliance.checks import benchmark, clock, conditions, keys, order, quality
from compliance.event import LoggedEvent
from compliance.finding import Finding
from compliance.rules import Ruleset
from compliance.story import Story

EventCheck = Callable[[LoggedEvent, Story, Ruleset], Iterator[Finding]]
LogCheck = Callable[[Story, Ruleset], Iterator[Finding]]

EVERY_KEY: tuple[str, ...] = ()
"""The check looks at every event, also at those whose key nobody knows."""

EVENT_CHECKS: tuple[tuple[EventCheck, tuple[str, ...]], ...] = (
    (clock.check_order, EVERY_KEY),
    (keys.check_event, EVERY_KEY),
    (order.check_place, EVERY_KEY),
    (conditions.check_event, EVERY_KEY),
    (clock.check_limits, EVERY_KEY),
    (quality.check_metric_once, EVERY_KEY),
    (order.check_epoch_named, EVERY_KEY),
    (order.check_epoch_number, ("epoch_start",)),
    (clock.check_throughput, ("epoch_stop",)),
    (clock.check_run, ("run_stop",)),
    (clock.check_inference, ("inference_stop",)),
    (quality.check_schedule, ("epoch_start", "eval_start", "run_stop")),
    (quality.check_metric, ("eval_stop",)),
)
"""Checks of events, and the keys that each looks at."""

LOG_CHECKS: tuple[LogCheck, ...] = (
    keys.check_events_present,
    keys.check_keys_present,
    conditions.check_facts,
    quality.check_target,
    quality.check_status,
    quality.check_aborted,
    quality.check_baselines,
    quality.check_margin,
    order.check_inference_stops,
    benchmark.check_benchmark,
    benchmark.check_target,
    benchmark.check_dataset,
    benchmark.check_model,
    benchmark.check_known,
)
"""Checks of the whole log."""

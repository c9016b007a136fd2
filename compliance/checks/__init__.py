"""Every check there is, in one table.

A check is a pure function: `check_x(event, story, rules)` looks at one event and at what the log has told before it,
`check_x(story, rules)` at the whole log when it has ended. Both return findings. Most are generators; those that look
at every event are plain functions, because most events are without fault, and an empty tuple costs less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from compliance.checks import benchmark, clock, conditions, keys, order, quality
from compliance.event import LoggedEvent
from compliance.finding import Finding
from compliance.rules import Ruleset
from compliance.story import Story

EventCheck = Callable[[LoggedEvent, Story, Ruleset], Iterable[Finding]]
LogCheck = Callable[[Story, Ruleset], Iterable[Finding]]
Concerns = Callable[[str, Ruleset], bool]
"""Whether a check has anything to look for in the events of a key."""


def _of_every_key(_key: str, _rules: Ruleset) -> bool:
    return True


def _of(*keys: str) -> Concerns:
    return lambda key, _rules: key in keys


EVENT_CHECKS: tuple[tuple[EventCheck, Concerns], ...] = (
    (clock.check_order, _of_every_key),
    (keys.check_event, _of_every_key),
    (order.check_place, order.has_a_place),
    (conditions.check_event, conditions.are_of_events),
    (clock.check_limits, clock.is_limited),
    (quality.check_metric_once, quality.is_of_evaluations),
    (order.check_epoch_named, order.is_of_epochs),
    (order.check_epoch_number, _of("epoch_start")),
    (clock.check_throughput, _of("epoch_stop")),
    (clock.check_run, _of("run_stop")),
    (clock.check_inference, _of("inference_stop")),
    (quality.check_schedule, _of("epoch_start", "eval_start", "run_stop")),
    (quality.check_metric, _of("eval_stop")),
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


def checks_of(key: str, rules: Ruleset) -> tuple[EventCheck, ...]:
    """Return the checks that look at the events of a key."""
    return tuple(check for check, concerns in EVENT_CHECKS if concerns(key, rules))

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

ALWAYS: tuple[str, ...] = ()
"""The check looks for faults of several kinds, or for those that the data of the rule set name."""


def _of_every_key(_key: str, _rules: Ruleset) -> bool:
    return True


def _of(*keys: str) -> Concerns:
    return lambda key, _rules: key in keys


EVENT_CHECKS: tuple[tuple[EventCheck, Concerns, tuple[str, ...]], ...] = (
    (clock.check_order, _of_every_key, ("time-001",)),
    (keys.check_event, keys.is_known, ALWAYS),
    (keys.check_spelling, keys.is_unknown, ("key-003",)),
    (order.check_place, order.has_a_place, ALWAYS),
    (conditions.check_event, conditions.are_of_events, ALWAYS),
    (conditions.note_sought, conditions.is_sought, ALWAYS),
    (clock.check_limits, clock.is_limited, ALWAYS),
    (quality.check_metric_once, quality.is_of_evaluations, ("eval-002",)),
    (order.check_epoch_named, order.is_of_epochs, ("order-006",)),
    (order.check_epoch_number, _of("epoch_start"), ("order-005",)),
    (clock.check_throughput, _of("epoch_stop"), ("time-004",)),
    (clock.check_run, _of("run_stop"), ("time-002",)),
    (clock.check_inference, _of("inference_stop"), ("time-006",)),
    (quality.check_schedule, _of("epoch_start", "eval_start", "run_stop"), ("eval-001",)),
    (quality.check_metric, _of("eval_stop"), ("eval-002",)),
)
"""Checks of events, the keys that each looks at, and the faults that it looks for."""

LOG_CHECKS: tuple[tuple[LogCheck, tuple[str, ...]], ...] = (
    (keys.check_events_present, ("file-001",)),
    (keys.check_keys_present, ALWAYS),
    (keys.check_judged_by, ("key-011",)),
    (conditions.check_facts, ALWAYS),
    (conditions.check_sought, ALWAYS),
    (quality.check_target, ("target-001",)),
    (quality.check_status, ("target-002",)),
    (quality.check_aborted, ("target-003",)),
    (quality.check_baselines, ("target-005",)),
    (quality.check_margin, ("target-006",)),
    (order.check_inference_stops, ("order-007",)),
    (benchmark.check_benchmark, ("identity-001",)),
    (benchmark.check_target, ("target-004",)),
    (benchmark.check_dataset, ("identity-002",)),
    (benchmark.check_model, ("identity-004",)),
    (benchmark.check_known, ("identity-005",)),
)
"""Checks of the whole log, and the faults that each looks for."""


def checks_of(key: str, rules: Ruleset) -> tuple[EventCheck, ...]:
    """Return the checks that look at the events of a key for faults that the rule set asks for."""
    return tuple(check for check, concerns, faults in EVENT_CHECKS if rules.asks_for(faults) and concerns(key, rules))


def log_checks(rules: Ruleset) -> tuple[LogCheck, ...]:
    """Return the checks that look at the whole log for faults that the rule set asks for."""
    return tuple(check for check, faults in LOG_CHECKS if rules.asks_for(faults))

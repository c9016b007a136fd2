"""Findings on a log that is still being written and that nothing can take back, whatever is logged from now on.

What is found on a line or an event stays found, because the lines before it are written. Of what is found on the log as
a whole, this holds for facts that can no longer change, and for keys whose part of the log is over; that the target was
not reached, say, may still be mended. A test continues logs in all kinds of ways and looks whether a finding ever goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from compliance.checks import LogCheck, benchmark, conditions, keys
from compliance.finding import Finding
from compliance.rules import Ruleset
from compliance.story import Story

FACT_CHECKS: tuple[tuple[LogCheck, tuple[str, ...]], ...] = (
    (conditions.check_settled_facts, ()),
    (benchmark.check_benchmark, ()),
    (benchmark.check_dataset, ()),
    (benchmark.check_model, ()),
    (benchmark.check_target, ("hyperparameters",)),  # they name the model, which may have a target of its own
)
"""Checks of facts that stand once, and the keys without which the answer may still change."""


def check_lasting(story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Name what is wrong with the facts so far, and with the parts of the log that are over, by rule."""
    for check, needed in FACT_CHECKS:
        if all(key in story.first for key in needed):
            yield from _named(check(story, rules), rules)
    yield from _named(_missing_for_good(story, rules), rules)


def _named(findings: Iterable[Finding], rules: Ruleset) -> Iterator[Finding]:
    return (named for finding in findings if (named := rules.named(finding)) is not None)


def _missing_for_good(story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Name needed keys that can only come too late. One that does is out of its place, and so an error all the same."""
    ahead = rules.life_cycle.reachable(story.state)
    for finding in keys.check_keys_present(story, rules):
        known = rules.keys.get(finding.where)  # there is none where one of several keys is asked for
        over = known is not None and known.states is not None and known.states.isdisjoint(ahead)
        if over and _late_is_an_error(finding.where, rules):
            yield finding


def _late_is_an_error(key: str, rules: Ruleset) -> bool:
    """Say whether a key that comes after its part of the log is over breaks a rule that is an error."""
    transition = rules.life_cycle.transitions.get(key)
    own = (transition.rule,) if transition else ("order-002", "order-004")
    faults = [fault for fault in (*own, "order-003") if fault is not None]
    if len(faults) <= len(own):
        return False  # conditions say where the key may stand
    named = (fault if fault in rules.rules else f"{rules.prefix}{rules.aliases.get(fault, fault)}" for fault in faults)
    return all(rule in rules.rules and rules.rules[rule].severity == "error" for rule in named)

"""The conditions of the rule set: those of events as each is read, those of facts when all facts are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from compliance.conditions import ABSENT, Condition
from compliance.event import LoggedEvent
from compliance.finding import NOTHING, Finding, show
from compliance.rules import Ruleset
from compliance.story import Story

PLAIN = frozenset({"value", "line", "count", "elapsed_s", "since_latest_s"})
"""Fields that a message does not name."""


def are_of_events(key: str, rules: Ruleset) -> bool:
    """Say whether there are conditions on each event of a key; most of those on a fact wait for the end of the log."""
    at_once = any(condition.at_once for condition in rules.conditions.get(key, ()))
    return at_once or (key in rules.conditions and not rules.keys[key].single)


def check_event(event: LoggedEvent, story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Hold an event of a key that may stand often to the conditions on it."""
    often = event.sound and not rules.keys[event.key].single
    for condition in rules.conditions[event.key]:
        if (condition.at_once or often) and condition.broken(event, story):
            yield _finding(condition, event, story)


def check_facts(story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Hold the facts that stand once to the conditions on them, in whatever order they were logged."""
    for condition, event in _broken(story, rules):
        yield _finding(condition, event, story)


def check_settled_facts(story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Do the same where no later event can change the answer."""
    for condition, event in _broken(story, rules):
        if condition.settled(event, story):
            yield _finding(condition, event, story)


def _broken(story: Story, rules: Ruleset) -> Iterator[tuple[Condition, LoggedEvent]]:
    for key, conditions in rules.conditions.items():
        event = story.first.get(key)
        if event is not None and rules.keys[key].single:
            for condition in conditions:
                if not condition.at_once and condition.broken(event, story):
                    yield condition, event


def is_sought(key: str, rules: Ruleset) -> bool:
    """Say whether some event of a key has to be of a kind."""
    return any(wish.key == key for wish in rules.sought)


def note_sought(event: LoggedEvent, story: Story, rules: Ruleset) -> Iterable[Finding]:
    """Note the events of which one has to be there; that none was there is only known at the end."""
    for wish in rules.sought:
        if wish.key == event.key and wish.rule not in story.met and wish.accepts(event.value):
            story.met.add(wish.rule)
    return ()


def check_sought(story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Name each kind of event of which the log should hold one, and does not."""
    for wish in rules.sought:
        if story.counts[wish.key] and wish.rule not in story.met:
            latest = story.latest[wish.key]
            yield Finding(
                rule=wish.rule,
                line=latest.line,
                where=wish.key,
                expected=wish.expected,
                found=f"{show(latest.value)} here, and none that is so before",
                advice=wish.advice,
            )


def _finding(condition: Condition, event: LoggedEvent, story: Story) -> Finding:
    left, right = condition.must.left, condition.must.right
    at = left.subject(event, story) or event
    found = left.value(event, story)
    return Finding(
        rule=condition.rule,
        line=at.line,
        where=at.key if left.field in PLAIN else f"{at.key} {left.field}",
        expected=condition.expected.replace("{}", show(right.value(event, story))),
        found=NOTHING if found is ABSENT else show(found),
        advice=condition.advice,
    )

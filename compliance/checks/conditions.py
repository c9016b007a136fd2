"""The conditions of the rule set: those of events as each is read, those of facts when all facts are known."""

from __future__ import annotations

from collections.abc import Iterator

from compliance.conditions import ABSENT, Condition
from compliance.event import LoggedEvent
from compliance.finding import NOTHING, Finding, show
from compliance.rules import Ruleset
from compliance.story import Story


def check_event(event: LoggedEvent, story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Hold an event of a key that may stand often to the conditions on it."""
    conditions = rules.conditions.get(event.key, ())
    if conditions and event.sound and not rules.keys[event.key].single:
        for condition in conditions:
            if condition.broken(event, story):
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
                if condition.broken(event, story):
                    yield condition, event


def _finding(condition: Condition, event: LoggedEvent, story: Story) -> Finding:
    left, right = condition.must.left, condition.must.right
    at = left.subject(event, story) or event
    found = left.value(event, story)
    return Finding(
        rule=condition.rule,
        line=at.line,
        where=at.key if left.field == "value" else f"{at.key} {left.field}",
        expected=condition.expected.replace("{}", show(right.value(event, story))),
        found=NOTHING if found is ABSENT else show(found),
        advice=condition.advice,
    )

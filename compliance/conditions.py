"""Conditions between facts of a log, as rule sets state them: two operands, one of a few operators, a few guards.

An operand is one of
    {"const": 1}                                    the value itself
    {"field": "metadata.epoch_num"}                 of the event that is looked at; "line" is its line
    {"first": "train_samples", "field": "value"}    of the first event with that key
    {"latest": "epoch_start", "field": …}           of the latest event with that key, up to the one looked at
    {"product": [operand, operand]}
    {"ceil_div": [operand, operand]}                the quotient, rounded up to an integer
    {"quotient": [operand, operand]}                the quotient
    {"count": "init_start"}                         of the events with that key so far, sound or not
    {"elapsed_s": "init_start"}                     seconds since the first event with that key, sound or not
    {"since_latest_s": "epoch_start"}               seconds since the latest one
An operand that the log does not hold is absent. A comparison with something absent holds, because that it is missing
is another rule's business; `given` alone asks for presence.

Operands are turned into functions when a rule set is loaded; the functions are ours, and only their arguments are data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from compliance.event import LoggedEvent, seconds_between
from compliance.schemas import is_number, same
from compliance.story import Story

Value = Callable[[LoggedEvent, Story], Any]
"""Looks an operand up for an event in its story."""

Settled = Callable[[LoggedEvent, Story], bool]
"""Says of an operand for an event in its story whether no later event can change it."""

ABSENT = object()
"""The operand is not in the log."""


@dataclass(frozen=True, kw_only=True)
class Operand:
    """One side of a comparison."""

    field: str
    """Where it stands in its event: `value`, `metadata.epoch_num`."""

    subject: Callable[[LoggedEvent, Story], LoggedEvent | None]
    """The event in which it stands."""

    value: Value
    """What it is, or ABSENT."""

    settled: Settled
    """Whether no later event can change what it is."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two operands and an operator."""

    left: Operand
    """What is judged."""

    holds_for: Callable[[Any, Any], bool]
    """One of `OPERATORS`."""

    right: Operand
    """What it is compared with."""

    def holds(self, event: LoggedEvent, story: Story) -> bool:
        """Say whether the comparison holds for an event in its story."""
        return self.holds_for(self.left.value(event, story), self.right.value(event, story))

    def settled(self, event: LoggedEvent, story: Story) -> bool:
        """Say whether no later event can change whether it holds."""
        return self.left.settled(event, story) and self.right.settled(event, story)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A comparison that has to hold for every event of a key, or for the one event of a fact."""

    rule: str
    """Rule that is broken where it does not hold."""

    at_once: bool
    """Whether it is asked of every event as it is read; else of sound events, and of facts when all are known."""

    when: tuple[Comparison, ...]
    """Guards: the condition asks for nothing where one of them does not hold."""

    must: Comparison
    """What has to hold."""

    expected: str
    """Words for the right operand, which stands in them as {}."""

    advice: str
    """What to do about it."""

    def broken(self, event: LoggedEvent, story: Story) -> bool:
        """Say whether an event breaks the condition."""
        return not self.must.holds(event, story) and all(guard.holds(event, story) for guard in self.when)

    def settled(self, event: LoggedEvent, story: Story) -> bool:
        """Say whether no later event can change whether an event breaks the condition."""
        return all(comparison.settled(event, story) for comparison in (self.must, *self.when))


def condition(data: dict[str, Any]) -> Condition:
    """Make a condition from a rule set's data, which match ruleset.schema.json."""
    return Condition(
        rule=data["rule"],
        at_once=data.get("at_once", False),
        when=tuple(_comparison(guard) for guard in data.get("when", ())),
        must=_comparison(data["must"]),
        expected=data["expected"],
        advice=data["advice"],
    )


def _comparison(data: dict[str, Any]) -> Comparison:
    right = _operand(data.get("right", {"const": None}))
    return Comparison(left=_operand(data["left"]), holds_for=OPERATORS[data["op"]], right=right)


def _operand(data: dict[str, Any]) -> Operand:
    field = data.get("field", "value")
    if "const" in data:
        return Operand(field=field, subject=_itself, value=lambda _event, _story: data["const"], settled=_always)
    for name, combine in COMBINE.items():
        if name in data:
            left, right = (_operand(part) for part in data[name])
            value = _combined(combine, left.value, right.value)
            return Operand(field=field, subject=_itself, value=value, settled=_both(left.settled, right.settled))
    for name, look_up in OF_KEYS.items():
        if name in data:
            settled = _settled({"earliest": data[name]} if name == "elapsed_s" else {"latest": data[name]})
            return Operand(field=name, subject=_itself, value=partial(look_up, data[name]), settled=settled)
    subject, path = _subject(data), field.split(".")

    def looked_up(event: LoggedEvent, story: Story) -> Any:
        source = subject(event, story)
        if source is not None and path == ["line"]:
            return source.line
        return _at(path, source) if source is not None and source.sound else ABSENT

    return Operand(field=field, subject=subject, value=looked_up, settled=_settled(data))


def _subject(data: dict[str, Any]) -> Callable[[LoggedEvent, Story], LoggedEvent | None]:
    if "latest" in data:
        return lambda _event, story: story.latest.get(data["latest"])
    return (lambda _event, story: story.first.get(data["first"])) if "first" in data else _itself


def _settled(data: dict[str, Any]) -> Settled:
    """A latest event may be followed by another one; a first one stays the first, once it is there."""
    if "latest" in data:
        return lambda _event, _story: False
    if "earliest" in data:
        return lambda _event, story: data["earliest"] in story.earliest
    return (lambda _event, story: data["first"] in story.first) if "first" in data else _always


def _both(left: Settled, right: Settled) -> Settled:
    return lambda event, story: left(event, story) and right(event, story)


def _always(_event: LoggedEvent, _story: Story) -> bool:
    return True


def _itself(event: LoggedEvent, _story: Story) -> LoggedEvent:
    return event


def _at(path: list[str], event: LoggedEvent) -> Any:
    found: Any = event.value if path[0] == "value" else event.metadata
    for part in path[1:]:
        if not isinstance(found, dict) or part not in found:
            return ABSENT
        found = found[part]
    return found


def _combined(combine: Callable[[Any, Any], Any], left: Value, right: Value) -> Value:
    def value(event: LoggedEvent, story: Story) -> Any:
        one, other = left(event, story), right(event, story)
        return combine(one, other) if is_number(one) and is_number(other) else ABSENT

    return value


def _product(left: Any, right: Any) -> Any:
    return left * right


def _ceil_div(left: Any, right: Any) -> Any:
    return -(-left // right) if right else ABSENT


def _ordered(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: not (is_number(left) and is_number(right)) or holds(left, right)


def _quotient(left: Any, right: Any) -> Any:
    return left / right if right else ABSENT


def _count(key: str, _event: LoggedEvent, story: Story) -> int:
    return story.counts[key]


def _elapsed_s(key: str, event: LoggedEvent, story: Story) -> Any:
    return seconds_between(story.earliest[key], event) if key in story.earliest else ABSENT


def _since_latest_s(key: str, event: LoggedEvent, story: Story) -> Any:
    return seconds_between(story.latest[key], event) if key in story.latest else ABSENT


COMBINE: dict[str, Callable[[Any, Any], Any]] = {"product": _product, "ceil_div": _ceil_div, "quotient": _quotient}

OF_KEYS: dict[str, Callable[[str, LoggedEvent, Story], Any]] = {
    "count": _count,
    "elapsed_s": _elapsed_s,
    "since_latest_s": _since_latest_s,
}
"""Operands that look at a key and not at a field."""

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "equal": lambda left, right: left is ABSENT or right is ABSENT or same(left, right),
    "differs": lambda left, right: left is ABSENT or right is ABSENT or not same(left, right),
    "given": lambda left, _: left is not ABSENT and left is not None,
    "at_least": _ordered(lambda left, right: left >= right),
    "at_most": _ordered(lambda left, right: left <= right),
    "above": _ordered(lambda left, right: left > right),
    "below": _ordered(lambda left, right: left < right),
}

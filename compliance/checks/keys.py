"""Each event against its key, and the log against the keys that it has to hold."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from functools import lru_cache

from compliance.event import LoggedEvent
from compliance.finding import NOTHING, Finding, name
from compliance.registry import KeyRule
from compliance.rules import Ruleset
from compliance.schemas import same
from compliance.story import Story
from logging_spec.events import EVENT_TYPES

RESEMBLANCE = 0.85
"""Share of letters in common from which an unknown key is taken for a misspelling, as difflib measures it."""

LONGEST_KEY = 64
"""Characters up to which a key can be a misspelling of one of ours."""


def is_known(key: str, rules: Ruleset) -> bool:
    """Say whether a key is in the registry."""
    return key in rules.keys


def is_unknown(key: str, rules: Ruleset) -> bool:
    """Say whether a key is in no registry, and may be a misspelling."""
    return key not in rules.keys


def check_event(event: LoggedEvent, story: Story, rules: Ruleset) -> Iterable[Finding]:
    """Compare an event with what its key asks for."""
    known = rules.keys[event.key]
    if event.sound and event.event_type == known.event_type and not (known.single and story.counts[event.key]):
        return ()
    return _faults(event, known, story)


def check_judged_by(story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Refuse a log that says too late what it has to be judged by."""
    said = {key: event.value for key in rules.selectors if (event := story.earliest.get(key)) is not None}
    facts = {key: value for key, value in said.items() if isinstance(value, str)}
    chosen = rules.chosen(rules.facts)
    # What the rules were told by a line that is no event stands, where no event says otherwise.
    if rules.chosen({**rules.facts, **facts}) != chosen:
        other = [key for key, value in facts.items() if rules.facts.get(key) != value]
        alone = [key for key in other if rules.chosen({**rules.facts, key: facts[key]}) != chosen]
        late = max((story.earliest[key] for key in alone or other), key=lambda event: event.line)
        yield Finding(
            rule="key-011",
            line=late.line,
            where=late.key,
            expected="it in a whole event in the first mebibyte of events",
            found="it elsewhere",
            advice="log what the run is before its progress",
        )


def _faults(event: LoggedEvent, known: KeyRule, story: Story) -> Iterator[Finding]:
    if event.event_type != known.event_type and event.event_type in EVENT_TYPES:
        yield Finding(
            rule="event-003",
            line=event.line,
            where=f"{event.key} event_type",
            expected=known.event_type,
            found=event.event_type,
            advice="use start() for keys that end in _start, end() for _stop, point() for all others",
        )
    if not event.sound:
        yield from _unsound(event, known)
    if known.single and story.counts[event.key]:
        repeated = same(event.value, story.earliest[event.key].value)
        yield Finding(
            rule="key-010" if repeated else "key-005",
            line=event.line,
            where=event.key,
            expected="one event in the log",
            found=f"another one; the one before is in line {story.latest[event.key].line}",
            advice="log it once, from one rank",
        )


def check_events_present(story: Story, _rules: Ruleset) -> Iterator[Finding]:
    """Refuse a log in which there is nothing to look at."""
    if not story.events:
        yield Finding(
            rule="file-001",
            line=max(1, story.lines),
            where="file",
            expected="events",
            found=f"none in {story.lines} lines",
            advice="check that this is the log of a run",
        )


def check_keys_present(story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Name every needed key that is missing, where it would have had to stand at the latest.

    Of a part of the log that was never reached, only the event is named that leads into it.
    """
    reached = {*story.left, story.state}
    for key, known in rules.keys.items() if story.events else ():
        absent = (known.needed or known.wanted) and not story.counts[key]
        if absent and (known.states is None or known.states & reached):
            places = [story.left[state] for state in known.states or () if state in story.left]
            where = f", {rules.life_cycle.words(known.states)}" if known.states else ""
            yield Finding(
                rule="key-004" if known.needed else "key-009",
                line=max(places, default=story.lines),
                where=key,
                expected=f"{'one event' if known.single else 'at least one event'}{where}",
                found=NOTHING,
                advice=f"log it: {known.text}",
            )
    for keys in rules.alternatives if story.events else ():
        if not any(story.counts[key] for key in keys):
            yield Finding(
                rule="key-004",
                line=story.lines,
                where=" or ".join(keys),
                expected="at least one event",
                found=NOTHING,
                advice=f"log it: {rules.keys[keys[0]].text}",
            )


def _unsound(event: LoggedEvent, known: KeyRule) -> Iterator[Finding]:
    from compliance.mismatch import mismatches

    parts = (
        ("key-001", "value", known.value_schema, event.value),
        ("key-007", "value", known.strict_value_schema, event.value),
        ("key-002", "metadata", known.metadata_schema, event.metadata),
        ("key-008", "metadata", known.strict_metadata_schema, event.metadata),
    )
    faulty = set()
    for rule, part, schema, content in parts:
        for fault in mismatches(schema, content) if schema and part not in faulty else ():
            faulty.add(part)
            yield Finding(
                rule=rule,
                line=event.line,
                where=f"{event.key} {part}{'.' if fault.path else ''}{fault.path}",
                expected=fault.expected,
                found=fault.found,
                advice=f"log what the key stands for: {known.text}",
            )


def check_spelling(event: LoggedEvent, _story: Story, rules: Ruleset) -> Iterable[Finding]:
    """Compare a key that is not in the registry with those that are."""
    near = _resembled(event.key, rules.names) if len(event.key) <= LONGEST_KEY else None
    if near is None:
        return ()
    return (
        Finding(
            rule="key-003",
            line=event.line,
            where="key",
            expected=near,
            found=name(event.key),
            advice="correct the spelling; unknown keys are ignored",
        ),
    )


@lru_cache(maxsize=256)
def _resembled(key: str, names: tuple[frozenset[str], frozenset[str]]) -> str | None:
    """Return the known key, the first of `names`, of which a key is a misspelling; the second are no misspellings."""
    known, foreign = names
    near = () if key in foreign else difflib.get_close_matches(key, sorted(known), 1, RESEMBLANCE)
    return near[0] if near else None

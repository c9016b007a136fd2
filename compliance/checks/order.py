"""The order of the log: the life cycle, the part in which each event stands, and the numbers of the epochs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from compliance.event import LoggedEvent
from compliance.finding import NOTHING, Finding, show
from compliance.life_cycle import LifeCycle
from compliance.rules import Ruleset
from compliance.story import Story


def has_a_place(key: str, rules: Ruleset) -> bool:
    """Say whether a key may stand in some states alone."""
    return key in rules.keys and rules.keys[key].states is not None


def check_place(event: LoggedEvent, story: Story, rules: Ruleset) -> Iterable[Finding]:
    """Compare the place of an event with the states in which its key may stand."""
    known = rules.keys[event.key]
    states, life_cycle = known.states, rules.life_cycle
    transition = life_cycle.transitions.get(event.key)
    if states is None or (transition is None and story.state in states):
        return ()
    if known.single and story.counts[event.key]:
        return ()  # a fact that is repeated is key-005, wherever it stands
    if transition is None:
        return (_misplaced(event, "order-004", states, story, life_cycle),)
    if transition.rule is None or life_cycle.allows(story.state, event):
        return ()
    return (_misplaced(event, transition.rule, states, story, life_cycle),)


def _misplaced(event: LoggedEvent, rule: str, states: frozenset[str], story: Story, life_cycle: LifeCycle) -> Finding:
    of_the_run = states <= life_cycle.window and event.key != "run_stop"
    outside = of_the_run and story.state not in life_cycle.window
    unopened = story.state == life_cycle.between and event.key in life_cycle.homes
    since = f" ({story.entered.key} is in line {story.entered.line})" if story.entered else ""
    return Finding(
        rule="order-003" if outside else "order-002" if unopened else rule,
        line=event.line,
        where=event.key,
        expected=f"it {life_cycle.words(states)}",
        found=f"it {life_cycle.states[story.state]}{since}",
        advice="log it where it happens, and log what has to stand before it",
    )


def check_epoch_number(event: LoggedEvent, story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Compare the number of an epoch with that of the epoch before it; what follows the run is no epoch of it."""
    if not event.sound or "run_stop" in story.first:
        return
    resumed = story.first.get("resumed_from_epoch")
    if rules.life_cycle.rising:
        if story.epoch_num is not None and event.metadata["epoch_num"] <= story.epoch_num:
            yield _epoch_number(event, f"more than {story.epoch_num}, the epoch before")
        return
    if story.epoch_num is not None:
        allowed = [story.epoch_num + 1]
    else:  # a checkpoint inside an epoch is continued in that epoch
        allowed = [1] if resumed is None else [resumed.value, resumed.value + 1]
    if event.metadata["epoch_num"] not in allowed:
        yield _epoch_number(event, " or ".join(map(str, allowed)))


def _epoch_number(event: LoggedEvent, expected: str) -> Finding:
    return Finding(
        rule="order-005",
        line=event.line,
        where="epoch_start metadata.epoch_num",
        expected=expected,
        found=show(event.metadata["epoch_num"]),
        advice="count epochs from 1 without a gap, or log resumed_from_epoch",
    )


def is_of_epochs(key: str, rules: Ruleset) -> bool:
    """Say whether the events of a key may name an epoch that is not their own."""
    return has_a_place(key, rules) and key != "epoch_start"


def check_epoch_named(event: LoggedEvent, story: Story, rules: Ruleset) -> Iterable[Finding]:
    """Compare the epoch that an event names with the epoch that is open, or that is being evaluated."""
    named, epoch_num = event.metadata.get("epoch_num"), story.epoch_num
    if named is None or epoch_num is None or named == epoch_num:
        return ()
    if not event.sound or story.state not in (rules.keys[event.key].states or ()):
        return ()
    return (
        Finding(
            rule="order-006",
            line=event.line,
            where=f"{event.key} metadata.epoch_num",
            expected=f"{story.epoch_num}, the epoch that it stands in or after",
            found=show(named),
            advice="log an event in the epoch, or the evaluation, that it speaks of",
        ),
    )


def check_inference_stops(story: Story, _rules: Ruleset) -> Iterator[Finding]:
    """Look for the end of an inference that started after the run."""
    start = story.first.get("inference_start")
    if start is not None and "inference_stop" not in story.first:
        yield Finding(
            rule="order-007",
            line=story.lines,
            where="inference_stop",
            expected=f"it after inference_start in line {start.line}",
            found=NOTHING,
            advice="log it when the inference ends; a log without it was cut off",
        )

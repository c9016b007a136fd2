"""The order of the log: the life cycle, the part in which each event stands, and the numbers of the epochs."""

from __future__ import annotations

from collections.abc import Iterator

from compliance.event import LoggedEvent
from compliance.finding import NOTHING, Finding, show
from compliance.rules import Ruleset
from compliance.story import Story


def check_place(event: LoggedEvent, story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Compare the place of an event with the states in which its key may stand."""
    known = rules.keys.get(event.key)
    if known is None or known.states is None or (known.single and story.counts[event.key]):
        return  # a fact that is repeated is sciml-key-005, wherever it stands
    life_cycle = rules.life_cycle
    transition = life_cycle.transitions.get(event.key)
    if life_cycle.allows(story.state, event) if transition else story.state in known.states:
        return
    of_the_run = known.states <= life_cycle.window and event.key != "run_stop"
    outside = of_the_run and story.state not in life_cycle.window
    unopened = story.state == life_cycle.between and event.key in life_cycle.homes
    misplaced = transition.rule if transition else "sciml-order-002" if unopened else "sciml-order-004"
    since = f" ({story.entered.key} is in line {story.entered.line})" if story.entered else ""
    yield Finding(
        rule="sciml-order-003" if outside else misplaced,
        line=event.line,
        where=event.key,
        expected=f"it {life_cycle.words(known.states)}",
        found=f"it {life_cycle.states[story.state]}{since}",
        advice="log it where it happens, and log what has to stand before it",
    )


def check_epoch_number(event: LoggedEvent, story: Story, _rules: Ruleset) -> Iterator[Finding]:
    """Compare the number of an epoch with that of the epoch before it."""
    resumed = story.first.get("resumed_from_epoch")
    if story.epoch_num is not None:
        allowed = [story.epoch_num + 1]
    else:  # a checkpoint inside an epoch is continued in that epoch
        allowed = [1] if resumed is None else [resumed.value, resumed.value + 1]
    if event.sound and event.metadata["epoch_num"] not in allowed:
        yield Finding(
            rule="sciml-order-005",
            line=event.line,
            where="epoch_start metadata.epoch_num",
            expected=" or ".join(map(str, allowed)),
            found=show(event.metadata["epoch_num"]),
            advice="count epochs from 1 without a gap, or log resumed_from_epoch",
        )


def check_epoch_named(event: LoggedEvent, story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Compare the epoch that an event names with the epoch that is open, or that is being evaluated."""
    known, named = rules.keys.get(event.key), event.metadata.get("epoch_num")
    if known is None or known.states is None or story.state not in known.states or event.key == "epoch_start":
        return
    if event.sound and named is not None and story.epoch_num is not None and named != story.epoch_num:
        yield Finding(
            rule="sciml-order-006",
            line=event.line,
            where=f"{event.key} metadata.epoch_num",
            expected=f"{story.epoch_num}, the epoch that it stands in or after",
            found=show(named),
            advice="log an event in the epoch, or the evaluation, that it speaks of",
        )


def check_inference_stops(story: Story, _rules: Ruleset) -> Iterator[Finding]:
    """Look for the end of an inference that started after the run."""
    start = story.first.get("inference_start")
    if start is not None and "inference_stop" not in story.first:
        yield Finding(
            rule="sciml-order-007",
            line=story.lines,
            where="inference_stop",
            expected=f"it after inference_start in line {start.line}",
            found=NOTHING,
            advice="log it when the inference ends; a log without it was cut off",
        )

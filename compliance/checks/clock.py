"""Time: its direction, its two clocks, its limits, and the speed that follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from compliance.event import LoggedEvent, seconds_between
from compliance.finding import NOTHING, Finding
from compliance.rules import Ruleset
from compliance.schemas import is_integer
from compliance.story import Story


def check_order(event: LoggedEvent, story: Story, rules: Ruleset) -> Iterable[Finding]:
    """Compare the time of an event with that of the event before it."""
    before = story.previous
    if before is None or event.time_ms >= before.time_ms:
        return ()
    return (
        Finding(
            rule="time-001",
            line=event.line,
            where=f"{event.key if event.key in rules.keys else 'event'} time_ms",
            expected=f"at least {before.time_ms}, the time of line {before.line}",
            found=str(event.time_ms),
            advice="write events in the order in which they happen",
        ),
    )


def is_limited(key: str, rules: Ruleset) -> bool:
    """Say whether the time up to a key has a limit."""
    return any(limit.stop == key for limit in rules.elapsed)


def check_limits(event: LoggedEvent, story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Compare the time since an earlier event with its limit."""
    for limit in rules.elapsed:
        start = story.latest.get(limit.start)
        if event.key == limit.stop and start is not None and seconds_between(start, event) > limit.at_most_s:
            yield Finding(
                rule=limit.rule,
                line=event.line,
                where=event.key,
                expected=f"at most {limit.at_most_s:g} s after {limit.start}",
                found=f"{seconds_between(start, event):.3f} s",
                advice="do less before the clock starts",
            )


def check_throughput(event: LoggedEvent, story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Compare the time of an epoch with the time that its samples take at the throughput that was logged for it."""
    start, speed = story.latest.get("epoch_start"), story.latest.get("throughput")
    if start is None or not event.sound or start.metadata.get("epoch_num") != event.metadata["epoch_num"]:
        return
    if speed is None or speed.line < start.line:
        yield from _no_throughput(event)
        return
    if not speed.sound:
        return
    took_s = seconds_between(start, event)
    samples = event.metadata["samples_count"]
    implied_s = samples / speed.value
    factor, slack_s = rules.limits["throughput_factor"], rules.limits["throughput_slack_s"]
    if not took_s / factor - slack_s <= implied_s <= took_s * factor + slack_s:
        yield Finding(
            rule="time-004",
            line=speed.line,
            where="throughput",
            expected=f"{samples} samples in the {took_s:.3f} s of the epoch, within a factor {factor:g}",
            found=f"{speed.value:g} samples/s, at which they take {implied_s:.3f} s",
            advice="measure the throughput over the whole epoch and over all ranks",
        )


def _no_throughput(event: LoggedEvent) -> Iterator[Finding]:
    if event.metadata["samples_count"]:  # an abort may come before the first step
        yield Finding(
            rule="time-004",
            line=event.line,
            where="throughput",
            expected="the throughput of the epoch",
            found=NOTHING,
            advice="log it between epoch_start and epoch_stop, so that the time of the epoch can be held against it",
        )


def check_inference(event: LoggedEvent, story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Compare the time of the inference with the least time that its items take at the throughput that was logged.

    The phase also reads and scores, which the throughput may leave out: it may take longer, and never much less.
    """
    start, speed = story.latest.get("inference_start"), story.latest.get("inference_throughput")
    if start is None or speed is None or not (event.sound and speed.sound):
        return
    took_s, items = seconds_between(start, event), event.metadata["samples_count"]
    implied_s = items / speed.value
    factor, slack_s = rules.limits["throughput_factor"], rules.limits["throughput_slack_s"]
    if implied_s > took_s * factor + slack_s:
        yield Finding(
            rule="time-006",
            line=speed.line,
            where="inference_throughput",
            expected=f"{items} items in the {took_s:.3f} s of the inference at most, within a factor {factor:g}",
            found=f"{speed.value:g} items/s, at which they take {implied_s:.3f} s",
            advice="measure the throughput over all items and all ranks",
        )


def check_run(event: LoggedEvent, story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Compare the length of the run by the wall clock with its length by the monotonic clock."""
    start = story.latest.get("run_start")
    if start is None:
        return
    started_ns, stopped_ns = start.metadata.get("mono_ns"), event.metadata.get("mono_ns")
    if not (is_integer(started_ns) and is_integer(stopped_ns)):
        return
    wall_s, steady_s = seconds_between(start, event), (stopped_ns - started_ns) / 1e9
    if abs(wall_s - steady_s) > rules.limits["clock_slack_s"] + rules.limits["clock_factor"] * abs(steady_s):
        yield Finding(
            rule="time-002",
            line=event.line,
            where="run_stop time_ms",
            expected=f"{steady_s:.3f} s after run_start, by metadata.mono_ns",
            found=f"{wall_s:.3f} s",
            advice="keep the wall clock from being set during a run, and repeat it",
        )

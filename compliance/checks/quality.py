"""Quality: when it is evaluated, whether the target is reached, and whether the log is honest about that."""

from __future__ import annotations

from collections.abc import Iterator

from compliance.event import LoggedEvent
from compliance.finding import NOTHING, Finding, name, show
from compliance.rules import Ruleset
from compliance.story import Story

ROUNDING = 1e-9
"""By which numbers may differ that are subtracted from each other again."""


def check_schedule(event: LoggedEvent, story: Story, _rules: Ruleset) -> Iterator[Finding]:
    """Look for the one evaluation that follows each epoch; an abort waits for none."""
    epoch, evaluation = story.latest.get("epoch_stop"), story.latest.get("eval_stop")
    waiting = epoch is not None and (evaluation is None or evaluation.line < epoch.line)
    if event.key == "eval_start":
        if not waiting and story.state != "epoch":
            earlier = f"that of line {evaluation.line}" if evaluation is not None else "no epoch before it"
            yield _schedule(event, "one evaluation after an epoch", earlier)
    elif waiting and event.metadata.get("status") != "aborted":
        assert epoch is not None
        yield _schedule(event, f"an evaluation of the epoch that ended in line {epoch.line}", NOTHING)


def check_metric(event: LoggedEvent, story: Story, _rules: Ruleset) -> Iterator[Finding]:
    """Look for the metric of the target in the evaluation that ends."""
    start, target = story.latest.get("eval_start"), story.target
    if start is None or target is None:
        return
    metric = story.latest.get(f"eval_{target.metric}")
    if metric is None or metric.line < start.line:
        yield Finding(
            rule="eval-002",
            line=event.line,
            where=event.key,
            expected=f"eval_{name(target.metric)} since eval_start in line {start.line}",
            found=NOTHING,
            advice="log the metric of quality_target between eval_start and eval_stop",
        )


def is_of_evaluations(key: str, rules: Ruleset) -> bool:
    """Say whether a key is what an evaluation measures."""
    known = rules.keys.get(key)
    return known is not None and known.states == frozenset({"eval"}) and key not in rules.life_cycle.transitions


def check_metric_once(event: LoggedEvent, story: Story, _rules: Ruleset) -> Iterator[Finding]:
    """Refuse a second value of a metric in one evaluation."""
    earlier = story.latest.get(event.key)
    bounds = [story.latest[key].line for key in ("eval_start", "eval_stop") if key in story.latest]
    if earlier is not None and earlier.line > max(bounds, default=0):
        yield Finding(
            rule="eval-002",
            line=event.line,
            where=event.key,
            expected="one value in an evaluation",
            found=f"another one; the one before is in line {earlier.line}",
            advice="reduce the metric over all ranks, and log it once",
        )


def check_target(story: Story, _rules: Ruleset) -> Iterator[Finding]:
    """Compare the best evaluation inside the run with the target; a run that was aborted is judged by its own rule."""
    target, stop = story.target, story.latest.get("run_stop")
    aborted = stop is not None and stop.metadata.get("status") == "aborted"
    if target is None or aborted or _reached(story):
        return
    best = f"{show(story.best.value)} in line {story.best.line}" if story.best else NOTHING
    yield Finding(
        rule="target-001",
        line=stop.line if stop else story.lines,
        where=f"eval_{name(target.metric)}",
        expected=f"{'at least' if target.direction == 'max' else 'at most'} {show(target.value)} inside the run",
        found=f"{best} at best" if story.best else NOTHING,
        advice="train longer, or choose other hyperparameters",
    )


def check_status(story: Story, _rules: Ruleset) -> Iterator[Finding]:
    """Compare the status of run_stop with what the metric says."""
    target, stop = story.target, story.first.get("run_stop")
    if target is None or stop is None:
        return
    honest = "success" if _reached(story) else "aborted"
    if stop.metadata["status"] != honest:
        best = f"the best was {show(story.best.value)}" if story.best else "nothing was evaluated"
        yield Finding(
            rule="target-002",
            line=stop.line,
            where="run_stop metadata.status",
            expected=f"{show(honest)}, because {best}, and the target is {show(target.value)}",
            found=show(stop.metadata["status"]),
            advice="log success where the target was reached, and aborted with a reason where it was not",
        )


def check_aborted(story: Story, _rules: Ruleset) -> Iterator[Finding]:
    """Refuse a run that was aborted, and say how far it came."""
    stop = story.first.get("run_stop")
    if stop is None or stop.metadata["status"] != "aborted":
        return
    reason = f" ({show(stop.metadata['reason'])})" if "reason" in stop.metadata else ""
    best = f"; the best quality was {show(story.best.value)}" if story.best else "; nothing was evaluated"
    yield Finding(
        rule="target-003",
        line=stop.line,
        where="run_stop metadata.status",
        expected='"success"',
        found=f'"aborted"{reason}{best}',
        advice="run it again, to the target",
    )


def check_baselines(story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Compare the best evaluation with the best of the trivial methods, by the margin of the benchmark."""
    target, best, baseline = story.target, story.best, story.strongest_baseline
    if target is None or best is None or baseline is None:
        return
    margin = _margin(story, rules)
    if target.better(best.value, baseline.value) and target.lead(best.value, baseline.value) >= margin - ROUNDING:
        return
    by = f" by at least {margin:g}" if margin else ""
    yield Finding(
        rule="target-005",
        line=baseline.line,
        where=f"baseline {name(baseline.metadata['name'])}",
        expected=f"worse{by} than {show(best.value)}, the best eval_{name(target.metric)} (line {best.line})",
        found=show(baseline.value),
        advice="a model that a trivial method equals has learned nothing: train on, or look at the data",
    )


def check_margin(story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Compare the margin that is logged with the one that the log's own metric and baselines give."""
    event, target = story.first.get("quality_margin"), story.target
    best, baseline = story.best, story.strongest_baseline
    if event is None or target is None or best is None or baseline is None or "resumed_from_epoch" in story.first:
        return
    lead, required = target.lead(best.value, baseline.value), _margin(story, rules)
    sufficient = lead > 0 and lead >= required
    wrong = [
        ("value", f"{lead:g}, from lines {best.line} and {baseline.line}", show(event.value)),
        ("metadata.required", f"{required:g}, the margin of the benchmark", show(event.metadata["required"])),
        ("metadata.sufficient", show(sufficient), show(event.metadata["sufficient"])),
    ]
    right = (
        abs(event.value - lead) <= ROUNDING * max(1.0, abs(lead)),
        event.metadata["required"] == required,
        event.metadata["sufficient"] == sufficient,
    )
    for (field, expected, found), holds in zip(wrong, right, strict=True):
        if not holds:
            yield Finding(
                rule="target-006",
                line=event.line,
                where=f"quality_margin {field}",
                expected=expected,
                found=found,
                advice="subtract the best baseline from the best quality, and log what comes out",
            )


def _margin(story: Story, rules: Ruleset) -> float:
    """Return by how much the benchmark asks a model to beat the baselines of its metric."""
    named, target = story.first.get("submission_benchmark"), story.target
    benchmark = rules.benchmarks.get(named.value, {}) if named is not None else {}
    same_metric = target is not None and target.metric == benchmark.get("metric")
    return float(benchmark.get("margin", 0)) if same_metric else 0.0


def _reached(story: Story) -> bool:
    target, best = story.target, story.best
    return target is not None and best is not None and target.reached_by(best.value)


def _schedule(event: LoggedEvent, expected: str, found: str) -> Finding:
    return Finding(
        rule="eval-001",
        line=event.line,
        where=event.key,
        expected=expected,
        found=found,
        advice="evaluate once after each epoch",
    )

"""What every form says alike: a finding as one line, the counts, and the line that sums up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from compliance.finding import Finding, file_name
from compliance.judge import Judgement
from compliance.rules import Ruleset


@dataclass(frozen=True, kw_only=True)
class Look:
    """How text for people looks; the other forms heed none of it."""

    colour: bool = False
    """Paint severities; for terminals."""

    every: bool = False
    """Print each of many findings that are alike, rather than the first of them and their number."""


def by_file(judgements: Iterable[Judgement]) -> list[Judgement]:
    """Return the judgements by the name of their file."""
    return sorted(judgements, key=lambda judged: judged.file)


def severity(finding: Finding, rules: Ruleset) -> str:
    """Return `error` or `warning`."""
    return rules.rules[finding.rule].severity


def line_of(file: str, finding: Finding, rules: Ruleset) -> str:
    """Return a finding as `file:line: RULE-ID where: expected x, found y — do z`."""
    mark = " [warning]" if severity(finding, rules) == "warning" else ""
    return f"{file_name(file)}:{finding.line}: {finding.message}{mark}"


def counts(judgements: Iterable[Judgement], rules: Ruleset) -> Counter[str]:
    """Return how many findings there are of each severity."""
    found: Counter[str] = Counter()
    for finding in (finding for judged in judgements for finding in judged.findings):
        found[severity(finding, rules)] += finding.count
    return found


def has_errors(judgements: Iterable[Judgement], rules: Ruleset) -> bool:
    """Say whether any log breaks a rule whose severity is error."""
    return any(severity(finding, rules) == "error" for judged in judgements for finding in judged.findings)


def summary_line(judgements: Sequence[Judgement], rules: Ruleset) -> str:
    """Return the verdict on all logs in one line."""
    found = counts(judgements, rules)
    verdict = "not compliant" if found["error"] else "compliant"
    events, files = sum(judged.events for judged in judgements), sum(judged.is_log for judged in judgements)
    numbers = f"{plural(found['error'], 'error')}, {plural(found['warning'], 'warning')}"
    where = f"{plural(events, 'event')} of {plural(files, 'log')}"
    return f"{verdict}: {numbers} in {where} (rules {rules.name}{', strict' if rules.strict else ''})"


def plural(count: int, thing: str) -> str:
    """Return a count with its noun."""
    return f"{count} {thing}{'' if count == 1 else 's'}"

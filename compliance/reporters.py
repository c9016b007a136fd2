"""Judgements as text for people and as one JSON document for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from compliance.finding import Finding, path_name
from compliance.judge import Judgement
from compliance.rules import Ruleset

COLOURS = {"error": "\033[31m", "warning": "\033[33m"}
PLAIN = "\033[0m"


def as_text(judgements: Sequence[Judgement], rules: Ruleset, *, colour: bool) -> str:
    """Return a line for each finding, by file and line, and one line that sums up."""
    lines = [
        _line(judgement.file, finding, rules, colour)
        for judgement in sorted(judgements, key=lambda judged: judged.file)
        for finding in judgement.findings
    ]
    return "\n".join([*lines, _sum(judgements, rules)]) + "\n"


def as_json(judgements: Sequence[Judgement], rules: Ruleset) -> str:
    """Return one document of the form of verdict.schema.json."""
    counts = _counts(judgements, rules)
    document = {
        "verdict_version": 1,
        "ruleset": {"name": rules.name, "sha256": rules.sha256},
        "compliant": counts["error"] == 0,
        "errors": counts["error"],
        "warnings": counts["warning"],
        "files": [_file(judgement, rules) for judgement in judgements],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def has_errors(judgements: Sequence[Judgement], rules: Ruleset) -> bool:
    """Say whether any log breaks a rule whose severity is error."""
    return _counts(judgements, rules)["error"] > 0


def _line(file: str, finding: Finding, rules: Ruleset, colour: bool) -> str:
    severity = rules.rules[finding.rule].severity
    mark = " [warning]" if severity == "warning" else ""
    start, end = (COLOURS[severity], PLAIN) if colour else ("", "")
    return f"{path_name(file)}:{finding.line}: {start}{finding.message}{mark}{end}"


def _sum(judgements: Sequence[Judgement], rules: Ruleset) -> str:
    counts = _counts(judgements, rules)
    verdict = "not compliant" if counts["error"] else "compliant"
    events, files = sum(judged.events for judged in judgements), sum(judged.is_log for judged in judgements)
    found = f"{_plural(counts['error'], 'error')}, {_plural(counts['warning'], 'warning')}"
    return f"{verdict}: {found} in {_plural(events, 'event')} of {_plural(files, 'log')} (rules {rules.name})"


def _file(judgement: Judgement, rules: Ruleset) -> dict[str, Any]:
    return {
        "file": judgement.file,
        "sha256": judgement.sha256,
        "compliant": not has_errors([judgement], rules),
        "lines": judgement.lines,
        "events": judgement.events,
        "summary": judgement.summary,
        "findings": [_finding(judgement.file, finding, rules) for finding in judgement.findings],
    }


def _finding(file: str, finding: Finding, rules: Ruleset) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": rules.rules[finding.rule].severity,
        "line": finding.line,
        "where": finding.where,
        "expected": finding.expected,
        "found": finding.found,
        "advice": finding.advice,
        "message": _line(file, finding, rules, colour=False),
    }


def _counts(judgements: Sequence[Judgement], rules: Ruleset) -> Counter[str]:
    return Counter(rules.rules[finding.rule].severity for judged in judgements for finding in judged.findings)


def _plural(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"

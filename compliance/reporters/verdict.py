"""The verdict as one JSON document, for programs (verdict.schema.json)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from compliance.finding import Finding
from compliance.judge import Judgement
from compliance.reporters.common import Look, counts, has_errors, line_of, severity
from compliance.rules import Ruleset


def report(judgements: Sequence[Judgement], rules: Ruleset, _look: Look) -> str:
    """Return the document, as ASCII."""
    found = counts(judgements, rules)
    document = {
        "verdict_version": 1,
        "ruleset": {"name": rules.name, "sha256": rules.sha256, **({"strict": True} if rules.strict else {})},
        "compliant": found["error"] == 0,
        "errors": found["error"],
        "warnings": found["warning"],
        "files": [_file(judged, rules) for judged in judgements],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _file(judged: Judgement, rules: Ruleset) -> dict[str, Any]:
    return {
        "file": judged.file,
        "sha256": judged.sha256,
        "compliant": not has_errors([judged], rules),
        "lines": judged.lines,
        "events": judged.events,
        "summary": judged.summary,
        "findings": [_finding(judged.file, finding, rules) for finding in judged.findings],
    }


def _finding(file: str, finding: Finding, rules: Ruleset) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": severity(finding, rules),
        "line": finding.line,
        "where": finding.where,
        "expected": finding.expected,
        "found": finding.found,
        "advice": finding.advice,
        "message": line_of(file, finding, rules),
    }

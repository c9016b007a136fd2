"""Judgements in the forms that people and programs read, each in a module that is loaded when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from compliance.judge import Judgement
from compliance.reporters.common import Look, has_errors, summary_line
from compliance.rules import Ruleset

FORMS: dict[str, str] = {
    "text": "compliance.reporters.text",
    "json": "compliance.reporters.verdict",
    "sarif": "compliance.reporters.sarif",
    "junit": "compliance.reporters.junit",
    "github": "compliance.reporters.github",
}
"""Form → module with a pure function `report(judgements, rules, look) -> str`."""


def report(form: str, judgements: Sequence[Judgement], rules: Ruleset, look: Look) -> str:
    """Return the judgements in one of `FORMS`."""
    text: str = importlib.import_module(FORMS[form]).report(judgements, rules, look)
    return text


__all__ = ["FORMS", "Look", "has_errors", "report", "summary_line"]

"""The text of a rule, as SPEC.md has it: a rule is written once, and printed from there."""

from __future__ import annotations

import re
from functools import cache

from compliance.rules import LOGGING_SPEC, Ruleset, UnknownNameError

SPEC = LOGGING_SPEC / "SPEC.md"

ANCHOR = re.compile(r'^<a id="([a-z0-9-]+)"></a>$')
END = re.compile(r"^(<a id=|#{1,3} )")
"""A line that ends the text of the rule before it: the next rule, or the next section."""


@cache
def texts() -> dict[str, str]:
    """Return the text of every rule in SPEC.md, by its anchor."""
    found: dict[str, list[str]] = {}
    anchor = None
    for line in SPEC.read_text(encoding="utf-8").splitlines():
        if match := ANCHOR.match(line):
            anchor = match.group(1)
            found[anchor] = []
        elif END.match(line):
            anchor = None
        elif anchor is not None:
            found[anchor].append(line)
    return {name: "\n".join(lines).strip() for name, lines in found.items()}


def explain(rule: str, rules: Ruleset) -> str:
    """Return one rule with its text and its anchor; `samples-001` is enough of `sciml-samples-001`.

    Raises:
        UnknownNameError: the rule set has no such rule.
    """
    wanted = rule.strip().lower()
    for known in rules.rules:
        if wanted in (known, known.partition("-")[2]):
            return _entry(known, texts().get(known, ""))
    prefix = next(iter(rules.rules)).partition("-")[0]
    raise UnknownNameError("rule", wanted if wanted.startswith(prefix) else f"{prefix}-{wanted}", sorted(rules.rules))


def listing(rules: Ruleset) -> str:
    """Return the rule set: what it is for, and every rule with its text and its anchor."""
    found = texts()
    head = f"{rules.name}: {rules.text}\n{len(rules.rules)} rules, sha256 {rules.sha256}\n"
    return "\n".join([head, *(_entry(rule, found.get(rule, "")) for rule in rules.rules)])


def _entry(rule: str, text: str) -> str:
    return f"{text}\n\nlogging_spec/SPEC.md#{rule}\n"

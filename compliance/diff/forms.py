"""Differences as aligned text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from compliance.diff.compare import ABSENT, Comparison, Line
from compliance.diff.facts import GROUPS, Varying
from compliance.finding import clipped, file_name
from compliance.text_table import aligned

NOT_SAID = "(not said)"


def as_text(a: str, b: str, compared: Comparison, *, everything: bool) -> str:
    """Return a group of aligned lines for each group that has any, and one line that sums up.

    Args:
        a: name of the first side.
        b: name of the second side.
        compared: the sides.
        everything: whether facts in which the sides agree are shown too; those that differ then have a mark.
    """
    lines = compared.lines
    shown = [line for line in lines if everything or line.differs]
    rows = [("", f"a: {file_name(a)}", f"b: {file_name(b)}")]
    rows += [(f"{_mark(line, everything)}{file_name(line.fact)}", *_sides(line)) for line in shown]
    head, *body = aligned(rows)
    text = [head] if shown else []
    for group, inside in groupby(zip(shown, body, strict=True), key=lambda pair: pair[0].group):
        text += ["", group, *(line for _, line in inside)]
    text += [""] if shown else []
    text += [f"{file}: on side {side} alone, not compared" for side, file in _one_sided(compared)]
    text += [f"{sum(line.differs for line in lines)} of {len(lines)} facts differ{_where(lines)}"]
    return "\n".join(text) + "\n"


def as_json(a: str, b: str, compared: Comparison, *, everything: bool) -> str:
    """Return one document; a side that does not say a fact has no member for it."""
    lines = compared.lines
    document = {
        "diff_version": 1,
        "a": a,
        "b": b,
        "equal": compared.equal,
        "groups": {
            group: [_entry(line) for line in lines if line.group == group and (everything or line.differs)]
            for group in GROUPS
        },
        "facts": len(lines),
        "not_compared": {"a": compared.only_a, "b": compared.only_b},
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _one_sided(compared: Comparison) -> list[tuple[str, str]]:
    return [("a", file) for file in compared.only_a] + [("b", file) for file in compared.only_b]


def _mark(line: Line, everything: bool) -> str:
    return ("≠ " if line.differs else "  ") if everything else ""


def _entry(line: Line) -> dict[str, Any]:
    sides = {side: value for side, value in (("a", line.a), ("b", line.b)) if value is not ABSENT}
    varying = [side for side, value in sides.items() if isinstance(value, Varying)]
    return {"fact": line.fact, "differs": line.differs, **sides, **({"varies_in": varying} if varying else {})}


def _sides(line: Line) -> tuple[str, str]:
    """Render both values, cut to a length unless that hides in what they differ."""
    a, b = _shown(line.a), _shown(line.b)
    return (a, b) if line.differs and clipped(a) == clipped(b) else (clipped(a), clipped(b))


def _shown(value: Any) -> str:
    if value is ABSENT:
        return NOT_SAID
    if isinstance(value, Varying):
        return " | ".join(map(_shown, value))
    return value if isinstance(value, str) and value and value.isprintable() else json.dumps(value)


def _where(lines: Sequence[Line]) -> str:
    counts = {group: sum(line.differs for line in lines if line.group == group) for group in GROUPS}
    named = ", ".join(f"{group} {count}" for group, count in counts.items() if count)
    return f": {named}" if named else ""

"""One thing that is wrong with a log, and how values are shown in messages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

LONGEST_SHOWN = 80
"""Characters of a value that a message shows."""

NOTHING = "nothing"
"""What was found where something is missing."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a check found. It reads `RULE-ID where: expected x, found y — do z`."""

    rule: str
    """Id of the rule that is broken; its text is SPEC.md's, at the anchor of that name."""

    line: int
    """Line of the file, from 1; the last line where something is missing."""

    where: str
    """Key, and field within its event: `epoch_stop metadata.samples_count`."""

    expected: str
    """What the rule asks for."""

    found: str
    """What the log says instead."""

    advice: str
    """What to do about it."""

    @property
    def message(self) -> str:
        """The finding as one line, without its place."""
        return f"{self.rule} {self.where}: expected {self.expected}, found {self.found} — {self.advice}"


def show(value: Any) -> str:
    """Render a value of a log for a message: as ASCII JSON, because a log may hold anything, and clipped."""
    try:
        text = json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        text = type(value).__name__
    return clipped(text)


def name(text: str) -> str:
    """Render a name of a log, such as its key: as it is where that is harmless, else as JSON."""
    return text if text.isascii() and text.isprintable() and len(text) <= LONGEST_SHOWN else show(text)


def path_name(text: str) -> str:
    """Render the name of a file, whole: as it is where that is harmless, else as JSON."""
    return text if text.isascii() and text.isprintable() else json.dumps(text)


def clipped(text: str) -> str:
    """Cut a text to what a message shows."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"

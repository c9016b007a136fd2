"""Where each file of a package stands: forms of names, which are data, and the names that they match."""

from __future__ import annotations

import re
from typing import NamedTuple

FIELDS = {"rest": r".+", "run": r"0|[1-9][0-9]{0,5}", "node": r"0|[1-9][0-9]{0,5}"}
"""What a field of a form matches; any other is one part of a name."""

ANY_PART = r"[^/]+"


class Place(NamedTuple):
    """What a file is, by its name."""

    kind: str
    """Name of the form that it matches."""

    org: str
    system: str = ""
    benchmark: str = ""
    implementation: str = ""
    run: int = -1
    node: int = -1
    rest: str = ""


class Layout:
    """The forms of names, by kind of file."""

    def __init__(self, forms: dict[str, str]) -> None:
        self._forms = forms
        self._patterns = {kind: _compiled(form) for kind, form in forms.items()}

    def place_of(self, name: str) -> Place | None:
        """Say what a file is; None where it has no place in a package."""
        for kind, pattern in self._patterns.items():
            if match := pattern.fullmatch(name):
                found = match.groupdict()
                run, node = (int(found.pop(field, -1)) for field in ("run", "node"))
                return Place(kind, run=run, node=node, **found)
        return None

    def name_of(self, kind: str, **fields: str | int) -> str:
        """Return the name of a file of a kind."""
        return self._forms[kind].format(**fields)


def _compiled(form: str) -> re.Pattern[str]:
    parts = re.split(r"\{([a-z]+)\}", form)
    text = "".join(
        f"(?P<{part}>{FIELDS.get(part, ANY_PART)})" if number % 2 else re.escape(part)
        for number, part in enumerate(parts)
    )
    return re.compile(text)

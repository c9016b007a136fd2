"""Read event files: whole, or as they grow.

Lines that are no events are left to the checker, and where a file is read whole, so are events that the key registry
does not take: whoever shows numbers can then rely on numbers.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from harness.documents import faults, read_json
from harness.paths import KEYS
from logging_spec.events import TOKEN, Event, LineError, parse_line

TOKEN_BYTES = TOKEN.encode()
"""The mark of an event line, as a file holds it."""


def read(path: Path) -> list[Event]:
    """Sound events of a file, in its order; none where there is no file."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [event for line in lines if (event := parse(line)) is not None and is_sound(event)]


def event_lines(path: Path) -> Iterator[bytes]:
    """Lines of a file that carry an event, whole and as they are; none where there is no file.

    Raises:
        OSError: the file is there and cannot be read.
    """
    try:
        with path.open("rb") as file:
            yield from (line for line in file if TOKEN_BYTES in line and line.endswith(b"\n"))
    except FileNotFoundError:
        return


def is_sound(event: Event) -> bool:
    """Whether value and metadata are what the registry says of the key; of an unknown metric, that it is a number."""
    known = _registry().get(event.key)
    if known is None:
        return not event.key.startswith("eval_") or type(event.value) in (int, float)
    return not faults({"value": event.value, "metadata": event.metadata}, known)


@functools.cache
def _registry() -> dict[str, dict[str, Any]]:
    """A schema of value and metadata for each key of logging_spec/keys.json."""
    keys = read_json(KEYS)["keys"]
    return {
        name: {"properties": {"value": key["value"], "metadata": key.get("metadata", {})}} for name, key in keys.items()
    }


def parse(line: bytes) -> Event | None:
    """The event of a line; None where it is none."""
    try:
        return parse_line(line.decode("utf-8"))
    except (LineError, UnicodeDecodeError):
        return None


class Follower:
    """Reads the lines that were added to a file since it was last asked; the file may not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None
        self._rest = b""

    def events(self) -> list[Event]:
        """New events; half a line waits for its other half."""
        if self._file is None:
            if not self.path.exists():
                return []
            self._file = self.path.open("rb")
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        return [event for line in lines if (event := parse(line)) is not None]

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

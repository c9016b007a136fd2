"""Read event files: whole, or as they grow. Lines that are no events are left to the checker."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from logging_spec.events import Event, LineError, parse_line


def read(path: Path) -> list[Event]:
    """Events of a file, in its order; none where there is no file."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [event for line in lines if (event := parse(line)) is not None]


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

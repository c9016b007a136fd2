"""What a log says of itself in its first events: by which rule set, and which variant of it, it has to be judged.

Only names are compared with names that rule sets hold; nothing that a log says becomes a path.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import BinaryIO

from compliance.expand import ExpansionError, pieces
from compliance.log import TORN_TOKEN, LogLine
from compliance.rules import BENCHMARK
from logging_spec.events import TOKEN

HEAD_BYTES = 1 << 20
"""Bytes of events in which those have to stand that decide by which rules a log is judged; noise does not count."""

MARK = TORN_TOKEN.encode()


class Head:
    """The first events of a log, which are held until they have said by which rules it is to be judged."""

    def __init__(self, keys: Collection[str], undecided: Callable[[Mapping[str, str]], bool]) -> None:
        self._keys, self._undecided = keys, undecided
        self._event_bytes = 0
        self.facts: dict[str, str] = {}
        self.lines: list[LogLine] = []

    def measure(self, data: bytes) -> None:
        """Count the bytes of lines with events among what is about to be read; a line may lie in two pieces."""
        if MARK in data:
            self._event_bytes += sum(len(line) for line in data.split(b"\n") if MARK in line)

    def take(self, line: LogLine) -> None:
        """Hold a line with events."""
        self.lines.append(line)
        for record in line.records:
            key, value = record.get("key"), record.get("value")
            if isinstance(key, str) and key in self._keys:
                self.facts.setdefault(key, value if isinstance(value, str) else "")

    @property
    def ends(self) -> bool:
        """Whether enough is known, or enough was held."""
        return not self._undecided(self.facts) or self._event_bytes > HEAD_BYTES


def benchmark_of(log: Path) -> str | None:
    """Return the benchmark that a log names; None where it names none.

    Raises:
        OSError: the log cannot be read.
    """
    with log.open("rb") as stream:
        return _benchmark_in(stream)


NAMED = re.compile(re.escape(BENCHMARK).encode())


def _benchmark_in(stream: BinaryIO) -> str | None:
    """Look for the event in each line that has the key; of a line without end, only a piece is held."""
    rest = b""
    try:
        for data in pieces(stream):
            *lines, rest = (rest + data).replace(b"\r", b"\n").split(b"\n")
            for line in lines:
                if NAMED.search(line) and (benchmark := _named_in(line)) is not None:
                    return benchmark
            rest = rest[-HEAD_BYTES:]
    except ExpansionError:
        pass  # judging it says what is wrong
    return _named_in(rest)


def _named_in(line: bytes) -> str | None:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        text = line.decode("latin-1")
    try:
        record = json.loads(text.rpartition(TOKEN)[2].strip())
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.get("key") != BENCHMARK:
        return None
    value = record.get("value")
    return value if isinstance(value, str) else ""

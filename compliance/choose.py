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
from compliance.rules import BENCHMARK
from logging_spec.events import TOKEN

HEAD_BYTES = 1 << 20
"""Bytes of a log in which the events have to stand that decide by which rules it is judged."""


class Head:
    """The beginning of a log, which is held until it has said by which rules it is to be judged."""

    def __init__(self, keys: Collection[str], undecided: Callable[[Mapping[str, str]], bool]) -> None:
        self._keys, self._undecided = keys, undecided
        self._names = re.compile("|".join(map(re.escape, sorted(keys))).encode())
        self._held = bytearray()
        self._seen = 0
        self.facts: dict[str, str] = {}

    def feed(self, data: bytes) -> bool:
        """Take in more of the log, and say whether enough is known, or enough was held."""
        self._held += data
        end = self._held.rfind(b"\n") + 1
        self._look(bytes(self._held[self._seen : end]))
        self._seen = max(end, self._seen)
        return not self._undecided(self.facts) or len(self._held) > HEAD_BYTES

    def release(self) -> bytes:
        """Return all that is held."""
        self._look(bytes(self._held[self._seen :]))
        return bytes(self._held)

    def _look(self, data: bytes) -> None:
        for line in data.replace(b"\r", b"\n").split(b"\n"):
            if self._names.search(line):
                self._note(line.decode("utf-8", "replace").rpartition(TOKEN)[2])

    def _note(self, text: str) -> None:
        try:
            record = json.loads(text)
        except (ValueError, RecursionError):
            return
        if isinstance(record, dict) and isinstance(record.get("key"), str) and record["key"] in self._keys:
            value = record.get("value")
            self.facts.setdefault(record["key"], value if isinstance(value, str) else "")


def benchmark_of(log: Path) -> str | None:
    """Return the benchmark that a log names in its head; None where it names none.

    Raises:
        OSError: the log cannot be read.
    """
    with log.open("rb") as stream:
        return _benchmark_in(stream)


def _benchmark_in(stream: BinaryIO) -> str | None:
    head = Head([BENCHMARK], lambda facts: not facts)
    try:
        for data in pieces(stream):
            if head.feed(data):
                break
    except ExpansionError:
        pass  # judging it says what is wrong
    head.release()
    return head.facts.get(BENCHMARK)

"""What the checks of a package have to know of each log, gathered while the judge reads it."""

from __future__ import annotations

import re
from typing import Any

from logging_spec.events import MAX_LINE_BYTES, TOKEN, LineError, parse_object

_TOKEN = TOKEN.encode()


class LogFacts:
    """The first event of each of some keys: value, time and line. Its memory does not grow with the log."""

    def __init__(self, keys: frozenset[str]) -> None:
        self.value: dict[str, Any] = {}
        self.time_ms: dict[str, int] = {}
        self.line: dict[str, int] = {}
        self._keys = keys
        self._named = re.compile(rb'"key":\s*"(?:%s)"' % b"|".join(re.escape(key.encode()) for key in sorted(keys)))
        self._number = 0
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take in the next bytes of the log, in pieces of any size."""
        *whole, rest = data.split(b"\n")
        for raw in whole:
            self._number += 1
            self._take(self._rest + raw)
            self._rest = b""
        self._rest = (self._rest + rest)[: MAX_LINE_BYTES + 1]

    def _take(self, raw: bytes) -> None:
        if len(raw) > MAX_LINE_BYTES or _TOKEN not in raw or not self._named.search(raw):
            return
        try:
            event = parse_object(raw.rpartition(_TOKEN)[2].decode().strip())
        except (LineError, UnicodeDecodeError):
            return
        key, time_ms = event.get("key"), event.get("time_ms")
        if isinstance(key, str) and key in self._keys and key not in self.line:
            self.value[key] = event.get("value")
            self.line[key] = self._number
            if type(time_ms) is int:
                self.time_ms[key] = time_ms

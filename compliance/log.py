"""Read a log: bytes to JSON objects with their true line numbers, and findings for every line that is torn.

The log is read once, in pieces of bounded size, and nothing of it is kept. Text without the token is no event and is
passed over, as MLPerf's tools do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from compliance.finding import Finding, clipped, name, show
from logging_spec.events import MAX_LINE_BYTES, TOKEN, LineError, parse_object

if TYPE_CHECKING:
    from compliance.quick import Record

QuickReader = Callable[[bytes], "Record | None"]

TORN_TOKEN = TOKEN[:5]
"""What is left of a token that lost its end or its space."""

EXPECTED = {
    "line-002": "one JSON object after the token",
    "line-003": "each name once",
    "line-004": "finite numbers of at most 64 bits",
    "line-005": "objects and arrays in few levels",
}
"""What the rules ask for that a LineError names."""

READ_ALL_THE_SAME = frozenset({"line-003", "line-004"})
"""Faults of a line that MLPerf's tools read over."""

LONGEST_STOCK_LINE_BYTES = 1 << 20
"""Longest line that is read as MLPerf's tools do, which know no limit."""

TOKEN_BYTES = TOKEN.encode()

LINES_WORTH_AN_IMPORT = 400
"""Lines that take as long to read exactly as the import of the quick reader takes."""

ONE_WRITER = "let one process write the file, each line in one write"


class LogLine(NamedTuple):
    """One line of a log."""

    number: int
    """Line of the file, from 1."""

    records: Sequence[dict[str, Any]]
    """JSON objects of its events: one, none in a line without an event, several in a faulty one."""

    findings: Sequence[Finding]
    """What is wrong with the line as such."""


class LineReader:
    """Takes in the bytes of a log, in pieces of any size, and gives back its lines, of which it keeps none."""

    def __init__(self, *, as_stock_tools: bool = False) -> None:
        """Read lines exactly, or as MLPerf's tools do: bytes as Latin-1 where they are not UTF-8, of several events in
        a line the last, a carriage return as the end of a line, names and numbers as Python's json takes them.
        """
        self._read_text = _read_as_stock_tools if as_stock_tools else _read_exactly
        self._limit = LONGEST_STOCK_LINE_BYTES if as_stock_tools else MAX_LINE_BYTES
        self._digest = hashlib.sha256()
        self._rest = b""
        self._passed_over = 0
        self._quick: QuickReader | None = None
        self.number = 0

    @property
    def sha256(self) -> str:
        """Digest of the bytes so far."""
        return self._digest.hexdigest()

    def feed(self, data: bytes) -> Iterator[LogLine | Record]:
        """Take in more bytes, and yield the lines that end in them; of a plain line, line `number`, just its event."""
        self._digest.update(data)
        first, *whole = data.split(b"\n")
        if not whole:
            self._keep(first)
            return
        yield self._line(first, ended=True)
        last = whole.pop()
        quick = self._quick or self._choose_reader()
        for raw in whole:
            record = quick(raw) if len(raw) < MAX_LINE_BYTES else None
            if record is None:
                yield self._line(raw, ended=True)
            else:
                self.number += 1
                yield record
        self._keep(last)

    def end(self) -> Iterator[LogLine]:
        """Yield the line that the end of the log cuts off, where there is one."""
        if self._rest or self._passed_over:
            yield self._line(b"", ended=False)

    def _keep(self, rest: bytes) -> None:
        self._rest += rest
        if len(self._rest) > self._limit:
            self._passed_over += len(self._rest)
            self._rest = b""

    def _choose_reader(self) -> QuickReader:
        """Return the quick reader of lines, once the log is long enough for its import to be worth the time."""
        if self.number < LINES_WORTH_AN_IMPORT:
            return _doubt
        from compliance.quick import read_quickly

        self._quick = read_quickly
        return read_quickly

    def _line(self, raw: bytes, *, ended: bool) -> LogLine:
        raw, self._rest = self._rest + raw, b""
        length, self._passed_over = self._passed_over + len(raw) + ended, 0
        self.number += 1
        findings: list[Finding] = []
        records: list[dict[str, Any]] = []
        if length > self._limit or (length > MAX_LINE_BYTES and (self._limit == MAX_LINE_BYTES or TOKEN_BYTES in raw)):
            expected, advice = f"at most {MAX_LINE_BYTES} bytes", "log large things as files"
            findings.append(_fault("file-004", self.number, expected, f"{length} bytes", advice))
        if not ended:
            expected, advice = (
                "a line feed at the end of the file",
                "see whether the log was cut off; write each line whole",
            )
            findings.append(_fault("file-002", self.number, expected, "the end of the file", advice))
        if length <= self._limit:
            records += self._read_text(_decoded(raw, self.number, findings), self.number, findings)
        return LogLine(self.number, records, findings)


def _doubt(_raw: bytes) -> None:
    """Read no line quickly."""


def _decoded(raw: bytes, number: int, findings: list[Finding]) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        found = f"byte 0x{raw[error.start]:02x} at column {error.start + 1}"
        findings.append(_fault("file-003", number, "UTF-8", found, "see whether the file is damaged"))
        return raw.decode("latin-1")


def _read_exactly(text: str, number: int, findings: list[Finding]) -> Iterator[dict[str, Any]]:
    before, token, after = text.partition(TOKEN)
    if not token:
        if TORN_TOKEN in text:
            findings.append(_fault("line-007", number, show(TOKEN), name(text.strip()), ONE_WRITER))
        return
    if before:
        expected, advice = (
            "the token at the start of the line",
            "write events to a file of their own, and not to stdout",
        )
        findings.append(_fault("line-006", number, expected, f"{show(before)} before it", advice))
    tokens = 1 + after.count(TOKEN)
    if tokens > 1:
        findings.append(_fault("line-001", number, "the token once", f"it {tokens} times", ONE_WRITER))
    for piece in after.split(TOKEN):
        try:
            yield parse_object(piece.strip())
        except LineError as error:
            if tokens == 1:  # where there are several, their pieces are what is left of torn lines
                advice = "write events with a JSON encoder, line by line"
                findings.append(_fault(error.rule, number, EXPECTED[error.rule], clipped(name(str(error))), advice))


def _read_as_stock_tools(text: str, number: int, findings: list[Finding]) -> Iterator[dict[str, Any]]:
    for part in text.split("\r"):
        before, token, after = part.rpartition(TOKEN)
        if token:
            if TOKEN in before:
                found = f"it {1 + part.count(TOKEN, 0, len(before))} times; the last event counts"
                findings.append(_fault("line-001", number, "the token once", found, ONE_WRITER))
            yield from _object_as_stock_tools(after.strip(), number, findings)
        elif TORN_TOKEN in part:
            findings.append(_fault("line-007", number, show(TOKEN), clipped(name(part.strip())), ONE_WRITER))


def _object_as_stock_tools(text: str, number: int, findings: list[Finding]) -> Iterator[dict[str, Any]]:
    advice = "write events with a JSON encoder, line by line"
    try:
        yield parse_object(text)
        return
    except LineError as error:
        findings.append(_fault(error.rule, number, EXPECTED[error.rule], clipped(name(str(error))), advice))
        if error.rule not in READ_ALL_THE_SAME:
            return
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        findings.append(_fault("line-002", number, EXPECTED["line-002"], clipped(name(str(error))), advice))
    else:
        yield record


def _fault(rule: str, number: int, expected: str, found: str, advice: str) -> Finding:
    return Finding(rule=rule, line=number, where="line", expected=expected, found=found, advice=advice)

"""Read a log: bytes to JSON objects with their true line numbers, and findings for every line that is torn.

The log is read once, in pieces of bounded size, and nothing of it is kept. Text without the token is no event and is
passed over, as MLPerf's tools do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from compliance.finding import Finding, clipped, name, show
from logging_spec.events import MAX_LINE_BYTES, TOKEN, LineError, parse_object

TORN_TOKEN = TOKEN[:5]
"""What is left of a token that lost its end or its space."""

EXPECTED = {
    "sciml-line-002": "one JSON object after the token",
    "sciml-line-003": "each name once",
    "sciml-line-004": "finite numbers of at most 64 bits",
    "sciml-line-005": "objects and arrays in few levels",
}
"""What the rules ask for that a LineError names."""

ONE_WRITER = "let one process write the file, each line in one write"


class LogLine(NamedTuple):
    """One line of a log."""

    number: int
    """Line of the file, from 1."""

    records: list[dict[str, object]]
    """JSON objects of its events: one, none in a line without an event, several in a faulty one."""

    findings: list[Finding]
    """What is wrong with the line as such."""


class LineReader:
    """Takes in the bytes of a log, in pieces of any size, and gives back its lines, of which it keeps none."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._rest = b""
        self._passed_over = 0
        self.number = 0

    @property
    def sha256(self) -> str:
        """Digest of the bytes so far."""
        return self._digest.hexdigest()

    def feed(self, data: bytes) -> Iterator[LogLine]:
        """Take in more bytes, and yield the lines that end in them."""
        self._digest.update(data)
        *whole, rest = data.split(b"\n")
        for raw in whole:
            yield self._line(raw, ended=True)
        self._rest += rest
        if len(self._rest) > MAX_LINE_BYTES:
            self._passed_over += len(self._rest)
            self._rest = b""

    def end(self) -> Iterator[LogLine]:
        """Yield the line that the end of the log cuts off, where there is one."""
        if self._rest or self._passed_over:
            yield self._line(b"", ended=False)

    def _line(self, raw: bytes, *, ended: bool) -> LogLine:
        raw, self._rest = self._rest + raw, b""
        length, self._passed_over = self._passed_over + len(raw) + ended, 0
        self.number += 1
        line = LogLine(self.number, [], [])
        if length > MAX_LINE_BYTES:
            _add(
                line,
                "sciml-file-004",
                f"at most {MAX_LINE_BYTES} bytes",
                f"{length} bytes",
                "log large things as files",
            )
        if not ended:
            advice = "see whether the log was cut off; write each line whole"
            _add(line, "sciml-file-002", "a line feed at the end of the file", "the end of the file", advice)
        if length <= MAX_LINE_BYTES:
            _read_text(_decoded(raw, line), line)
        return line


def _decoded(raw: bytes, line: LogLine) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        found = f"byte 0x{raw[error.start]:02x} at column {error.start + 1}"
        _add(line, "sciml-file-003", "UTF-8", found, "see whether the file is damaged")
        return raw.decode(errors="replace")


def _read_text(text: str, line: LogLine) -> None:
    before, token, after = text.partition(TOKEN)
    if not token:
        if TORN_TOKEN in text:
            _add(line, "sciml-line-007", show(TOKEN), name(text.strip()), ONE_WRITER)
        return
    if before:
        advice = "write events to a file of their own, and not to stdout"
        _add(line, "sciml-line-006", "the token at the start of the line", f"{show(before)} before it", advice)
    tokens = 1 + after.count(TOKEN)
    if tokens > 1:
        _add(line, "sciml-line-001", "the token once", f"it {tokens} times", ONE_WRITER)
    for piece in after.split(TOKEN):
        try:
            line.records.append(parse_object(piece.strip()))
        except LineError as error:
            if tokens == 1:  # where there are several, their pieces are what is left of torn lines
                advice = "write events with a JSON encoder, line by line"
                _add(line, error.rule, EXPECTED[error.rule], clipped(name(str(error))), advice)


def _add(line: LogLine, rule: str, expected: str, found: str, advice: str) -> None:
    finding = Finding(rule=rule, line=line.number, where="line", expected=expected, found=found, advice=advice)
    line.findings.append(finding)

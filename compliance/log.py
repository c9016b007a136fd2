"""Read a log: bytes to JSON objects with their true line numbers, and findings for every line that is torn.

The log is read once, in pieces of bounded size, and nothing of it is kept. Text without the token is no event and is
passed over, as MLPerf's tools do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, Protocol

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


class Digest(Protocol):
    """What hashlib's objects can do."""

    def update(self, data: bytes, /) -> None:
        """Take in more bytes."""


class LogLine(NamedTuple):
    """One line of a log."""

    number: int
    """Line of the file, from 1."""

    records: list[dict[str, object]]
    """JSON objects of its events: one, none in a line without an event, several in a faulty one."""

    findings: list[Finding]
    """What is wrong with the line as such."""


def read_lines(stream: BinaryIO, digest: Digest) -> Iterator[LogLine]:
    """Read a log line by line, and feed all its bytes to `digest`.

    Raises:
        OSError: the stream cannot be read.
    """
    number = 0
    while raw := stream.readline(MAX_LINE_BYTES):
        number += 1
        digest.update(raw)
        line = LogLine(number, [], [])
        if not raw.endswith(b"\n"):
            _find_end(stream, digest, line, len(raw))
        if len(raw) < MAX_LINE_BYTES or raw.endswith(b"\n"):
            _read_text(_decoded(raw, line), line)
        yield line


def _find_end(stream: BinaryIO, digest: Digest, line: LogLine, length: int) -> None:
    """Pass over what is left of a line that is too long, and see whether it ends at all."""
    rest = raw = b""
    while not raw.endswith(b"\n") and (raw := stream.readline(MAX_LINE_BYTES)):
        digest.update(raw)
        length += len(raw)
        rest = raw
    if length > MAX_LINE_BYTES:
        _add(line, "sciml-file-004", f"at most {MAX_LINE_BYTES} bytes", f"{length} bytes", "log large things as files")
    if not rest.endswith(b"\n"):
        advice = "see whether the log was cut off; write each line whole"
        _add(line, "sciml-file-002", "a line feed at the end of the file", "the end of the file", advice)


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

"""The hash chain of a log: each line holds the SHA-256 of the line that its writer wrote before it (SPEC.md, 2.1).

A log is one file with the lines of two writers, the harness and rank 0. Nothing names a line's writer: a line belongs
to the chain whose last line it names. The bytes are watched while the judge reads them, and nothing of them is kept.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from compliance.finding import NOTHING, Finding, show
from logging_spec.events import MAX_LINE_BYTES, TOKEN, LineError, parse_object

FIELD = "metadata.previous_sha256"
SEAL = "log_seal"
NO_LINE_SHA256 = "0" * 64
"""Stands in the first line of a chain."""

MOST_ENDS = 8
"""Chains whose ends are remembered. An honest log has two; each break leaves one more."""

_TOKEN = TOKEN.encode()
_NAME = b'"previous_sha256"'
_LINK = re.compile(rb'"previous_sha256": ?"([0-9a-f]{64})"\}\}\s*$')
"""A link as the emitter writes it, last in its line; any other line that holds the name is parsed."""

_SEAL = b'"log_seal"'


class Chain:
    """Lines that name one another, or the lines that name none."""

    def __init__(self, line: int) -> None:
        self.first_line = self.last_line = line
        self.count = 0
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Digest of the lines, one after the other."""
        return self._digest.hexdigest()

    def take(self, number: int, raw: bytes) -> None:
        """Take in one more line."""
        self.last_line = number
        self.count += 1
        self._digest.update(raw)


class Seal(NamedTuple):
    """The event with which the harness closes its file."""

    line: int
    chain: Chain
    value: Any
    lines: Any


class ChainWatch:
    """Follows the chains of one log while its bytes pass by. Its memory does not grow with the log."""

    def __init__(self) -> None:
        self._number = 0
        self._rest = b""
        self._in_use: bool | None = None
        self._ends: dict[str, Chain] = {}
        self._loose: Chain | None = None
        self._seal: Seal | None = None
        self._findings: list[Finding] = []

    def feed(self, data: bytes) -> None:
        """Take in the next bytes of the log, in pieces of any size."""
        while self._in_use is None and data:  # until the first event says whether there are links
            raw, end, data = data.partition(b"\n")
            self._line(raw, ended=bool(end))
        if self._in_use is False:
            self._pass(data)
            return
        *whole, rest = data.split(b"\n")
        for raw in whole:
            self._line(raw, ended=True)
        self._line(rest, ended=False)

    def _line(self, raw: bytes, *, ended: bool) -> None:
        if ended:
            self._number += 1
            self._take(self._rest + raw + b"\n")
            self._rest = b""
        else:  # of a line that is too long to be one, just enough is kept to tell so
            self._rest = (self._rest + raw)[: MAX_LINE_BYTES + 1]

    def findings(self) -> list[Finding]:
        """What is wrong with the chains, now that the log has ended."""
        if self._in_use and not self._findings:
            self._findings += self._end()
        return self._findings

    def _pass(self, data: bytes) -> None:
        """Look at bytes of a log whose first event has no link: none other may have one."""
        seen = self._rest + data  # a name may lie across two pieces
        if _NAME in seen and not self._findings:
            line = self._number + 1 - self._rest.count(b"\n") + seen[: seen.index(_NAME)].count(b"\n")
            advice = "keep the first line of the log, as it was written"
            self._add("chain-002", line, FIELD, "no link, as in the first event", "one", advice)
        self._number += data.count(b"\n")
        self._rest = seen[1 - len(_NAME) :]

    def _take(self, raw: bytes) -> None:
        if _TOKEN not in raw or len(raw) > MAX_LINE_BYTES:
            return
        link = _link(raw)
        if self._in_use is None:
            self._in_use = link is not None
        if link is None:
            self._loose = self._loose or Chain(self._number)
            self._loose.take(self._number, raw)
            return
        chain = self._ends.pop(link, None) or self._begin(link)
        chain.take(self._number, raw)
        if len(self._ends) == MOST_ENDS:
            del self._ends[min(self._ends, key=lambda end: self._ends[end].last_line)]
        end = hashlib.sha256(raw).hexdigest()
        if end in self._ends:
            advice = "take out the line that stands twice"
            self._add("chain-001", self._number, FIELD, "a line that is in the log once", "the same again", advice)
        self._ends[end] = chain
        if _SEAL in raw and (event := _parsed(raw)).get("key") == SEAL:
            self._seal = Seal(self._number, chain, event.get("value"), event["metadata"].get("lines"))

    def _begin(self, link: str) -> Chain:
        """Begin a chain: with its first line, or, where a line names one that is not there, after a break."""
        if link != NO_LINE_SHA256:
            advice = "look for a line before this one that was changed, moved or taken out"
            expected = "the SHA-256 of its writer's line before"
            self._add("chain-001", self._number, FIELD, expected, show(link), advice)
        return Chain(self._number)

    def _end(self) -> Iterator[Finding]:
        """Hold the seal to the lines, in a log without a break."""
        if self._seal is None:
            advice = "see whether the end of the log was cut off"
            yield _finding("chain-003", max(1, self._number), SEAL, "it as the harness's last event", NOTHING, advice)
            return
        line, own, *_ = self._seal
        if own.last_line != line:
            advice = "take out what was put in after the run"
            yield _finding("chain-003", own.last_line, SEAL, "no line of the harness behind it", "one", advice)
            return
        rank0 = [chain for chain in self._ends.values() if chain is not own] + ([self._loose] if self._loose else [])
        rank0.sort(key=lambda chain: chain.first_line)
        if len(rank0) > 1:
            found = "events that belong to neither"
            advice = "look for lines that were put in, or whose links were taken out"
            yield _finding(
                "chain-002", rank0[1].first_line, FIELD, "one chain of the harness, one of rank 0", found, advice
            )
            return
        yield from self._compare(self._seal, rank0[0] if rank0 else Chain(0))

    def _compare(self, seal: Seal, rank0: Chain) -> Iterator[Finding]:
        if (seal.value, seal.lines) != (rank0.sha256, rank0.count):
            expected = f"{rank0.count} lines of rank 0 with SHA-256 {rank0.sha256[:16]}…"
            found = f"{show(seal.lines)} with SHA-256 {show(seal.value)[1:17]}…"
            advice = "look for lines of rank 0 that were changed, added or cut off"
            yield _finding("chain-003", seal.line, SEAL, expected, found, advice)

    def _add(self, rule: str, line: int, where: str, expected: str, found: str, advice: str) -> None:
        self._findings.append(_finding(rule, line, where, expected, found, advice))


class Source(Protocol):
    """What a log is read from."""

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes."""

    def readline(self, size: int = -1, /) -> bytes:
        """Read up to the end of a line, or `size` bytes."""


class Watch(Protocol):
    """Whoever looks at the bytes of a log while they pass by."""

    def feed(self, data: bytes) -> None:
        """Take in the next bytes, in pieces of any size."""


class WatchedStream:
    """A stream of bytes that shows a watch all that is read from it."""

    def __init__(self, stream: Source, watch: Watch) -> None:
        self._stream = stream
        self._watch = watch

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes.

        Raises:
            OSError: the stream cannot be read.
        """
        data = self._stream.read(size)
        self._watch.feed(data)
        return data

    def readline(self, size: int = -1) -> bytes:
        """Read up to the end of a line, or `size` bytes.

        Raises:
            OSError: the stream cannot be read.
        """
        data = self._stream.readline(size)
        self._watch.feed(data)
        return data


def _link(raw: bytes) -> str | None:
    """Return the link of a line; None where it has none."""
    place = raw.rfind(_NAME)
    if place < 0:
        return None
    if match := _LINK.match(raw, place):
        return match.group(1).decode()
    found = _parsed(raw)["metadata"].get("previous_sha256")
    return found if found is None or isinstance(found, str) else show(found)


def _parsed(raw: bytes) -> dict[str, Any]:
    """Return the event of a line; one without anything where it is none, which other rules say."""
    try:
        event = parse_object(raw.partition(_TOKEN)[2].decode().strip())
    except (LineError, UnicodeDecodeError):
        event = {}
    return event if isinstance(event.get("metadata"), dict) else {"metadata": {}}


def _finding(rule: str, line: int, where: str, expected: str, found: str, advice: str) -> Finding:
    return Finding(rule=rule, line=line, where=where, expected=expected, found=found, advice=advice)

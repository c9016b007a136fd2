"""Judge a log: read it once, hold each event and then the whole to the checks, and gather what was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from compliance import facts, rundir
from compliance.checks import EVENT_CHECKS, EVERY_KEY, LOG_CHECKS, EventCheck
from compliance.checks.fields import check_fields, interpret
from compliance.event import LoggedEvent
from compliance.finding import Finding
from compliance.log import LineReader, LogLine
from compliance.rules import Ruleset
from compliance.story import Story

PIECE_BYTES = 1 << 16
"""Bytes of a log that are read at a time."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the rules say of one log."""

    file: str
    """The log, as it was named."""

    sha256: str | None
    """Digest of its bytes; None where there is no log."""

    lines: int
    """Lines in it."""

    events: int
    """Events in it."""

    summary: dict[str, Any]
    """Facts of the run (verdict.schema.json, summary)."""

    findings: tuple[Finding, ...]
    """What is wrong, by line."""


class Judge:
    """Judges one log while its bytes arrive, in pieces of any size. Its memory does not grow with the log."""

    def __init__(self, rules: Ruleset) -> None:
        self.rules = rules
        self.story = Story(life_cycle=rules.life_cycle, state=rules.life_cycle.initial)
        self._lines = LineReader()
        self._findings: list[Finding] = []

    def feed(self, data: bytes) -> list[Finding]:
        """Take in more bytes of the log, and return what is wrong with the lines that end in them."""
        return self._keep(found for line in self._lines.feed(data) for found in self._read(line))

    def end(self) -> list[Finding]:
        """Take the log as ended, and return what is wrong with its last line and with the whole."""
        last = self._keep(found for line in self._lines.end() for found in self._read(line))
        return last + self._keep(found for check in LOG_CHECKS for found in check(self.story, self.rules))

    def judgement(self, name: str, more: Iterable[Finding] = ()) -> Judgement:
        """Return the judgement of all that was taken in; `more` are findings from beside the log."""
        self._keep(more)
        return Judgement(
            file=name,
            sha256=self._lines.sha256,
            lines=self.story.lines,
            events=self.story.events,
            summary=facts.summarise(self.story),
            findings=tuple(sorted(self._findings, key=lambda finding: finding.line)),
        )

    def _keep(self, findings: Iterable[Finding]) -> list[Finding]:
        kept = [finding for finding in findings if finding.rule in self.rules.rules]
        self._findings += kept
        return kept

    def _read(self, line: LogLine) -> Iterator[Finding]:
        self.story.lines = line.number
        yield from line.findings
        for record in line.records:
            yield from check_fields(record, line.number, self.rules)
            event = interpret(record, line.number, self.rules)
            if event is not None:
                yield from self._hear(event)

    def _hear(self, event: LoggedEvent) -> Iterator[Finding]:
        for check in _checks_of(event.key if event.key in self.rules.keys else None):
            yield from check(event, self.story, self.rules)
        self.story.advance(event, known=event.key in self.rules.keys)


def judge(path: Path, rules: Ruleset) -> Judgement:
    """Judge a log, or a run directory with its log.

    Raises:
        OSError: the log cannot be read.
    """
    if not path.is_dir():
        return _judge_log(path, rules, None)
    config = rundir.read_config(path)
    log = path / rundir.LOG
    if log.is_file():
        return _judge_log(log, rules, config)
    findings = (rundir.no_log(), *config.findings)
    summary = facts.summarise(Judge(rules).story)
    return Judgement(file=str(log), sha256=None, lines=0, events=0, summary=summary, findings=findings)


def judge_stream(stream: BinaryIO, name: str, rules: Ruleset) -> Judgement:
    """Judge a log from its stream, which is read once to its end and need not be a file of its own.

    Raises:
        OSError: the stream cannot be read.
    """
    return _hear_out(stream, rules).judgement(name)


def _judge_log(path: Path, rules: Ruleset, config: rundir.RunConfig | None) -> Judgement:
    with path.open("rb") as stream:
        judge = _hear_out(stream, rules)
    more = list(config.findings) if config else []
    if config and config.content:
        more += rundir.check_agreement(config.content, judge.story, rules)
    return judge.judgement(str(path), more)


def _hear_out(stream: BinaryIO, rules: Ruleset) -> Judge:
    judge = Judge(rules)
    while data := stream.read(PIECE_BYTES):
        judge.feed(data)
    judge.end()
    return judge


@cache
def _checks_of(key: str | None) -> tuple[EventCheck, ...]:
    """Return the checks that look at a key; None stands for every key that the registry does not hold."""
    return tuple(check for check, keys in EVENT_CHECKS if keys is EVERY_KEY or key in keys)

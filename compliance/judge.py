"""Judge a log: read it once, hold each event and then the whole to the checks, and gather what was found."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, cast

from compliance import facts, rundir
from compliance.chain import ChainWatch, WatchedStream
from compliance.checks import EVENT_CHECKS, EVERY_KEY, LOG_CHECKS, EventCheck
from compliance.checks.fields import check_fields, interpret
from compliance.event import LoggedEvent
from compliance.finding import Finding
from compliance.log import LogLine, read_lines
from compliance.rules import Ruleset
from compliance.story import Story


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

    is_log: bool = True
    """Whether it is about a log; a package has other files too."""


class Judge:
    """Judges one log while it is read. Its memory does not grow with the log."""

    def __init__(self, rules: Ruleset) -> None:
        self._rules = rules
        self.story = Story(life_cycle=rules.life_cycle, state=rules.life_cycle.initial)

    def read(self, line: LogLine) -> Iterator[Finding]:
        """Judge one more line."""
        self.story.lines = line.number
        yield from line.findings
        for record in line.records:
            yield from check_fields(record, line.number, self._rules)
            event = interpret(record, line.number, self._rules)
            if event is not None:
                yield from self._hear(event)

    def end(self) -> Iterator[Finding]:
        """Judge the log as a whole."""
        for check in LOG_CHECKS:
            yield from check(self.story, self._rules)

    def _hear(self, event: LoggedEvent) -> Iterator[Finding]:
        for check in _checks_of(event.key if event.key in self._rules.keys else None):
            yield from check(event, self.story, self._rules)
        self.story.advance(event, known=event.key in self._rules.keys)


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
    return _judge_stream(stream, name, rules, None)


def _judge_log(path: Path, rules: Ruleset, config: rundir.RunConfig | None) -> Judgement:
    with path.open("rb") as stream:
        return _judge_stream(stream, str(path), rules, config)


def _judge_stream(stream: BinaryIO, name: str, rules: Ruleset, config: rundir.RunConfig | None) -> Judgement:
    judge, digest, chains = Judge(rules), hashlib.sha256(), ChainWatch()
    findings = list(config.findings) if config else []
    for line in read_lines(cast(BinaryIO, WatchedStream(stream, chains)), digest):
        findings += judge.read(line)
    findings += judge.end()
    findings += chains.findings()
    if config and config.content:
        findings += rundir.check_agreement(config.content, judge.story, rules)
    return Judgement(
        file=name,
        sha256=digest.hexdigest(),
        lines=judge.story.lines,
        events=judge.story.events,
        summary=facts.summarise(judge.story),
        findings=tuple(sorted((f for f in findings if f.rule in rules.rules), key=lambda finding: finding.line)),
    )


@cache
def _checks_of(key: str | None) -> tuple[EventCheck, ...]:
    """Return the checks that look at a key; None stands for every key that the registry does not hold."""
    return tuple(check for check, keys in EVENT_CHECKS if keys is EVERY_KEY or key in keys)

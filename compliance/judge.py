"""Judge a log: read it once, hold each event and then the whole to the checks, and gather what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from compliance import facts, rundir
from compliance.chain import ChainWatch
from compliance.checks import EventCheck, checks_of, log_checks
from compliance.checks.fields import as_dict, as_stock_tools, check_fields, is_event
from compliance.choose import Head
from compliance.event import LoggedEvent
from compliance.expand import ExpansionError, pieces
from compliance.finding import Finding
from compliance.log import LineReader, LogLine
from compliance.registry import KeyRule
from compliance.rules import Ruleset
from compliance.story import Story

if TYPE_CHECKING:
    from compliance.quick import Record

MOST_OF_A_RULE = 1000
"""Findings of a rule that are listed for one log; the rest are counted, so that memory is bounded."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the rules say of one log."""

    file: str
    """The log, as it was named."""

    sha256: str | None
    """Digest of its bytes, expanded where they are compressed; None where there is no log."""

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

    seed_line: int | None = None
    """Line in which the seed stands."""


class Plan(NamedTuple):
    """What is done with the events of a key."""

    known: KeyRule | None
    """What the rule set knows of the key."""

    checks: tuple[EventCheck, ...]
    """The checks that look at it."""


MOST_PLANS = 1024
"""Keys whose plans are kept."""


class Judge:
    """Judges one log while its bytes arrive, in pieces of any size. Its memory does not grow with the log."""

    def __init__(self, rules: Ruleset) -> None:
        self._head = Head(rules.selectors, rules.undecided) if rules.selectors else None
        self._findings: list[Finding] = []
        self._times: Counter[str] = Counter()
        self._unlisted: dict[str, int] = {}
        self._lines = LineReader(as_stock_tools=rules.as_stock_tools)
        self._chains = ChainWatch()
        self._begin(rules)

    def _begin(self, rules: Ruleset) -> None:
        self.rules = rules
        self.story = Story(life_cycle=rules.life_cycle, state=rules.life_cycle.initial, fixed_target=rules.target)
        self._plans: dict[str, Plan] = {}

    def feed(self, data: bytes) -> list[Finding]:
        """Take in more bytes of the log, and return what is wrong with the lines that end in them.

        Where the rules depend on what the log says of itself, its events are held until it has said so.
        """
        self._chains.feed(data)
        if self._head is None:
            return self._hear(data)
        self._head.measure(data)
        found = self._keep([fault for line in self._lines.feed(data) for fault in self._hold(line)])
        return found + self._release() if self._head.ends else found

    def end(self) -> list[Finding]:
        """Take the log as ended, and return what is wrong with its last line and with the whole."""
        found: list[Finding] = []
        for line in self._lines.end():
            if self._head is None:
                self._read(line, found)
            else:
                found += self._hold(line)
        held = self._keep(found) + self._release()
        found = []
        for check in log_checks(self.rules):
            found += check(self.story, self.rules)
        found += self._chains.findings()
        return held + self._keep(found)

    def _hold(self, line: LogLine | Record) -> Sequence[Finding]:
        """Hold a line with events; return what is wrong with one that has none."""
        if not isinstance(line, LogLine):
            line = LogLine(self._lines.number, (as_dict(line),), ())
        if self._head is None or not line.records:
            return line.findings
        self._head.take(line)
        return ()

    def _release(self) -> list[Finding]:
        if self._head is None:
            return []
        head, self._head = self._head, None
        self._begin(self.rules.variant(head.facts))
        found: list[Finding] = []
        for line in head.lines:
            self._read(line, found)
        self.story.lines = self._lines.number
        return self._keep(found)

    def _hear(self, data: bytes) -> list[Finding]:
        found: list[Finding] = []
        lines, rules, story, plans = self._lines, self.rules, self.story, self._plans
        accepts_metadata, event_of = rules.accepts_metadata, tuple.__new__
        for line in lines.feed(data):
            if isinstance(line, LogLine):
                self._read(line, found)
                continue
            # Most lines of a long log come this way: what costs time stands here, and not behind a call.
            number, key, value, metadata = lines.number, line.key, line.value, line.metadata
            if not accepts_metadata(metadata):
                found += check_fields(as_dict(line), number, rules)
            known, checks = plans.get(key) or self._plan(key)
            sound = known is not None and known.is_sound(value, metadata)
            event = event_of(LoggedEvent, (number, line.time_ms, line.event_type, key, value, metadata, sound))
            for check in checks:
                if faults := check(event, story, rules):
                    found += faults
            story.advance(event, known=known is not None)
        story.lines = lines.number
        return self._keep(found) if found else found

    def break_off(self, error: ExpansionError) -> None:
        """Note that the log could be read thus far and no farther."""
        self._keep(
            [
                Finding(
                    rule=error.rule,
                    line=max(1, self._lines.number),
                    where="file",
                    expected=error.expected,
                    found=error.found,
                    advice=error.advice,
                )
            ]
        )

    def judgement(self, name: str, more: Iterable[Finding] = ()) -> Judgement:
        """Return the judgement of all that was taken in; `more` are findings from beside the log."""
        self._keep(more)
        found = [*self._findings, *self._more()]
        return Judgement(
            file=name,
            sha256=self._lines.sha256,
            lines=self.story.lines,
            events=self.story.events,
            summary=facts.summarise(self.story),
            findings=tuple(sorted(found, key=lambda finding: finding.line)),
            seed_line=seed.line if (seed := self.story.first.get("seed")) else None,
        )

    def _keep(self, findings: Iterable[Finding]) -> list[Finding]:
        named = [under_id for finding in findings if (under_id := self.rules.named(finding)) is not None]
        for finding in named:
            self._times[finding.rule] += 1
            if self._times[finding.rule] <= MOST_OF_A_RULE:
                self._findings.append(finding)
            else:
                self._unlisted.setdefault(finding.rule, finding.line)
        return named

    def _more(self) -> Iterator[Finding]:
        """Sum up the findings that are not listed, each rule's in one."""
        for rule, line in self._unlisted.items():
            count = self._times[rule] - MOST_OF_A_RULE
            yield Finding(
                rule=rule,
                line=line,
                where="log",
                expected=f"no more findings of this rule than the {MOST_OF_A_RULE} above",
                found=f"{count} more in this line and below",
                advice="correct those above, and check again",
                count=count,
            )

    def _read(self, line: LogLine, found: list[Finding]) -> None:
        number, records, faults = line
        self.story.lines = number
        found += faults
        for record in records:
            found += check_fields(record, number, self.rules)
            taken = as_stock_tools(record) if self.rules.as_stock_tools else record
            if not is_event(taken):
                continue
            key, value, metadata = taken["key"], taken["value"], taken["metadata"]
            known, checks = self._plans.get(key) or self._plan(key)
            sound = known is not None and known.is_sound(value, metadata)
            event = LoggedEvent(number, taken["time_ms"], taken.get("event_type"), key, value, metadata, sound)
            for check in checks:
                found += check(event, self.story, self.rules)
            self.story.advance(event, known=known is not None)

    def _plan(self, key: str) -> Plan:
        """Make the plan of a key. Those of keys that nobody knows are not all kept: a log may hold any number."""
        plan = Plan(self.rules.keys.get(key), checks_of(key, self.rules))
        if len(self._plans) < MOST_PLANS:
            self._plans[key] = plan
        return plan


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
    return replace(Judge(rules).judgement(str(log), (rundir.no_log(), *config.findings)), sha256=None)


def judge_stream(stream: BinaryIO, name: str, rules: Ruleset) -> Judgement:
    """Judge a log from its stream, which is read once to its end, and expanded where it is compressed.

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
    try:
        for data in pieces(stream):
            judge.feed(data)
    except ExpansionError as error:
        judge.break_off(error)
    judge.end()
    return judge

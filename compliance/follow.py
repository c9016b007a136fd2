"""Judge a log while it is written: tell findings as they come, and end when the log does."""

from __future__ import annotations

import contextlib
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from compliance import rundir
from compliance.beyond_mending import check_lasting
from compliance.finding import Finding, file_name
from compliance.growing import GrowingFile, GrowingLog, GrowingRun, RestartedError
from compliance.judge import MOST_OF_A_RULE, Judge, Judgement, judge
from compliance.rules import Ruleset

POLL_S = 0.25
"""Seconds between two looks at the log."""

SETTLE_S = 5.0
"""Seconds without a new line after which a log in which the run has stopped is taken for whole."""

Tell = Callable[[Finding], bool]
"""Shows a finding; whether anybody is still there to read it."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """When following ends, beside the end of the log."""

    until_hopeless: bool = False
    """End as soon as the log can no longer be compliant, or at run_stop; judge nothing that may still be mended."""

    patience_s: float = float("inf")
    """Seconds without a new line after which the log is taken for whole."""

    settle_s: float = SETTLE_S
    """The same once run_stop is in the log."""


class Stopped:
    """Whether somebody asked for an end, by Ctrl-C or SIGTERM: noted, so that no line is judged by halves."""

    def __init__(self) -> None:
        self.yes = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Stopped:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.yes = True


class Follower:
    """Judges one log while it grows; what it has found so far can never be taken back."""

    def __init__(self, path: Path, rules: Ruleset) -> None:
        self._path, self._rules = path, rules
        self._log: GrowingLog | None = None
        self._begin()

    def look(self) -> tuple[bool, list[Finding]]:
        """Read what was added: whether that was anything, and what is wrong with it.

        Raises:
            RestartedError: the log begins anew, and so does this judgement.
            OSError: it cannot be read.
        """
        if self._log is None and self._path.exists():
            self._log = GrowingRun(self._path) if self._path.is_dir() else GrowingFile(self._path)
        try:
            data = self._log.news() if self._log is not None else b""
        except RestartedError:
            self._begin()
            raise
        if not data:
            return False, []
        found = self._judge.feed(data)
        for finding in self._lasting():
            if _words(finding) not in self._lasting_told:
                self._lasting_told.add(_words(finding))
                found.append(finding)
        self._keep(found)
        return True, found

    def _keep(self, findings: Iterable[Finding]) -> None:
        """Keep as many findings of a rule as a judgement lists."""
        for finding in findings:
            self._times[finding.rule] += 1
            if self._times[finding.rule] <= MOST_OF_A_RULE:
                self._found.append(finding)

    @property
    def stopped(self) -> bool:
        """Whether run_stop is in the log."""
        return self._judge.story.counts["run_stop"] > 0

    @property
    def closed(self) -> bool:
        """Whether nothing more will be added to the log."""
        return self._log is not None and self._log.closed()

    def judgement(self) -> Judgement:
        """Return what was found so far, and nothing that may still be mended."""
        return replace(self._judge.judgement(str(self._path)), findings=tuple(self._found))

    def verdict(self) -> tuple[list[Finding], Judgement]:
        """Take the log as ended: what was not found before, and the judgement of the whole."""
        if self._path.is_dir() and self.closed:
            whole = judge(self._path, self._rules)
        else:
            self._judge.end()
            whole = self._judge.judgement(str(self._path), self._beside())
        # In the merged log, a finding may stand in another line than in the files that it was merged from.
        before = Counter(map(_words, self._found))
        new = []
        for finding in whole.findings:
            before[_words(finding)] -= 1
            if before[_words(finding)] < 0:
                new.append(finding)
        return new, whole

    def close(self) -> None:
        """Let go of the log."""
        if self._log is not None:
            self._log.close()

    def _begin(self) -> None:
        self._judge = Judge(self._rules)
        self._config: rundir.RunConfig | None = None
        self._found: list[Finding] = []
        self._times: Counter[str] = Counter()
        self._lasting_told: set[tuple[str, str, str, str]] = set()

    def _lasting(self) -> Iterator[Finding]:
        rules = self._judge.rules  # those that the log has chosen by what it says of itself
        yield from check_lasting(self._judge.story, rules)
        yield from (named for finding in self._beside() if (named := rules.named(finding)) is not None)

    def _beside(self) -> Iterator[Finding]:
        """Hold the log against run.json, which is written before the first event."""
        if not self._path.is_dir():
            return
        self._config = self._config or rundir.read_config(self._path)
        yield from self._config.findings
        if self._config.content:
            yield from rundir.check_agreement(self._config.content, self._judge.story, self._rules)


def _words(finding: Finding) -> tuple[str, str, str, str]:
    return finding.rule, finding.where, finding.expected, finding.found


def follow(path: Path, rules: Ruleset, manner: Manner, *, tell: Tell, say: Callable[[str], None]) -> Judgement:
    """Follow a log, or a run directory, to its end; a log that is not there yet is waited for.

    Args:
        path: the log or the run directory.
        rules: what it is judged by.
        manner: when to end.
        tell: shows a finding as it comes.
        say: shows a sentence about the log as such.

    Raises:
        OSError: the log cannot be read.
    """
    with Stopped() as stopped, contextlib.closing(Follower(path, rules)) as follower:
        heard_s = time.monotonic()
        while True:
            closed = follower.closed
            try:
                news, findings = follower.look()
            except RestartedError:
                say(f"{file_name(str(path))}: was cut or replaced; it is judged anew from its start")
                continue
            if not all(map(tell, findings)):
                return follower.judgement()
            if manner.until_hopeless and (follower.stopped or _has_errors(findings, rules)):
                return follower.judgement()
            if news and not stopped.yes:
                heard_s = time.monotonic()
                continue
            limit_s = manner.settle_s if follower.stopped and path.is_file() else manner.patience_s
            if stopped.yes or closed or time.monotonic() - heard_s > limit_s:
                break
            time.sleep(POLL_S)
        findings, whole = follower.verdict()
        all(map(tell, findings))
        return whole


def _has_errors(findings: Iterable[Finding], rules: Ruleset) -> bool:
    return any(rules.rules[finding.rule].severity == "error" for finding in findings)

"""Text for people: a line for each finding, by file and line, and one line that sums up.

A log with one careless line in a loop has hundreds of equal findings, which bury the others. Where a log has more
findings than fit on a screen, those of one rule at one key and field are told by the first of them and their number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from compliance.finding import Finding
from compliance.judge import Judgement
from compliance.reporters.common import Look, by_file, line_of, severity, summary_line
from compliance.rules import Ruleset

SCREEN = 24
"""Findings of one log up to which each has its line."""

COLOURS = {"error": "\033[31m", "warning": "\033[33m"}
PLAIN = "\033[0m"


def report(judgements: Sequence[Judgement], rules: Ruleset, look: Look) -> str:
    """Return the lines."""
    lines = [line for judged in by_file(judgements) for line in _lines(judged, rules, look)]
    return "\n".join([*lines, summary_line(judgements, rules)]) + "\n"


def finding_line(file: str, finding: Finding, rules: Ruleset, look: Look) -> str:
    """Return the line of one finding, in colour where that is asked for."""
    line = line_of(file, finding, rules)
    if not look.colour:
        return line
    said = line.rindex(finding.message)
    return f"{line[:said]}{COLOURS[severity(finding, rules)]}{line[said:]}{PLAIN}"


def _lines(judged: Judgement, rules: Ruleset, look: Look) -> Iterator[str]:
    if look.every or len(judged.findings) <= SCREEN:
        for finding in judged.findings:
            yield finding_line(judged.file, finding, rules, look)
        return
    alike = Counter(map(_kind, judged.findings))
    last = {_kind(finding): finding.line for finding in judged.findings}
    for finding in judged.findings:
        more = alike.pop(_kind(finding), 0) - 1
        if more >= 0:
            line = finding_line(judged.file, finding, rules, look)
            yield f"{line} (and {more} more like it, to line {last[_kind(finding)]}; --all)" if more else line


def _kind(finding: Finding) -> tuple[str, str]:
    return finding.rule, finding.where

"""Workflow commands of GitHub Actions: each finding becomes an annotation of its file and line.

The escapes are those of GitHub's own toolkit: a message may hold anything but `%` and line ends, a property neither
these nor `:` and `,`. GitHub shows ten errors and ten warnings of a step; all of them stand in its log.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compliance.judge import Judgement
from compliance.reporters.common import Look, by_file, severity, summary_line
from compliance.rules import Ruleset

DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
PROPERTY = DATA | str.maketrans({":": "%3A", ",": "%2C"})


def report(judgements: Sequence[Judgement], rules: Ruleset, _look: Look) -> str:
    """Return the commands, and the line that sums up."""
    return "\n".join([*_commands(judgements, rules), summary_line(judgements, rules)]) + "\n"


def _commands(judgements: Sequence[Judgement], rules: Ruleset) -> Iterator[str]:
    for log in by_file(judgements):
        file = log.file.translate(PROPERTY)
        for finding in log.findings:
            title = finding.rule.translate(PROPERTY)
            properties = f"file={file},line={finding.line},title={title}"
            yield f"::{severity(finding, rules)} {properties}::{finding.message.translate(DATA)}"

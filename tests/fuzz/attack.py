"""What has to be true of the checker whatever a log holds: it is asked here of any bytes at all."""

from __future__ import annotations

import io
import json
from xml.etree import ElementTree as ET

from judging import RULES

from compliance import reporters
from compliance import rules as rule_sets
from compliance.beyond_mending import check_lasting
from compliance.expand import GZIP, ZSTANDARD
from compliance.judge import Judge, Judgement, judge_stream
from compliance.rules import Ruleset

LONGEST_MESSAGE = 1500
"""Characters; a message that a terminal cannot show on a few lines helps nobody."""


RULE_SETS = (RULES, rule_sets.load("mlperf-hpc-3.0.0"), rule_sets.load("mlperf-hpc-3.0.0", strict=True))
"""Each input is judged by one of them, which its length picks."""


def attack(content: bytes, *, every_form: bool = True) -> Judgement:
    """Judge bytes in every way there is, and hold the answers to what they must be.

    Raises:
        AssertionError: they are something else.
    """
    rules = RULE_SETS[len(content) % len(RULE_SETS)]
    judged = judge_stream(io.BytesIO(content), "log", rules)
    plain = not content.startswith((GZIP, ZSTANDARD))
    assert not plain or rules.as_stock_tools or judged.lines == lines_in(content)
    for finding in judged.findings:
        assert finding.rule in rules.rules
        assert 1 <= finding.line <= max(1, judged.lines)
        assert finding.message.isprintable()
        assert len(finding.message) <= LONGEST_MESSAGE
    if plain:
        _in_pieces(content, judged, rules)
    if every_form:
        _in_every_form(judged, rules)
    return judged


def lines_in(content: bytes) -> int:
    """Count lines as every other tool counts them."""
    return content.count(b"\n") + (not content.endswith(b"\n") and bool(content))


def _in_pieces(content: bytes, whole: Judgement, rules: Ruleset) -> None:
    """The answer does not depend on how the bytes arrive, and what is said early stays said."""
    judge, cut = Judge(rules), len(content) * 2 // 3
    early = judge.feed(content[:cut])
    list(check_lasting(judge.story, judge.rules))
    judge.feed(content[cut:])
    judge.end()
    assert judge.judgement("log") == whole
    assert set(early) <= set(whole.findings) or any(finding.count > 1 for finding in whole.findings)


def _in_every_form(judged: Judgement, rules: Ruleset) -> None:
    told = {form: reporters.report(form, [judged], rules, reporters.Look(every=True)) for form in reporters.FORMS}
    count = len(judged.findings)
    assert told["text"].count("\n") == count + 1
    assert told["github"].count("\n::") + told["github"].startswith("::") == count
    assert len(json.loads(told["json"])["files"][0]["findings"]) == count
    assert len(json.loads(told["sarif"])["runs"][0]["results"]) == count
    assert len(ET.fromstring(told["junit"]).findall("testsuite/testcase")) == len(rules.rules)
    json.loads(told["json"], parse_constant=lambda constant: 1 / 0)

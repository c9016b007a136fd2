"""JUnit XML, which every continuous integration server reads: a suite for each log, a test case for each rule.

A rule that is broken as an error is a failure. JUnit knows no warnings: a rule that is broken as a warning passes, and
says so in its output.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from compliance.finding import file_name
from compliance.judge import Judgement
from compliance.reporters.common import Look, by_file, line_of, plural
from compliance.rules import Ruleset


def report(judgements: Sequence[Judgement], rules: Ruleset, _look: Look) -> str:
    """Return the document, as ASCII."""
    suites = ET.Element("testsuites", name=f"compliance with {rules.name}{', strict' if rules.strict else ''}")
    for log in by_file(judgements):
        suites.append(_suite(log, rules))
    for count in ("tests", "failures", "errors"):
        suites.set(count, str(sum(int(suite.get(count, "0")) for suite in suites)))
    ET.indent(suites)
    document: bytes = ET.tostring(suites, encoding="us-ascii", xml_declaration=True)
    return document.decode("ascii") + "\n"


def _suite(log: Judgement, rules: Ruleset) -> ET.Element:
    suite = ET.Element("testsuite", name=file_name(log.file), time="0")
    for rule in rules.rules:
        suite.append(_case(log, rule, rules))
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", "0")
    return suite


def _case(log: Judgement, rule: str, rules: Ruleset) -> ET.Element:
    severity, title = rules.rules[rule]
    case = ET.Element("testcase", classname=file_name(log.file), name=f"{rule} {title}", time="0")
    lines = [line_of(log.file, finding, rules) for finding in log.findings if finding.rule == rule]
    if lines and severity == "error":
        told = plural(sum(finding.count for finding in log.findings if finding.rule == rule), "finding")
        ET.SubElement(case, "failure", type=rule, message=f"{told}: {lines[0]}").text = "\n".join(lines)
    elif lines:
        ET.SubElement(case, "system-out").text = "\n".join(lines)
    return case

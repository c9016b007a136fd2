"""The forms of the verdict: all say the same findings, and readers read them, whatever a log or its name holds."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree as ET

import pytest
from checking import GOLDEN, cases, check, golden_lines, line_of, place_of, record_of
from jsonschema import Draft4Validator, Draft202012Validator

from compliance import cli, reporters
from compliance import rules as rule_sets
from compliance.finding import Finding
from compliance.judge import Judgement
from compliance.reporters.text import SCREEN

RULES = rule_sets.load()
# The schema of the standard, which itself names draft 4, and the narrower part of it that the checker writes. That part
# also looks at what a URI is made of, and knows no member that the checker does not write.
OFFICIAL_FILE = Path(__file__).with_name("sarif-2.1.0-rtm.5.schema.json")
OFFICIAL = Draft4Validator(json.loads(OFFICIAL_FILE.read_bytes()))
PART = Draft202012Validator(json.loads(Path(__file__).with_name("sarif-2.1.0-part.schema.json").read_bytes()))

ALL_LOGS = [path for path in [*cases("valid"), *cases("invalid")] if not path.with_suffix(".benchmark.json").exists()]
ALL_LOGS += sorted((GOLDEN / "mlperf-hpc-3.0.0" / "invalid").glob("*.mllog"))[::6]
MLPERF = "mlperf-hpc-3.0.0"
ALL_MLPERF = [*cases(f"{MLPERF}/valid"), *cases(f"{MLPERF}/invalid")]
ODD_NAMES = ["a b", "-q", "100%", "a:b,c", "line\nfeed", "::error::", "\udcff", "é", "<&'\">", "\x1b[2J"]


def findings_of(*paths: Path) -> list[tuple[str, int, str]]:
    """Return (severity, line, rule) of every finding, from the JSON verdict."""
    files = check(*paths, "--format", "json").document["files"]
    return [(found["severity"], found["line"], found["rule"]) for file in files for found in file["findings"]]


def sarif_errors(document: Any) -> list[str]:
    """Return what the standard's schema finds wrong in a document, then what the narrower one does."""
    return [
        f"{schema} {error.json_path}: {error.message}"
        for schema, validator in (("standard", OFFICIAL), ("part", PART))
        for error in validator.iter_errors(document)
    ]


def sarif(*paths: Path | str, ruleset: str = "auto") -> dict[str, Any]:
    """Return the one run of a SARIF document that matches its schemas."""
    document = check("--format", "sarif", "--ruleset", ruleset, "--", *paths).document
    assert sarif_errors(document) == []
    (run,) = document["runs"]
    assert isinstance(run, dict)
    return run


def undo(text: str) -> str:
    """Undo the escapes of workflow commands, as GitHub's runner does."""
    for escape, character in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(escape, character)
    return text


def annotations(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Read workflow commands: name, properties, message."""
    read = []
    for line in text.split("\n"):
        if line.startswith("::"):
            head, _, message = line[2:].partition("::")
            command, _, properties = head.partition(" ")
            pairs = (pair.partition("=") for pair in properties.split(","))
            read.append((command, {name: undo(value) for name, _, value in pairs}, undo(message)))
    return read


def test_the_command_line_offers_every_form() -> None:
    assert set(reporters.FORMS) == set(cli.FORMS)


@pytest.mark.parametrize("path", ALL_LOGS, ids=lambda path: f"{path.parent.stem}/{path.stem}")
def test_every_form_says_the_same_of_a_log(path: Path) -> None:
    expected = findings_of(path)
    results = sarif(path)["results"]
    assert [
        (found["level"], found["locations"][0]["physicalLocation"]["region"]["startLine"], found["ruleId"])
        for found in results
    ] == expected
    github = annotations(check(path, "--format", "github").out)
    assert [(name, int(about["line"]), about["title"]) for name, about, _ in github] == expected
    suite = ET.fromstring(check(path, "--format", "junit").out).find("testsuite")
    assert suite is not None
    failed = {str(case.get("name")).split()[0] for case in suite.iterfind("testcase/failure/..")}
    told = [
        line for node in suite.iter() if node.tag in ("failure", "system-out") for line in str(node.text).split("\n")
    ]
    assert failed == {rule for severity, _, rule in expected if severity == "error"}
    assert sorted(told) == sorted(check(path, "--all").lines)
    assert suite.get("failures") == str(len(failed))


@pytest.mark.parametrize("path", ALL_MLPERF, ids=lambda path: f"{path.parent.stem}/{path.stem}")
def test_sarif_of_the_mlperf_rule_set_matches_its_schemas(path: Path) -> None:
    driver = sarif(path, ruleset=MLPERF)["tool"]["driver"]
    assert driver["properties"]["ruleset"] == MLPERF
    assert {rule["id"].partition("-")[0] for rule in driver["rules"]} == {"mlperf"}


def test_the_schema_of_the_standard_is_the_published_one() -> None:
    Draft4Validator.check_schema(OFFICIAL.schema)
    digest = hashlib.sha256(OFFICIAL_FILE.read_bytes()).hexdigest()
    assert digest == "2d99159ae54a3eea97f81781cff48780548657c35949f4b7f25e99a2ba4de4f8"


BREAKAGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "no version": lambda document: document.pop("version"),
    "another version": lambda document: document.update(version="2.0.0"),
    "no driver": lambda document: document["runs"][0]["tool"].pop("driver"),
    "a rule without its identifier": lambda document: document["runs"][0]["tool"]["driver"]["rules"][0].pop("id"),
    "an unknown member": lambda document: document["runs"][0].update(findings=[]),
    "a result without a message": lambda document: document["runs"][0]["results"][0].pop("message"),
    "an unknown level": lambda document: document["runs"][0]["results"][0].update(level="fatal"),
    "a line 0": lambda document: document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"].update(
        startLine=0
    ),
    "no success of the invocation": lambda document: document["runs"][0]["invocations"][0].pop("executionSuccessful"),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_broken_sarif_document_fails_the_schema_of_the_standard(breakage: str) -> None:
    document = check(cases("invalid")[0], "--format", "sarif").document
    assert sarif_errors(document) == []
    BREAKAGES[breakage](document)
    assert any(error.startswith("standard ") for error in sarif_errors(document))


def test_sarif_describes_its_rules_and_names_its_files() -> None:
    paths = cases("invalid")[:3]
    run = sarif(*paths, paths[0])
    driver, artifacts = run["tool"]["driver"], run["artifacts"]
    assert [rule["id"] for rule in driver["rules"]] == list(RULES.rules)
    assert [Path(unquote_to_bytes(file["location"]["uri"][7:]).decode()) for file in artifacts] == paths
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        file = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert artifacts[file["index"]]["location"]["uri"] == file["uri"]


def test_junit_has_one_case_for_each_file_and_rule() -> None:
    paths = [cases("valid")[0], *cases("invalid")[:2]]
    root = ET.fromstring(check(*paths, "--format", "junit").out)
    suites = root.findall("testsuite")
    assert [suite.get("name") for suite in suites] == [str(path) for path in sorted(paths)]
    for suite in suites:
        assert [str(case.get("name")).split()[0] for case in suite] == list(RULES.rules)
        assert {case.get("classname") for case in suite} == {suite.get("name")}
    assert root.get("tests") == str(3 * len(RULES.rules))
    assert root.get("failures") == str(sum(int(str(suite.get("failures"))) for suite in suites))


@pytest.mark.parametrize("odd", ODD_NAMES)
def test_an_odd_name_of_a_file_breaks_no_form(odd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(odd).write_bytes(b":::MLLOG {}\n")
    for form in reporters.FORMS:
        assert check("--format", form, "--", odd).code == 1
    assert check("--", odd).lines[0].count("\n") == 0
    assert check("--format", "json", "--", odd).document["files"][0]["file"] == odd
    uri = sarif(odd)["artifacts"][0]["location"]["uri"]
    assert unquote_to_bytes(uri) == os.fsencode(odd)
    suite = ET.fromstring(check("--format", "junit", "--", odd).out).find("testsuite")
    assert suite is not None
    assert suite.get("name") == (odd if odd.isprintable() else json.dumps(odd))
    assert {about["file"] for _, about, _ in annotations(check("--format", "github", "--", odd).out)} == {
        odd.encode("utf-8", "backslashreplace").decode()
    }


def finding(rule: str = "sciml-key-001", line: int = 1, **words: str) -> Finding:
    """Return a finding."""
    return Finding(rule=rule, line=line, **{"where": "seed", "expected": "1", "found": "2", "advice": "do so", **words})


def judged(*findings: Finding, file: str = "log") -> Judgement:
    """Return a judgement with some findings."""
    return Judgement(file=file, sha256=None, lines=9, events=9, summary={}, findings=findings)


def test_a_message_cannot_forge_a_workflow_command() -> None:
    forged = judged(finding(found="50%\n::error::x\r"), file="a,b:c%0A")
    text = reporters.report("github", [forged], RULES, reporters.Look())
    ((_, about, message),) = annotations(text)
    assert about == {"file": "a,b:c%0A", "line": "1", "title": "sciml-key-001"}
    assert message == "sciml-key-001 seed: expected 1, found 50%\n::error::x\r — do so"
    assert text.count("\n") == 2


def test_many_findings_that_are_alike_are_told_once_in_text(tmp_path: Path) -> None:
    lines = golden_lines()
    place = place_of(lines, "tracked_stats")
    bad = {**record_of(lines[place]), "value": {"loss": "nan"}}
    log = tmp_path / "log"
    log.write_text("".join([*lines[:place], *[line_of(bad)] * (SCREEN + 8), *lines[place:]]), encoding="utf-8")
    short, whole = check(log), check(log, "--all")
    assert len(short.lines) < 5 < SCREEN < len(whole.lines)
    assert f"(and {SCREEN + 7} more like it, to line {place + SCREEN + 8}; --all)" in short.out
    assert short.out.splitlines()[-1] == whole.out.splitlines()[-1], "the counts are the same"
    assert len(findings_of(log)) == len(whole.lines)


def test_a_few_findings_all_have_their_line() -> None:
    text = reporters.report("text", [judged(*[finding(line=n) for n in range(1, SCREEN + 1)])], RULES, reporters.Look())
    assert text.count("\n") == SCREEN + 1
    assert "more like it" not in text


def test_text_is_sorted_by_file_and_line() -> None:
    logs = [judged(finding(), file="b"), judged(finding(line=1), finding(line=3), file="a")]
    text = reporters.report("text", logs, RULES, reporters.Look())
    assert [line.split(": ")[0] for line in text.splitlines()[:-1]] == ["a:1", "a:3", "b:1"]
    assert text.splitlines()[-1].startswith("not compliant: 3 errors, 0 warnings in 18 events of 2 logs")

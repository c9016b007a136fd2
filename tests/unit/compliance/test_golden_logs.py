"""Every golden log gets the verdict that is written beside it, and together they exercise every rule."""

from __future__ import annotations

from pathlib import Path

import pytest
from checking import GOLDEN, cases, check
from jsonschema import Draft202012Validator
from referencing import Registry

from compliance import rules as rule_sets
from logging_spec.events import parse_line, parse_object

RULES = rule_sets.load()

OF_LOGS = {rule for rule in RULES.rules if not rule.startswith("sciml-package-")}
"""Rules that a log can break; test_package_rules.py has a case for each of the others."""

WITHOUT_A_NEAR_MISS = {
    "sciml-file-001": "every valid log holds events",
    "sciml-file-002": "every valid log ends with a line feed",
    "sciml-line-002": "every line of every valid log",
    "sciml-line-003": "every line of every valid log",
    "sciml-line-004": "near-key-001-int64 is at the limit of integers",
    "sciml-line-006": "every line of every valid log",
    "sciml-event-001": "every line of every valid log",
    "sciml-event-002": "every line of every valid log",
    "sciml-event-003": "every line of every valid log",
    "sciml-key-002": "further metadata stand in every line",
    "sciml-key-004": "every valid log holds just what is needed",
    "sciml-key-005": "keys that may stand often do, in every valid log",
    "sciml-order-001": "every valid log",
    "sciml-order-002": "every valid log",
    "sciml-order-003": "checkpoints stand right before run_stop, baselines right after it",
    "sciml-order-006": "checkpoints name the epoch before them",
    "sciml-time-005": "every run from the start",
    "sciml-samples-002": "every valid log",
    "sciml-samples-003": "near-samples-001-resumed-in-epoch counts continued runs",
    "sciml-samples-004": "slstr_cloud-tf has an uneven last step",
    "sciml-ranks-001": "every run on one node",
    "sciml-hyper-001": "every valid log",
    "sciml-eval-001": "every valid log",
    "sciml-eval-002": "every valid log",
    "sciml-target-002": "near-target-001-equal is a success by the smallest margin",
    "sciml-target-003": "every success",
    "sciml-identity-001": "the other scales",
    "sciml-identity-003": "every clean commit",
    "sciml-identity-005": "every benchmark of the suite",
    "sciml-run-001": "valid/run-directory",
    "sciml-run-002": "valid/run-directory",
}
"""Rules for which a file of its own would be no nearer than what the valid logs hold anyway, and why."""


def more_benchmarks(path: Path) -> list[str]:
    """Return the option that names the benchmark.json beside a log, where there is one."""
    beside = path.with_suffix(".benchmark.json")
    return ["--benchmark", str(beside)] if beside.is_file() else []


@pytest.mark.parametrize("path", cases("valid"), ids=lambda path: path.stem)
def test_a_valid_log_is_compliant(path: Path) -> None:
    answer = check(path)
    assert answer.code == 0, answer.out
    assert answer.out.splitlines()[-1].startswith("compliant: 0 errors")
    assert all(line.endswith("[warning]") for line in answer.lines)


@pytest.mark.parametrize("path", cases("invalid"), ids=lambda path: path.stem)
def test_an_invalid_log_is_called_so_in_the_words_beside_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = path.with_suffix(".expected.txt").read_text(encoding="utf-8").splitlines()
    assert expected, "an invalid log without expected lines tests nothing"
    monkeypatch.chdir(path.parent)
    answer = check(path.name, *more_benchmarks(path))
    assert set(expected) <= set(answer.lines)
    only_warnings = all(line.endswith("[warning]") for line in answer.lines)
    assert answer.code == (0 if only_warnings else 1)


@pytest.mark.parametrize(
    "path", [*cases("valid"), *cases("invalid")], ids=lambda path: f"{path.parent.stem}/{path.stem}"
)
def test_every_verdict_has_the_form_of_its_schema_and_the_same_findings(path: Path) -> None:
    schema = parse_object((rule_sets.LOGGING_SPEC / "schemas" / "verdict.schema.json").read_text(encoding="utf-8"))
    answer = check(path, "--format", "json", *more_benchmarks(path))
    assert list(Draft202012Validator(schema, registry=Registry()).iter_errors(answer.document)) == []
    messages = [finding["message"] for file in answer.document["files"] for finding in file["findings"]]
    assert messages == check(path, "--all", *more_benchmarks(path)).lines
    assert answer.document["compliant"] == (answer.code == 0)


def test_every_rule_is_exercised() -> None:
    files = GOLDEN.rglob("*.expected.txt")
    lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    exercised = {rule for rule in OF_LOGS for line in lines if f" {rule} " in f" {line}"}
    assert exercised == OF_LOGS


def test_every_rule_has_a_near_miss_or_needs_none() -> None:
    near_by = [*cases("valid"), *(GOLDEN / "sets" / "valid").iterdir()]
    names = [path.stem.removeprefix("near-") for path in near_by if path.stem.startswith("near-")]
    near = {f"sciml-{'-'.join(name.split('-')[:2])}" for name in names}
    assert near | set(WITHOUT_A_NEAR_MISS) == OF_LOGS
    assert not near & set(WITHOUT_A_NEAR_MISS)


def test_every_expectation_has_its_log() -> None:
    stems = {path.stem for path in cases("invalid")}
    assert {path.name.removesuffix(".expected.txt") for path in GOLDEN.glob("invalid/*.expected.txt")} == stems


@pytest.mark.parametrize("path", sorted((GOLDEN / "valid").glob("*.mllog")), ids=lambda path: path.stem)
def test_the_reader_for_third_parties_reads_every_line_of_a_valid_log(path: Path) -> None:
    events = [parse_line(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert sum(event is not None for event in events) == check(path, "--format", "json").document["files"][0]["events"]

"""Logs of MLPerf HPC v3.0: the verdict written beside each golden log, the stock checker's, and the strict one."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest
from checking import GOLDEN, LOGS, Answer, check
from jsonschema import Draft202012Validator
from referencing import Registry
from stock_verdict import stock_accepts

from compliance import rules as rule_sets
from logging_spec.events import parse_object

NAME = "mlperf-hpc-3.0.0"
RULES = rule_sets.load(NAME)
FOLDER = GOLDEN / NAME


def cases(kind: str) -> list[Path]:
    """Return the golden logs of a kind."""
    return sorted(path for path in (FOLDER / kind).iterdir() if path.name.endswith(LOGS))


ALL = pytest.mark.parametrize("path", [*cases("valid"), *cases("invalid")], ids=lambda path: path.name)

WITHOUT_A_NEAR_MISS = {
    "file-002": "every valid log ends with a line feed",
    "file-006": "near-file-006 of sciml-1.0; both share the reader",
    "line-001": "every line of every valid log",
    "line-003": "every line of every valid log",
    "line-004": "near-key-001-int64 of sciml-1.0; both share the reader",
    "line-007": "near-file-001-one-event-in-noise has text without a token",
    "event-001": "every line of every valid log",
    "event-002": "every line of every valid log",
    "event-003": "every line of every valid log",
    "event-004": "every line of every valid log",
    "event-005": "every line of every valid log",
    "key-005": "keys that may stand often do, in every valid log",
    "key-008": "near-key-002-further-metadata",
    "key-009": "every valid log",
    "key-010": "every valid log",
    "order-003": "every valid log",
    "order-006": "every valid log",
    "ranks-001": "near-key-007-no-accelerators",
    "eval-004": "every valid log",
    "target-002": "near-quality-001-just-reached is a success by the smallest margin",
    "target-003": "every valid log",
}
"""Rules for which a file of its own would be no nearer than what the valid logs hold anyway, and why."""


def judged(path: Path, *options: str) -> Answer:
    """Judge a log by the rule set."""
    return check(path, "--ruleset", NAME, *options)


def test_every_benchmark_and_division_has_a_valid_log() -> None:
    told = {
        (file["summary"]["benchmark"], file["summary"]["division"])
        for path in cases("valid")
        for file in judged(path, "--format", "json").document["files"]
    }
    benchmarks = ("cosmoflow", "deepcam", "oc20", "openfold")
    assert told == {(benchmark, division) for benchmark in benchmarks for division in ("closed", "open")}


@pytest.mark.parametrize("path", cases("valid"), ids=lambda path: path.name)
@pytest.mark.parametrize("options", [(), ("--strict",)])
def test_a_valid_log_has_no_fault(path: Path, options: tuple[str, ...]) -> None:
    answer = check(path, *options)
    assert answer.code == 0, answer.out
    assert answer.lines == []
    assert answer.out.startswith("compliant: 0 errors, 0 warnings")
    assert answer.out.endswith(f"(rules {NAME}{', strict' if options else ''})\n")


@pytest.mark.parametrize("path", cases("invalid"), ids=lambda path: path.name)
def test_an_invalid_log_is_called_so_in_the_words_beside_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = path.with_suffix(".expected.txt").read_text(encoding="utf-8").splitlines()
    assert expected, "an invalid log without expected lines tests nothing"
    monkeypatch.chdir(path.parent)
    answer = judged(Path(path.name))
    assert set(expected) <= set(answer.lines)
    assert answer.code == (0 if all(line.endswith("[warning]") for line in answer.lines) else 1)


@pytest.mark.parametrize("path", cases("invalid"), ids=lambda path: path.name)
def test_strict_refuses_what_is_a_warning_by_default(path: Path) -> None:
    answer = judged(path, "--strict")
    assert answer.code == (0 if path.name.startswith("line-007") else 1)
    assert [line.removesuffix(" [warning]") for line in judged(path).lines] == [
        line.removesuffix(" [warning]") for line in answer.lines
    ]


@ALL
@pytest.mark.parametrize("options", [(), ("--strict",)])
def test_every_verdict_has_the_form_of_its_schema(path: Path, options: tuple[str, ...]) -> None:
    schema = parse_object((rule_sets.LOGGING_SPEC / "schemas" / "verdict.schema.json").read_text(encoding="utf-8"))
    answer = judged(path, "--format", "json", *options)
    assert list(Draft202012Validator(schema, registry=Registry()).iter_errors(answer.document)) == []
    assert answer.document["compliant"] == (answer.code == 0)


@pytest.mark.parametrize("folder", sorted((FOLDER / "sets").glob("*/*/")), ids=lambda path: path.name)
def test_a_set_is_judged_by_the_words_beside_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER / "sets")
    beside = folder.with_suffix(".expected.txt")
    expected = beside.read_text(encoding="utf-8").splitlines() if beside.is_file() else []
    assert bool(expected) == (folder.parent.name == "invalid")
    answer = check(folder.relative_to(FOLDER / "sets"))
    assert answer.lines == expected
    assert answer.code == 0


def test_every_rule_is_exercised() -> None:
    files = [*FOLDER.glob("invalid/*.expected.txt"), *FOLDER.glob("sets/invalid/*.expected.txt")]
    lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    shared = {"mlperf-file-006"}  # the bomb of sciml-1.0 serves both
    assert {rule for rule in RULES.rules for line in lines if f": {rule} " in line} == set(RULES.rules) - shared
    bomb = GOLDEN / "invalid" / "file-006-zstandard.mllog.zst"
    assert any(": mlperf-file-006 " in line for line in judged(bomb).lines)


def test_every_rule_has_a_near_miss_or_needs_none() -> None:
    near_by = [*cases("valid"), *(FOLDER / "sets" / "valid").iterdir()]
    names = [path.name.partition(".")[0].removeprefix("near-") for path in near_by if "near-" in path.name]
    near = {"-".join(name.split("-")[:2]) for name in names}
    assert {f"mlperf-{name}" for name in near | set(WITHOUT_A_NEAR_MISS)} == set(RULES.rules)
    assert not near & set(WITHOUT_A_NEAR_MISS)


OURS_ALONE = {
    "line-005.mllog": "levels are bounded",
    "key-011.mllog.gz": "the events that are held are bounded",
    "file-005.mllog.gz": "the stock checker reads no compressed logs",
}
"""Logs that only our checker refuses."""


@ALL
def test_the_stock_checker_says_the_same(path: Path, tmp_path: Path) -> None:
    log = tmp_path / path.name.removesuffix(".gz")
    if path.name == "file-005.mllog.gz":
        return
    log.write_bytes(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())
    assert stock_accepts(log) == (judged(path).code == 0 or path.name in OURS_ALONE)


def test_the_rule_set_is_chosen_by_the_benchmark() -> None:
    sciml = GOLDEN / "valid" / "slstr_cloud-pt.mllog"
    assert check(sciml).out.endswith("(rules sciml-1.0)\n")
    mixed = check(sciml, FOLDER / "valid" / "oc20.mllog")
    assert mixed.code == 2
    assert "expected logs of one rule set, found" in mixed.err
    assert NAME in mixed.err


def test_a_log_of_mlperf_is_not_taken_for_one_of_ours() -> None:
    answer = check(FOLDER / "valid" / "oc20.mllog", "--ruleset", "sciml-1.0")
    assert answer.code == 1
    assert any("sciml-identity-001" in line for line in answer.lines)


def test_a_rule_of_either_set_is_explained() -> None:
    assert check("--explain", "mlperf-order-003").out.endswith("logging_spec/SPEC.md#mlperf-order-003\n")


@pytest.mark.parametrize("value", ["../sciml-1.0/x", "/etc/passwd", "closed\u0000", ["closed"], {"a": 1}, None, 7])
def test_no_path_is_made_of_what_a_log_says(value: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (FOLDER / "valid" / "cosmoflow.mllog").read_text(encoding="utf-8")
    log = tmp_path / "log.mllog"
    log.write_text(text.replace('"value": "closed"', f'"value": {json.dumps(value)}'), encoding="utf-8")
    opened: list[str] = []
    original = Path.open
    monkeypatch.setattr(
        Path, "open", lambda self, *args, **kwargs: opened.append(str(self)) or original(self, *args, **kwargs)
    )
    answer = judged(log)
    assert answer.code == 1
    assert any("mlperf-key-001 submission_division" in line for line in answer.lines)
    assert not [path for path in opened if path != str(log) and rule_sets.LOGGING_SPEC.parent.as_posix() not in path]


def test_a_long_head_is_judged_as_a_short_one(tmp_path: Path) -> None:
    source = FOLDER / "invalid" / "order-003-after.mllog"
    log = tmp_path / source.name
    shutil.copy(source, log)
    log.write_bytes(b"noise\n" * 50_000 + source.read_bytes())
    late = [line.split(":", 2)[2] for line in judged(log).lines if "(" not in line]
    assert late == [line.split(":", 2)[2] for line in judged(source).lines if "(" not in line]

"""The command line: its words, its exit codes, its one JSON document, and what it does not import."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checking import GOLDEN, call, cases, check

from compliance import output, reporters, rules
from compliance import rules as rule_sets
from compliance.finding import Finding
from compliance.judge import judge

ROOT = GOLDEN.parents[1]
VALID, INVALID = GOLDEN / "valid" / "slstr_cloud-pt.mllog", GOLDEN / "invalid" / "samples-001.mllog"


def python(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python as a process in the checkout."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def test_as_a_process() -> None:
    done = python("-m", "compliance", "check", INVALID, VALID)
    assert done.returncode == 1
    assert done.stderr == ""
    first, *_, last = done.stdout.splitlines()
    assert first.startswith(f"{INVALID}:44: sciml-samples-001 epoch_stop metadata.samples_count: expected 2048")
    assert last == "not compliant: 1 error, 0 warnings in 138 events of 2 logs (rules sciml-1.0)"
    assert "\033" not in done.stdout


def test_a_terminal_that_knows_no_utf_8_gets_escapes() -> None:
    done = python("-m", "compliance", "check", INVALID, PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert "\\u2014" in done.stdout


@pytest.mark.parametrize(
    "arguments", [["check", VALID], ["check", VALID, "--format", "json"], ["check", GOLDEN / "valid" / "run-directory"]]
)
def test_a_clean_log_is_judged_without_jsonschema(arguments: list[str]) -> None:
    program = (
        "import sys; from compliance.cli import main; code = main(sys.argv[1:]); "
        "sys.exit(code or 10 * any(name in sys.modules for name in ('jsonschema', 'referencing', 'numpy', 'torch')))"
    )
    assert python("-c", program, *arguments).returncode == 0


def test_one_document_for_many_logs() -> None:
    document = check(VALID, INVALID, "--format", "json").document
    assert [file["compliant"] for file in document["files"]] == [True, False]
    assert (document["compliant"], document["errors"], document["warnings"]) == (False, 1, 0)


def test_a_folder_names_every_run_below_it_and_no_prediction(tmp_path: Path) -> None:
    run = next(path for path in cases("valid") if path.is_dir())
    for name in ("b", "a"):
        shutil.copytree(run, tmp_path / "slstr_cloud" / "pt" / name)
    lost, prediction = tmp_path / "slstr_cloud" / "tf" / "lost", tmp_path / "slstr_cloud" / "tf" / "prediction"
    shutil.copytree(run, lost)
    (lost / "result_0.txt").unlink()
    shutil.copytree(lost, prediction)
    (prediction / "run.json").write_text('{"mode": "predict"}')
    files = check(tmp_path, "--format", "json").document["files"]
    assert [Path(file["file"]).parent.name for file in files] == ["a", "b", "lost"]
    assert [file["compliant"] for file in files] == [True, True, False]


def test_the_summary_of_a_run() -> None:
    summary = check(VALID, "--format", "json").document["files"][0]["summary"]
    assert summary["benchmark"] == "slstr_cloud"
    assert (summary["target_reached"], summary["best_quality"], summary["best_epoch"]) == (True, 0.9037, 2)
    assert summary["time_to_train_s"] == summary["run_time_s"] == pytest.approx(11.193)
    assert summary["strongest_baseline"] == {"name": "linear discriminant", "value": 0.8105}


@pytest.mark.parametrize(
    ("log", "reached", "reason"),
    [
        ("valid/near-order-005-resumed.mllog", True, "the run continues another one from epoch 2"),
        ("invalid/target-001.mllog", False, "the target was not reached"),
        ("invalid/target-002-aborted.mllog", True, "the run was aborted"),
        ("invalid/key-004-cut-after-run-start.mllog", False, "run_start or run_stop is missing"),
        ("invalid/file-001-empty.mllog", None, "run_start or run_stop is missing"),
    ],
)
def test_there_is_no_time_to_train_without_a_reason(log: str, reached: bool | None, reason: str) -> None:
    summary = check(GOLDEN / log, "--format", "json").document["files"][0]["summary"]
    assert summary["time_to_train_s"] is None
    assert summary["target_reached"] is reached
    assert summary["time_to_train_reason"] == reason


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check"], "PATH: expected a log or a run directory, found nothing"),
        (["check", "no/such.log"], "no/such.log: expected a log or a run directory, found nothing"),
        (["check", "/dev/null"], "/dev/null: expected a log or a run directory, found something else"),
        (["check", VALID, "--ruleset", "sciml-1"], "did you mean sciml-1.0?"),
        (["check", VALID, "--ruleset", "../sciml-1.0"], "expected one of mlperf-hpc-3.0.0, sciml-1.0, found"),
        (["check", "--explain", "sciml-order-03"], "did you mean sciml-order-0"),
        (["check", "--explain", "smples-001"], "did you mean sciml-samples-001?"),
        (["check", "--explain", "nothing like it"], "choose one of these"),
        (["check", VALID, "--format", "yaml"], "invalid choice"),
        (["rules", "mlperf"], "rule set: expected one of"),
        (["stock-rules", "slstr-cloud"], "did you mean slstr_cloud?"),
        ([], "the following arguments are required"),
    ],
)
def test_a_call_that_cannot_be_served_says_why(arguments: list[str | Path], words: str) -> None:
    answer = call(*arguments)
    assert answer.code == 2
    assert words in answer.err
    assert not answer.out


def test_a_fault_of_the_checker_is_one_line_and_its_own_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporters, "report", lambda *_: 1 / 0)
    answer = check(VALID)
    assert answer.code == 3
    assert answer.err == "compliance: error inside the checker: ZeroDivisionError: division by zero\n"


def test_an_interrupt_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(reporters, "report", interrupt)
    assert check(VALID).code == 130


@pytest.mark.parametrize("rule", ["SCIML-Samples-001", "samples-001"])
def test_a_rule_is_explained_in_the_words_of_the_specification(rule: str) -> None:
    answer = check("--explain", rule)
    assert answer.code == 0
    assert answer.out.startswith(
        "**sciml-samples-001** (error). An epoch sees each training sample once.\n`samples_count`"
    )
    assert answer.out.endswith("\nlogging_spec/SPEC.md#sciml-samples-001\n")


def test_a_rule_of_another_rule_set_is_found_by_its_name() -> None:
    answer = check("--explain", "mlperf-quality-001")
    assert answer.code == 0
    assert answer.out.startswith("**mlperf-quality-001** (error")


def test_a_rule_set_is_printed_with_every_rule() -> None:
    answer = call("rules")
    assert answer.code == 0
    assert answer.out.count("\nlogging_spec/SPEC.md#sciml-") == len(rules.load().rules)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_colour_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert output.has_colour(Terminal())
    assert not output.has_colour(io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    assert not output.has_colour(Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not output.has_colour(Terminal())


def test_a_coloured_line_says_the_same_as_a_plain_one() -> None:
    rules = rule_sets.load()
    judgements = [judge(INVALID, rules)]
    looks = [reporters.Look(colour=colour) for colour in (False, True)]
    plain, coloured = (reporters.report("text", judgements, rules, look) for look in looks)
    assert coloured != plain
    assert re.sub(r"\033\[\d*m", "", coloured) == plain


def test_a_finding_reads_as_it_should() -> None:
    finding = Finding(rule="r-001", line=3, where="seed", expected="1", found="2", advice="do so")
    assert finding.message == "r-001 seed: expected 1, found 2 — do so"

"""MLPerf's own tools agree: their parser reads our logs, and their checker judges them with rules made from ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from checking import GOLDEN, call

pytest.importorskip("mlperf_logging", reason="mlperf-logging is a development dependency")

LIKE_OURS = [
    "target-001", "key-001-boolean", "key-001-float", "key-001-choice", "key-002-missing", "key-004-seed", "order-001",
    "order-003-before", "order-002-no-eval-start", "target-003", "identity-001",  "line-002",
]  # fmt: skip
"""Invalid logs whose fault the stock language can say, or nearly all."""


@pytest.fixture(scope="module")
def rule_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated rule file."""
    path = tmp_path_factory.mktemp("stock") / "slstr_cloud.yaml"
    path.write_text(call("stock-rules", "slstr_cloud").out, encoding="utf-8")
    return path


def stock(log: Path, rule_file: Path) -> str:
    """Return what the stock checker prints of a log."""
    command = [sys.executable, "-m", "mlperf_logging.compliance_checker", "--usage", "hpc", "--ruleset", "3.0.0"]
    command += ["--config", str(rule_file), "--log_output", str(rule_file.with_suffix(".log")), str(log)]
    done = subprocess.run(command, cwd=rule_file.parent, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert "Failed executing" not in said, said
    assert done.returncode == int("FAILED" in said)
    return said


@pytest.mark.parametrize(
    "name", ["slstr_cloud-pt", "slstr_cloud-tf", "near-target-004-stricter", "near-target-001-equal"]
)
def test_the_stock_checker_passes_a_valid_log(name: str, rule_file: Path) -> None:
    assert "SUCCESS" in stock(GOLDEN / "valid" / f"{name}.mllog", rule_file)


@pytest.mark.parametrize("name", LIKE_OURS)
def test_the_stock_checker_fails_an_invalid_log(name: str, rule_file: Path) -> None:
    assert "FAILED" in stock(GOLDEN / "invalid" / f"{name}.mllog", rule_file)


@pytest.mark.parametrize("path", sorted((GOLDEN / "valid").glob("*.mllog")), ids=lambda path: path.stem)
def test_the_stock_parser_reads_every_event_of_a_valid_log(path: Path) -> None:
    from mlperf_logging.compliance_checker import mlp_parser

    events, failures = mlp_parser.parse_file(str(path), ruleset="3.0.0")
    assert failures == []
    ours = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith(":::MLLOG ")]
    assert [event.key for event in events] == [json.loads(line[9:])["key"] for line in ours]
    assert [event.timestamp for event in events] == [json.loads(line[9:])["time_ms"] for line in ours]


def test_the_rule_file_is_self_contained(rule_file: Path) -> None:
    text = rule_file.read_text(encoding="utf-8")
    records = json.loads(text)
    assert "enqueue_config" not in text
    assert [next(iter(record)) for record in (records[0], records[-1])] == ["BEGIN", "END"]

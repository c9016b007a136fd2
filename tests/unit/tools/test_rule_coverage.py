"""The coverage of the rules by golden logs: all of them, and a rule that lost its log is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from compliance import rules as rule_sets
from tools import rule_coverage


def test_every_rule_of_every_rule_set_is_exercised(capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setattr("sys.argv", ["rule_coverage.py"])
    assert rule_coverage.main() == 0
    said = capsys.readouterr().out
    for name in rule_sets.names():
        count = len(rule_sets.load(name).rules)
        assert f"{name}: {count} of {count} rules are exercised, 100 %" in said


def test_a_rule_without_a_log_is_named(capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    whole = rule_coverage.logs_in

    def without(folder: Path) -> list[Path]:
        return [path for path in whole(folder) if not path.name.startswith("time-006")]

    monkeypatch.setattr(rule_coverage, "logs_in", without)
    monkeypatch.setattr("sys.argv", ["rule_coverage.py", "--missing"])
    assert rule_coverage.main() == 1
    assert capsys.readouterr().out == "sciml-time-006\n"

"""Logs of one set: each run has a seed of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from checking import GOLDEN, check

MLPERF = GOLDEN / "mlperf-hpc-3.0.0" / "valid"


def changed(source: Path, target: Path, *changes: tuple[str, str]) -> Path:
    """Write a log that differs from another one."""
    text = source.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    target.write_text(text, encoding="utf-8")
    return target


@pytest.mark.parametrize(
    ("source", "other", "rule"),
    [
        (MLPERF / "cosmoflow.mllog", [("0.1239", "0.1238")], "mlperf-set-001"),
        (GOLDEN / "valid" / "slstr_cloud-pt.mllog", [("-0445", "-0446")], "sciml-set-001"),
    ],
)
def test_two_runs_with_one_seed_are_named(
    source: Path, other: list[tuple[str, str]], rule: str, tmp_path: Path
) -> None:
    one = changed(source, tmp_path / "a.mllog")
    two = changed(source, tmp_path / "b.mllog", *other)
    lines = source.read_text(encoding="utf-8").splitlines()
    seed = 1 + next(place for place, line in enumerate(lines) if '"key": "seed"' in line)
    answer = check(one, two)
    assert answer.code == 0
    assert [line.partition(" seed:")[0] for line in answer.lines] == [f"{two}:{seed}: {rule}"]
    assert answer.lines[0].endswith("[warning]")
    assert check(one, two, "--strict").code == (1 if "mlperf" in rule else 0)


def test_one_run_twice_and_other_seeds_are_no_fault(tmp_path: Path) -> None:
    source = MLPERF / "cosmoflow.mllog"
    one, same = changed(source, tmp_path / "a.mllog"), changed(source, tmp_path / "b.mllog")
    other = changed(source, tmp_path / "c.mllog", ("4711", "4712"))
    wider = changed(source, tmp_path / "d.mllog", ('"number_of_ranks", "value": 16', '"number_of_ranks", "value": 32'))
    assert check(one, same, other, wider).lines == []

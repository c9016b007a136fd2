"""The quick reader and the exact one: where the quick one reads a line at all, both read the same."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from checking import cases, golden_lines, line_of, record_of
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance import log as reading
from compliance import rules as rule_sets
from compliance.checks.fields import as_dict
from compliance.judge import Judgement, judge
from compliance.quick import read_quickly
from logging_spec.events import LineError, parse_object

RULES = rule_sets.load()
LOGS = [path for path in [*cases("valid"), *cases("invalid")] if path.is_file()]

TEXTS = st.text(max_size=6) | st.sampled_from([":", '":', "a: b", '" :', "\\", ":::MLLOG ", "é", "\u2028", "{", "["])
NUMBERS = st.integers(-(2**64), 2**64) | st.floats() | st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1])
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(TEXTS, SCALARS | st.lists(SCALARS), max_size=3)


def exactly(raw: bytes) -> dict[str, Any] | None:
    """Return what the exact parser makes of a line; None where it refuses it."""
    text = raw.decode()
    assert text.startswith(":::MLLOG ")
    try:
        return parse_object(text[9:].strip())
    except LineError:
        return None


def agree(raw: bytes) -> bool:
    """Hold the two to each other, and say whether the quick one read the line."""
    quick = read_quickly(raw)
    if quick is None:
        return False
    exact = exactly(raw)
    assert exact is not None
    assert json.dumps(as_dict(quick)) == json.dumps({name: exact[name] for name in as_dict(quick)})
    assert exact.keys() == as_dict(quick).keys()
    assert raw.count(b":::MLLOG ") == 1
    assert RULES.accepts_event(exact) == RULES.accepts_metadata(quick.metadata)
    return True


@settings(max_examples=300, deadline=None)
@given(
    value=VALUES,
    metadata=st.dictionaries(TEXTS, SCALARS, max_size=3),
    key=TEXTS,
    separators=st.sampled_from([(", ", ": "), (",", ":"), (", ", " : "), (" ,", "\t:")]),
    ascii_only=st.booleans(),
)
def test_both_read_the_same(
    value: Any, metadata: dict[str, Any], key: str, separators: tuple[str, str], ascii_only: bool
) -> None:
    record = {**record_of(golden_lines()[0]), "key": key, "value": value, "metadata": metadata}
    text = json.dumps(record, separators=separators, ensure_ascii=ascii_only)
    try:
        raw = f":::MLLOG {text}".encode()
    except UnicodeEncodeError:
        return
    agree(raw)


@pytest.mark.parametrize("path", LOGS, ids=lambda path: f"{path.parent.stem}/{path.stem}")
def test_both_read_the_golden_logs_alike(path: Path) -> None:
    lines = [line for line in path.read_bytes().split(b"\n") if line.startswith(b":::MLLOG ")]
    for line in lines:
        try:
            line.decode()
        except UnicodeDecodeError:
            assert read_quickly(line) is None
        else:
            agree(line)


def test_most_lines_are_read_quickly() -> None:
    quick = [agree(line.rstrip("\n").encode()) for line in golden_lines()]
    assert sum(quick) > len(quick) * 0.9


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"value": ', '"value": 1, "value": '),
        ('"value": ', '"value" : 1, "value": '),
        ('"lineno"', '"lineno": 1, "lineno"'),
        ('"file": "', '"a:b": 1, "a:b": 2, "file": "'),
        ('"lineno"', '"note": "\\":", "lineno": 1, "lineno"'),
        ('"key"', '"KEY": 1, "key"'),
        ('"namespace": "", ', ""),
        ("}\n", "} {}\n"),
        ("}\n", "}:::MLLOG {}\n"),
        ('"value": ', '"value": 18446744073709551615, "other": '),
        (":::MLLOG ", " :::MLLOG "),
        (":::MLLOG ", ":::MLLOG"),
    ],
)
def test_what_is_in_doubt_is_left_to_the_exact_reader(old: str, new: str) -> None:
    line = golden_lines()[0]
    assert read_quickly(line.rstrip("\n").encode()) is not None
    assert old in line
    assert read_quickly(line.replace(old, new, 1).rstrip("\n").encode()) is None


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999", "9223372036854775808", "01", "[[1]]", "'x'"])
def test_values_in_doubt_are_left_to_the_exact_reader(value: str) -> None:
    record = {**record_of(golden_lines()[0]), "value": math.pi}
    line = line_of(record).rstrip("\n")
    assert agree(line.encode())
    assert read_quickly(line.replace(str(math.pi), value).encode()) is None


@pytest.mark.parametrize("path", LOGS, ids=lambda path: f"{path.parent.stem}/{path.stem}")
def test_no_verdict_depends_on_the_reader(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def verdict(threshold: int) -> Judgement:
        monkeypatch.setattr(reading, "LINES_WORTH_AN_IMPORT", threshold)
        return judge(path, RULES)

    assert verdict(0) == verdict(1 << 62)

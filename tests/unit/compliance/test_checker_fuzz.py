"""No input whatever ends in a traceback, and none but a whole log is called compliant."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from checking import GOLDEN, Answer, check, golden_lines, record_of
from hypothesis import given, settings
from hypothesis import strategies as st

GOLDEN_BYTES = "".join(golden_lines()).encode()
TOKEN = b":::MLLOG "

FEW = settings(max_examples=40, deadline=None)
"""Enough to find a careless line; the golden logs and the mutations are the careful search."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(sorted({record_of(line)["key"] for line in golden_lines()})) | st.text(max_size=12)
META = st.dictionaries(
    st.sampled_from(["file", "lineno", "epoch_num", "samples_count", "status", "metric", "direction", "step"]), JSON
)
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "namespace": st.text(max_size=2) | JSON,
        "time_ms": st.integers(0, 10**13) | JSON,
        "event_type": st.sampled_from(["INTERVAL_START", "INTERVAL_END", "POINT_IN_TIME"]) | JSON,
        "key": KEYS | JSON,
        "value": JSON,
        "metadata": META | JSON,
        "other": JSON,
    },
)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return tmp_path_factory.mktemp("fuzz") / "log.mllog"


def judge_both_ways(log: Path, content: bytes) -> Answer:
    log.write_bytes(content)
    text, document = check(log, "--all"), check(log, "--format", "json")
    assert text.code == document.code in (0, 1)
    assert not text.err
    assert len(text.lines) == document.document["errors"] + document.document["warnings"]
    return text


@FEW
@given(content=st.binary(max_size=400))
def test_bytes(log: Path, content: bytes) -> None:
    assert judge_both_ways(log, content).code == 1


@FEW
@given(events=st.lists(EVENTS, max_size=8))
def test_events_of_any_shape(log: Path, events: list[object]) -> None:
    content = b"".join(TOKEN + json.dumps(event).encode() + b"\n" for event in events)
    assert judge_both_ways(log, content).code == 1


@FEW
@given(place=st.integers(0, len(GOLDEN_BYTES) - 1), new=st.binary(max_size=12), length=st.integers(0, 400))
def test_a_damaged_log(log: Path, place: int, new: bytes, length: int) -> None:
    judge_both_ways(log, GOLDEN_BYTES[:place] + new + GOLDEN_BYTES[place + length :])


@FEW
@given(data=st.data())
def test_a_log_with_a_strange_value_anywhere(log: Path, data: st.DataObject) -> None:
    records = [record_of(line) for line in golden_lines()]
    record = data.draw(st.sampled_from(records))
    part = data.draw(st.sampled_from([record, record["metadata"]]))
    part[data.draw(st.sampled_from(sorted(part)))] = data.draw(JSON)
    judge_both_ways(log, b"".join(TOKEN + json.dumps(record).encode() + b"\n" for record in records))


MLPERF_LINES = (GOLDEN / "mlperf-hpc-3.0.0" / "valid" / "deepcam-lamb-multistep.mllog").read_text().splitlines(True)
STRANGE = JSON | st.sampled_from([2**70, 1e308, float("nan"), "epoch_num", True])


@FEW
@given(data=st.data())
def test_a_log_of_mlperf_with_strange_values(log: Path, data: st.DataObject) -> None:
    records = [record_of(line) for line in MLPERF_LINES]
    for _ in range(data.draw(st.integers(1, 3))):
        record = data.draw(st.sampled_from(records))
        metadata = record.get("metadata")
        part = data.draw(st.sampled_from([record, metadata if isinstance(metadata, dict) and metadata else record]))
        name = data.draw(st.sampled_from(sorted(part)))
        if data.draw(st.booleans()):
            part[name] = data.draw(STRANGE)
        elif len(part) > 1:
            del part[name]
    log.write_bytes(b"".join(TOKEN + json.dumps(record).encode() + b"\n" for record in records))
    for options in ((), ("--strict",), ("--format", "json")):
        answer = check(log, "--ruleset", "mlperf-hpc-3.0.0", *options)
        assert answer.code in (0, 1), answer.err


@FEW
@given(order=st.permutations(range(len(golden_lines()))))
def test_a_shuffled_log(log: Path, order: list[int]) -> None:
    lines = golden_lines()
    judge_both_ways(log, "".join(lines[place] for place in order).encode())


@pytest.mark.parametrize(
    "content", [TOKEN * 30_000, b"[" * 60_000, TOKEN + b"[" * 60_000, TOKEN + b'{"a":' * 9_000, b"\n" * 70_000]
)
def test_what_is_built_to_take_long(log: Path, content: bytes) -> None:
    assert judge_both_ways(log, content).code == 1

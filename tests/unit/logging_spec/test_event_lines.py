"""One line: what the emitter writes is read back, and what is no event is refused with the rule that it breaks."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logging_spec import emitter
from logging_spec.events import MAX_DEPTH, TOKEN, Event, LineError, format_line, parse_line, parse_object

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(), inside, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(value=JSON, key=st.text(min_size=1).filter(lambda key: TOKEN not in key))
def test_a_formatted_event_is_read_back(value: object, key: str) -> None:
    event = Event(key=key, value=value, time_ms=1, event_type="POINT_IN_TIME", metadata={"file": "f", "lineno": 1})
    line = format_line(event)
    assert "\n" not in line
    assert parse_line(line) == event


@pytest.mark.parametrize("value", [math.nan, math.inf, [-math.inf], {1, 2}])
def test_what_is_no_json_is_not_written(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        format_line(Event(key="k", value=value, time_ms=1, event_type="POINT_IN_TIME"))


def test_text_before_the_token_is_passed_over_and_text_without_it_is_no_event() -> None:
    line = format_line(Event(key="k", value=1, time_ms=1, event_type="POINT_IN_TIME"))
    assert parse_line("[1,3]<stdout>: " + line) == parse_line(line)
    assert parse_line("epoch 3, loss 0.2") is None


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "line-002"),
        ("[]", "line-002"),
        ('{"a": 1', "line-002"),
        ('{"a": 1} {"b": 2}', "line-002"),
        ('{"a": 1, "a": 1}', "line-003"),
        ('{"a": {"b": 1, "b": 2}}', "line-003"),
        ('{"a": NaN}', "line-004"),
        ('{"a": -Infinity}', "line-004"),
        ('{"a": 1e999}', "line-004"),
        ('{"a": 9223372036854775808}', "line-004"),
        ('{"a": -9223372036854775809}', "line-004"),
        ('{"a": ' + "9" * 100_000 + "}", "line-004"),
        ('{"a": ' + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "}", "line-005"),
        ('{"a": ' + "[" * 50_000 + "]" * 50_000 + "}", "line-005"),
    ],
)
def test_what_is_not_strict_json_names_its_rule(text: str, rule: str) -> None:
    with pytest.raises(LineError) as refusal:
        parse_object(text)
    assert refusal.value.rule == rule
    assert len(str(refusal.value)) < 120


@pytest.mark.parametrize(
    "text", ['{"a": 9223372036854775807}', '{"a": -9223372036854775808}', '{"a": 1e308}', '{"a": [[], [], {}]}']
)
def test_what_is_at_the_limit_is_read(text: str) -> None:
    assert parse_object(text) == json.loads(text)
    levels = MAX_DEPTH - 1
    assert parse_object('{"a": ' + "[" * levels + "]" * levels + "}")


def test_many_shallow_objects_are_not_deep() -> None:
    assert parse_object(json.dumps({"a": [{"b": []}] * 1000}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"time_ms": 1.5}, "time_ms"),
        ({"time_ms": True}, "time_ms"),
        ({"event_type": "BEGIN"}, "event_type"),
        ({"namespace": None}, "namespace"),
        ({"metadata": ""}, "metadata"),
    ],
)
def test_a_field_of_the_wrong_kind_is_named(change: dict[str, object], words: str) -> None:
    record = {"namespace": "", "time_ms": 1, "event_type": "POINT_IN_TIME", "key": "k", "value": 1, "metadata": {}}
    with pytest.raises(LineError, match=words):
        parse_line(TOKEN + json.dumps(record | change))


def test_the_emitter_writes_what_is_read(tmp_path: Path) -> None:
    with emitter.Emitter(tmp_path / "rank00003.mllog", rank=3, namespace="node7", root=Path(__file__).parent) as log:
        log.start("epoch_start", metadata={"epoch_num": 1})
        log.point("train_loss", 0.25, {"epoch_num": 1})
        log.end("epoch_stop", metadata={"epoch_num": 1, "samples_count": 8})
    text = (tmp_path / "rank00003.mllog").read_text(encoding="utf-8")
    assert text.endswith("\n")
    events = [parse_line(line) for line in text.splitlines()]
    assert [event and event.event_type for event in events] == ["INTERVAL_START", "POINT_IN_TIME", "INTERVAL_END"]
    loss = events[1]
    assert loss is not None
    assert (loss.value, loss.namespace) == (0.25, "node7")
    assert loss.metadata["rank"] == 3
    assert loss.metadata["file"] == Path(__file__).name
    assert loss.metadata["mono_ns"] > 0


def test_the_emitter_refuses_what_no_log_may_hold_and_leaves_no_torn_line(tmp_path: Path) -> None:
    with emitter.Emitter(tmp_path / "log", rank=0) as log:
        log.point("train_loss", 0.5)
        with pytest.raises(ValueError, match="not JSON compliant"):
            log.point("train_loss", math.nan)
        log.point("train_loss", 0.25)
    lines = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line.removeprefix(TOKEN))["value"] for line in lines] == [0.5, 0.25]


def test_the_emitter_finishes_a_line_that_was_written_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.write
    monkeypatch.setattr(emitter.os, "write", lambda descriptor, data: whole(descriptor, data[:7]))
    with emitter.Emitter(tmp_path / "log", rank=0) as log:
        log.point("seed", 17)
    event = parse_line((tmp_path / "log").read_text(encoding="utf-8"))
    assert event is not None
    assert event.value == 17

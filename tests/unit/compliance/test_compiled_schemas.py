"""The compiled predicates and jsonschema give the same answers, for every schema that the checker uses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from compliance import rules as rule_sets
from compliance.mismatch import mismatches
from compliance.schemas import Schema, compile_schema, same

RULES = rule_sets.load()
MLPERF = rule_sets.load("mlperf-hpc-3.0.0")
OPENFOLD = {
    key: known
    for benchmark in ("deepcam", "openfold")
    for key, known in MLPERF.variant({"submission_division": "closed", "submission_benchmark": benchmark}).keys.items()
}


def stored(name: str) -> Schema:
    schema: Schema = json.loads((rule_sets.LOGGING_SPEC / "schemas" / name).read_text(encoding="utf-8"))
    return schema


SCHEMAS: dict[str, Schema] = {
    "event": RULES.event_schema,
    "run_config": stored("run_config.schema.json"),
    "mlperf event": MLPERF.event_schema,
    **{f"{key} mlperf": known.value_schema for key, known in OPENFOLD.items() if known.value_schema},
    **{f"{key} strict": known.strict_value_schema for key, known in OPENFOLD.items() if known.strict_value_schema},
    **{f"{key} value": known.value_schema for key, known in RULES.keys.items()},
    **{f"{key} metadata": known.metadata_schema for key, known in RULES.keys.items()},
}

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "x", "closed", "max", "cpu", "1.0", "0" * 64, "a b", "POINT_IN_TIME", "y" * 4097])
)


def near(schema: Schema) -> st.SearchStrategy[Any]:
    """Draw values that match a schema, or nearly do."""
    if "enum" in schema or "const" in schema:
        return st.sampled_from([*schema.get("enum", []), schema.get("const", "1.0")]) | SCALARS
    if schema.get("type") == "object" or "properties" in schema:
        names = {name: near(inside) for name, inside in schema.get("properties", {}).items()}
        return st.fixed_dictionaries({}, optional={**names, "other": SCALARS}) | SCALARS | st.just([])
    if schema.get("type") == "array":
        return st.lists(near(schema.get("items", {})), max_size=3) | SCALARS
    return SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(max_size=2), SCALARS, max_size=2)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("name", SCHEMAS)
def test_both_give_the_same_answer(name: str, data: DataObject) -> None:
    schema = SCHEMAS[name]
    value = data.draw(near(schema))
    found = list(mismatches(schema, value))
    assert compile_schema(schema)(value) == (not found)
    assert len({mismatch.path for mismatch in found}) == len(found), "each place once"


@pytest.mark.parametrize(
    ("schema", "value", "path", "expected", "found"),
    [
        ({"type": "integer"}, 64.0, "", "integer", "64.0"),
        ({"type": "integer"}, True, "", "integer", "true"),
        ({"type": "number", "minimum": 0}, -1, "", "number ≥ 0", "-1"),
        ({"properties": {"a": {"type": "string"}}}, {"a": 1}, "a", "text", "1"),
        ({"required": ["b"], "properties": {"b": {"type": "null"}}}, {}, "b", "null", "nothing"),
        ({"properties": {}, "additionalProperties": False}, {"c": [1]}, "c", "no such name", "[1]"),
        ({"properties": {"a": {"items": {"type": "integer"}}}}, {"a": [1, "2"]}, "a.1", "integer", '"2"'),
    ],
)
def test_a_mismatch_in_words(schema: Schema, value: Any, path: str, expected: str, found: str) -> None:
    (mismatch,) = mismatches(schema, value)
    assert (mismatch.path, mismatch.expected, mismatch.found) == (path, expected, found)


def test_a_keyword_that_is_not_compiled_is_refused() -> None:
    with pytest.raises(ValueError, match="uniqueItems"):
        compile_schema({"type": "array", "uniqueItems": True})


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ([1, {"a": True}], [1, {"a": 1}], False),
        ({"a": 1}, {"a": 1.0}, True),
    ],
)
def test_equality_of_json_values(left: Any, right: Any, equal: bool) -> None:
    assert same(left, right) is equal
    assert same(right, left) is equal

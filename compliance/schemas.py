"""JSON Schemas compiled into predicates, for the keywords that ours use.

A log without faults is judged by these alone. `jsonschema`, whose import takes longer than the judging of a log, is
loaded when a fault has to be put into words (`mismatch.py`). A test holds the two to the same answers.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeGuard

Schema = dict[str, Any]
Accepts = Callable[[Any], bool]
Keyword = Callable[[Any, Schema, Schema], Accepts]
"""Makes the predicate of a keyword from its value, the schema that it stands in, and the root of that schema."""

ANNOTATIONS = frozenset({"$schema", "$id", "$comment", "$defs", "title", "description", "default"})


def compile_schema(schema: Schema, root: Schema | None = None) -> Accepts:
    """Compile a schema into a predicate.

    Raises:
        ValueError: the schema uses a keyword that is not in `KEYWORDS`.
    """
    root = schema if root is None else root
    unknown = set(schema) - set(KEYWORDS) - ANNOTATIONS
    if unknown:
        raise ValueError(f"keywords {sorted(unknown)}: expected {', '.join(KEYWORDS)}")
    if schema.get("type") in ("integer", "number") and schema.keys() - ANNOTATIONS <= BOUNDS:
        return _bounded(schema)
    if schema.get("type") == "object" and schema.keys() - ANNOTATIONS <= {"type", "required", "properties"}:
        return _object(schema, root)
    return all_of([keyword(schema[word], schema, root) for word, keyword in KEYWORDS.items() if word in schema])


def all_of(tests: Sequence[Accepts]) -> Accepts:
    """Return the predicate that asks for all of some others."""
    if not tests:
        return accept_anything
    return tests[0] if len(tests) == 1 else _all_of(tuple(tests))


def _object(schema: Schema, root: Schema) -> Accepts:
    """Compile the schema of metadata, which every event has, into one loop; counts are frequent, and need no call."""
    properties: dict[str, Schema] = schema.get("properties", {})
    needed = tuple(schema.get("required", ()))
    counts = tuple((name, inside["minimum"]) for name, inside in properties.items() if _is_count(inside))
    counted = frozenset(name for name, _ in counts)
    others = ((name, compile_schema(inside, root)) for name, inside in properties.items() if name not in counted)
    tests = tuple((name, test) for name, test in others if test is not accept_anything)

    def accepts(value: Any) -> bool:
        if type(value) is not dict:
            return False
        for name in needed:
            if name not in value:
                return False
        for name, least in counts:
            if name in value:
                count = value[name]
                if type(count) is not int or count < least:
                    return False
        for name, test in tests:  # noqa: SIM110
            if name in value and not test(value[name]):
                return False
        return True

    return accepts


BOUNDS = frozenset({"type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})


def _bounded(schema: Schema) -> Accepts:
    """Compile the schema of a number into one function. No comparison holds for NaN, which is no number."""
    kinds = frozenset(TYPES[schema["type"]])
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if above is None and below is None:
        return lambda value: type(value) in kinds and low <= value <= high
    return lambda value: (
        type(value) in kinds
        and low <= value <= high
        and (above is None or value > above)
        and (below is None or value < below)
    )


def _is_count(schema: Schema) -> bool:
    return schema.keys() - ANNOTATIONS == {"type", "minimum"} and schema["type"] == "integer"


def accept_anything(_: Any) -> bool:
    """Accept every value, as the empty schema does."""
    return True


def is_integer(value: Any) -> TypeGuard[int]:
    """Say whether a value is an integer as logs mean it: neither true nor 1.0."""
    return type(value) is int


def is_number(value: Any) -> TypeGuard[int | float]:
    """Say whether a value is a number; true is none, and NaN says itself that it is none."""
    return type(value) is int or (type(value) is float and value == value)


def same(left: Any, right: Any) -> bool:
    """Say whether two JSON values are equal: 1 is 1.0, true is not 1."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


TYPES: dict[str, tuple[type, ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
}
"""Python's types of each type of JSON Schema."""


# The loops of this file are loops, and not all() over generators, because every event of a log goes through them.


def _all_of(tests: tuple[Accepts, ...]) -> Accepts:
    def accepts(value: Any) -> bool:
        for test in tests:  # noqa: SIM110
            if not test(value):
                return False
        return True

    return accepts


def _type(names: str | list[str], _schema: Schema, _root: Schema) -> Accepts:
    names = [names] if isinstance(names, str) else names
    kinds = frozenset(kind for name in names for kind in TYPES[name])
    if float in kinds:  # NaN, which differs from itself, is no number
        return lambda value: type(value) in kinds and value == value
    return lambda value: type(value) in kinds


def _enum(choices: list[Any], _schema: Schema, _root: Schema) -> Accepts:
    return lambda value: any(same(value, choice) for choice in choices)


def _const(constant: Any, _schema: Schema, _root: Schema) -> Accepts:
    return lambda value: same(value, constant)


def _reference(target: str, _schema: Schema, root: Schema) -> Accepts:
    return compile_schema(root["$defs"][target.removeprefix("#/$defs/")], root)


def _pattern(pattern: str, _schema: Schema, _root: Schema) -> Accepts:
    search = re.compile(pattern).search
    return lambda value: not isinstance(value, str) or search(value) is not None


def _number(holds: Callable[[Any, Any], bool]) -> Keyword:
    return lambda limit, _schema, _root: lambda value: not is_number(value) or holds(value, limit)


def _size(kind: type[str] | type[list[Any]] | type[dict[str, Any]], holds: Callable[[int, int], bool]) -> Keyword:
    return lambda limit, _schema, _root: lambda value: not isinstance(value, kind) or holds(len(value), limit)


def _required(names: list[str], _schema: Schema, _root: Schema) -> Accepts:
    needed = frozenset(names)
    return lambda value: not isinstance(value, dict) or needed.issubset(value)


def _properties(schemas: dict[str, Schema], _schema: Schema, root: Schema) -> Accepts:
    tests = tuple((name, compile_schema(inside, root)) for name, inside in schemas.items())

    def accepts(value: Any) -> bool:
        if isinstance(value, dict):
            for name, test in tests:
                if name in value and not test(value[name]):
                    return False
        return True

    return accepts


def _additional(others: bool | Schema, schema: Schema, root: Schema) -> Accepts:
    declared = frozenset(schema.get("properties", ()))
    if isinstance(others, bool):
        return lambda value: others or not isinstance(value, dict) or value.keys() <= declared
    test = compile_schema(others, root)
    return lambda value: not isinstance(value, dict) or all(test(value[name]) for name in value.keys() - declared)


def _not(inside: Schema, _schema: Schema, root: Schema) -> Accepts:
    test = compile_schema(inside, root)
    return lambda value: not test(value)


def _items(inside: Schema, _schema: Schema, root: Schema) -> Accepts:
    test = compile_schema(inside, root)
    return lambda value: not isinstance(value, list) or all(map(test, value))


KEYWORDS: dict[str, Keyword] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "$ref": _reference,
    "pattern": _pattern,
    "minimum": _number(operator.ge),
    "exclusiveMinimum": _number(operator.gt),
    "maximum": _number(operator.le),
    "exclusiveMaximum": _number(operator.lt),
    "minLength": _size(str, operator.ge),
    "maxLength": _size(str, operator.le),
    "minItems": _size(list, operator.ge),
    "maxItems": _size(list, operator.le),
    "minProperties": _size(dict, operator.ge),
    "maxProperties": _size(dict, operator.le),
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "items": _items,
    "not": _not,
}

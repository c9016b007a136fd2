"""JSON Schemas compiled into predicates, for the keywords that ours use.

A log without faults is judged by these alone. `jsonschema`, whose import takes longer than the judging of a log, is
loaded when a fault has to be put into words (`mismatch.py`). A test holds the two to the same answers.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
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
    count = _bounded_integer(schema)
    if count is not None:
        return count
    if schema.get("type") == "object" and schema.keys() - ANNOTATIONS <= {"type", "required", "properties"}:
        return _object(schema, root)
    tests = tuple(keyword(schema[word], schema, root) for word, keyword in KEYWORDS.items() if word in schema)
    if not tests:
        return accept_anything
    return tests[0] if len(tests) == 1 else _all_of(tests)


def _object(schema: Schema, root: Schema) -> Accepts:
    """Compile the schema of metadata, which every event has, into one loop."""
    properties = schema.get("properties", {})
    needed = frozenset(schema.get("required", ()))
    only_needed = tuple(needed - properties.keys())
    tests = tuple((name, compile_schema(inside, root), name in needed) for name, inside in properties.items())

    def accepts(value: Any) -> bool:
        if not isinstance(value, dict):
            return False
        for name in only_needed:
            if name not in value:
                return False
        for name, test, is_needed in tests:
            if name in value:
                if not test(value[name]):
                    return False
            elif is_needed:
                return False
        return True

    return accepts


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


TYPES: dict[str, Accepts] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": is_integer,
    "number": is_number,
    "string": lambda value: type(value) is str,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


# The loops of this file are loops, and not all() over generators, because every event of a log goes through them.


def _all_of(tests: tuple[Accepts, ...]) -> Accepts:
    def accepts(value: Any) -> bool:
        for test in tests:  # noqa: SIM110
            if not test(value):
                return False
        return True

    return accepts


def _type(names: str | list[str], _schema: Schema, _root: Schema) -> Accepts:
    if isinstance(names, str):
        return TYPES[names]
    tests = tuple(TYPES[name] for name in names)
    return lambda value: any(test(value) for test in tests)


def _enum(choices: list[Any], _schema: Schema, _root: Schema) -> Accepts:
    return lambda value: any(same(value, choice) for choice in choices)


def _const(constant: Any, _schema: Schema, _root: Schema) -> Accepts:
    return lambda value: same(value, constant)


def _reference(target: str, _schema: Schema, root: Schema) -> Accepts:
    return compile_schema(root["$defs"][target.removeprefix("#/$defs/")], root)


def _pattern(pattern: str, _schema: Schema, _root: Schema) -> Accepts:
    search = re.compile(pattern).search
    return lambda value: not isinstance(value, str) or search(value) is not None


def _bounded_integer(schema: Schema) -> Accepts | None:
    """Compile the schema of a count, the most frequent of all, into one function."""
    if schema.keys() != {"type", "minimum"} or schema["type"] != "integer":
        return None
    least = schema["minimum"]
    return lambda value: type(value) is int and value >= least


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

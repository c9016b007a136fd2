"""Where and how a value does not match its schema, as jsonschema finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, NamedTuple

from compliance.finding import NOTHING, name, show
from compliance.schemas import Schema, is_integer, is_number
from logging_spec.describe import describe


class Mismatch(NamedTuple):
    """One place where a value does not match."""

    path: str
    """Names and indices from the value's top, joined by dots; empty for the value itself."""

    expected: str
    """What the schema asks for."""

    found: str
    """What is there."""

    structural: bool
    """Whether a name is missing or is too many, so that no value is at fault."""


def mismatches(schema: Schema, value: Any) -> Iterator[Mismatch]:
    """Name every place where `value` does not match `schema`, each once, in the order of their paths."""
    places: dict[str, Mismatch] = {}
    incomplete: set[tuple[Any, ...]] = set()
    for error in _validator()(schema).iter_errors(value):
        if error.validator == "required":  # one error for each missing name, each of which tells of all
            if (at := tuple(error.absolute_path)) in incomplete:
                continue
            incomplete.add(at)
        for mismatch in _of(error):
            places.setdefault(mismatch.path, mismatch)
    yield from sorted(places.values())


@cache
def _validator() -> Callable[[Schema], Any]:
    """Return the validator of Draft 2020-12 that takes neither true nor 1.0 for an integer, and fetches nothing."""
    # Imported here because only a log with faults needs it, and the import takes longer than the judging of a log.
    from jsonschema import Draft202012Validator, validators
    from referencing import Registry

    types = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": lambda _, item: is_integer(item), "number": lambda _, item: is_number(item)}
    )
    strict: Callable[..., Any] = validators.extend(Draft202012Validator, type_checker=types)  # type: ignore[no-untyped-call]
    return partial(strict, registry=Registry())


def _of(error: Any) -> Iterator[Mismatch]:
    path = [str(part) for part in error.absolute_path]
    properties = error.schema.get("properties", {})
    if error.validator == "required":
        for missing in sorted(set(error.validator_value) - error.instance.keys()):
            expected = describe(properties.get(missing, {}))
            yield Mismatch(_joined([*path, missing]), expected, NOTHING, True)
    elif error.validator == "additionalProperties" and error.validator_value is False:
        for extra in sorted(error.instance.keys() - properties.keys()):
            yield Mismatch(_joined([*path, extra]), "no such name", show(error.instance[extra]), True)
    else:
        yield Mismatch(_joined(path), describe(error.schema), show(error.instance), False)


def _joined(path: list[str]) -> str:
    return ".".join(name(part) for part in path)

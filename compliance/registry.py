"""What a rule set knows of each key: its kind of event, how often and where it stands, what its value has to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from compliance.schemas import Accepts, Schema, accept_anything, all_of, compile_schema

IsSound = Callable[[Any, Any], bool]
"""Whether a value and metadata may be computed with."""


@dataclass(frozen=True, kw_only=True)
class KeyRule:
    """One key of the registry (logging_spec/keys.json)."""

    text: str
    """What the key means."""

    event_type: str
    """INTERVAL_START, INTERVAL_END or POINT_IN_TIME."""

    count: str
    """`exactly_one`, `at_most_one`, `at_least_one` or `any`, in one log."""

    states: frozenset[str] | None
    """States of the life cycle in which it may stand; None is all of them."""

    value_schema: Schema
    """JSON Schema of the value."""

    metadata_schema: Schema
    """JSON Schema of the metadata."""

    accepts_value: Accepts
    """Whether a value matches its schema."""

    accepts_metadata: Accepts
    """Whether metadata match their schema."""

    strict_value_schema: Schema
    """What the value should be besides: of the type that the key stands for."""

    strict_metadata_schema: Schema
    """What the metadata should be besides."""

    wanted: bool
    """Whether a log should hold the key, although it is complete without."""

    is_sound: IsSound
    """Whether value and metadata match all of these schemas, so that they may be computed with."""

    @cached_property
    def needed(self) -> bool:
        """Whether a log without the key is incomplete."""
        return self.count in ("exactly_one", "at_least_one")

    @cached_property
    def single(self) -> bool:
        """Whether a log holds the key once at most, so that it states a fact of the run."""
        return self.count in ("exactly_one", "at_most_one")


def key_rule(entry: dict[str, Any]) -> KeyRule:
    """Make the rule of one entry of the registry."""
    metadata = {"type": "object", **entry.get("metadata", {})}
    strict_value, strict_metadata = entry.get("strict_value", {}), entry.get("strict_metadata", {})
    strict_metadata = {"type": "object", **strict_metadata} if strict_metadata else {}
    accepts_value, accepts_metadata = compile_schema(entry["value"]), compile_schema(metadata)
    return KeyRule(
        text=entry["text"],
        event_type=entry["event_type"],
        count=entry["count"],
        states=None if entry["states"] is None else frozenset(entry["states"]),
        value_schema=entry["value"],
        metadata_schema=metadata,
        accepts_value=accepts_value,
        accepts_metadata=accepts_metadata,
        strict_value_schema=strict_value,
        strict_metadata_schema=strict_metadata,
        wanted=entry.get("wanted", False),
        is_sound=_is_sound(
            all_of(_without_empty([accepts_value, compile_schema(strict_value)])),
            all_of(_without_empty([compile_schema(part) for part in _merged(metadata, strict_metadata)])),
        ),
    )


def _is_sound(accepts_value: Accepts, accepts_metadata: Accepts) -> IsSound:
    return lambda value, metadata: accepts_value(value) and accepts_metadata(metadata)


def _without_empty(tests: list[Accepts]) -> list[Accepts]:
    return [test for test in tests if test is not accept_anything]


def _merged(metadata: Schema, strict: Schema) -> list[Schema]:
    """Return schemas that say the same as these two: one, where the first asks for no more than names to be there."""
    own: dict[str, Schema] = metadata.get("properties", {})
    further: dict[str, Schema] = strict.get("properties", {})
    if strict.keys() <= {"type", "properties"} and not any(own.get(name) for name in further):
        return [{**metadata, "properties": {**own, **further}}]
    return [metadata, strict]

"""What a rule set knows of each key: its kind of event, how often and where it stands, what its value has to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from compliance.schemas import Accepts, Schema, compile_schema


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

    is_sound: Callable[[Any, Any], bool]
    """Whether value and metadata match all of these schemas, so that they may be computed with."""

    @property
    def needed(self) -> bool:
        """Whether a log without the key is incomplete."""
        return self.count in ("exactly_one", "at_least_one")

    @property
    def single(self) -> bool:
        """Whether a log holds the key once at most, so that it states a fact of the run."""
        return self.count in ("exactly_one", "at_most_one")


def key_rule(entry: dict[str, Any]) -> KeyRule:
    """Make the rule of one entry of the registry."""
    metadata = {"type": "object", **entry.get("metadata", {})}
    strict_value, strict_metadata = entry.get("strict_value", {}), entry.get("strict_metadata", {})
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
        is_sound=_all_of(
            [accepts_value, *([compile_schema(strict_value)] if strict_value else [])],
            [accepts_metadata, *([compile_schema(strict_metadata)] if strict_metadata else [])],
        ),
    )


def _all_of(of_value: list[Accepts], of_metadata: list[Accepts]) -> Callable[[Any, Any], bool]:
    if len(of_value) == len(of_metadata) == 1:
        accepts_value, accepts_metadata = of_value[0], of_metadata[0]
        return lambda value, metadata: accepts_value(value) and accepts_metadata(metadata)
    return lambda value, metadata: all(test(value) for test in of_value) and all(test(metadata) for test in of_metadata)

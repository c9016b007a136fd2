"""Single faults in valid logs, drawn at random from a seed: what was done, to which event, and the log that came out.

A fault is one of `KINDS`. Each changes one line, or the order of two, and everything that a reader could tell is in the
new bytes. What a checker has to say of it is not decided here but in `expectations.json`, by kind and key.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

TOKEN = ":::MLLOG "
Record = dict[str, Any]

STRANGE: tuple[Any, ...] = (None, True, False, -1, 1.5, "", "x", [], [1], {}, {"a": None})
"""Values of every type; those that a key takes are left out for it."""


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One fault in a log."""

    kind: str
    """What was done: a name in `KINDS`."""

    key: str
    """Key of the event to which it was done."""

    part: str = ""
    """Field or name within the event, where the kind has a choice."""

    line: int
    """Line of that event, from 1, in the log that came out."""

    content: bytes
    """The log that came out."""


@dataclass(kw_only=True)
class Draft:
    """A log that a fault is being written into."""

    lines: list[bytes]
    """Its lines, each with its line feed."""

    place: int
    """Index of the line that was chosen."""

    rng: random.Random
    """Where chance comes from."""

    accepts: Callable[[str, Any], bool]
    """Whether a key takes a value."""

    required: Callable[[str], frozenset[str]]
    """Names that the metadata of a key must hold."""

    part: str = ""
    """What the fault says of itself."""

    ruled_out: bool = field(default=False)
    """Whether the fault cannot be done here."""

    @property
    def record(self) -> Record:
        """A copy of the chosen event."""
        record: Record = json.loads(self.lines[self.place].decode().removeprefix(TOKEN))
        return record

    def put(self, *records: Record) -> None:
        """Write events in place of the chosen line."""
        self.put_raw(b"".join(f"{TOKEN}{json.dumps(record)}\n".encode() for record in records))

    def put_raw(self, line: bytes) -> None:
        """Write bytes in place of the chosen line."""
        self.lines[self.place] = line

    def neighbour(self) -> int | None:
        """Index of the next event; None where there is none."""
        return next((n for n in range(self.place + 1, len(self.lines)) if is_event(self.lines[n])), None)


Kind = Callable[[Draft], None]


def is_event(line: bytes) -> bool:
    """Say whether a line of a valid log is an event that faults are written into."""
    return line.startswith(TOKEN.encode()) and len(line) < 4000


# The line as such.


def drop(draft: Draft) -> None:
    """Take the line away."""
    draft.put_raw(b"")


def duplicate(draft: Draft) -> None:
    """Write it twice."""
    draft.put_raw(draft.lines[draft.place] * 2)


def truncate(draft: Draft) -> None:
    """Write a part of it: the token is whole, the object is not."""
    line = draft.lines[draft.place]
    draft.put_raw(line[: draft.rng.randint(len(TOKEN), len(line) - 2)] + b"\n")


def tear_token(draft: Draft) -> None:
    """Take the space out of the token."""
    draft.put_raw(draft.lines[draft.place].replace(b":::MLLOG ", b":::MLLOG", 1))


def splice(draft: Draft) -> None:
    """Let it run into the next one, as two writers' lines do."""
    draft.put_raw(draft.lines[draft.place].rstrip(b"\n"))
    draft.ruled_out = draft.neighbour() != draft.place + 1


def interleave(draft: Draft) -> None:
    """Break the next line into the middle of it."""
    other = draft.neighbour()
    if other is None or other != draft.place + 1:
        draft.ruled_out = True
        return
    one, two = draft.lines[draft.place].rstrip(b"\n"), draft.lines[other].rstrip(b"\n")
    cut = draft.rng.randint(len(TOKEN) + 1, len(one) - 1)
    draft.put_raw(one[:cut] + two + one[cut:] + b"\n")
    draft.lines[other] = b""


def cut_file(draft: Draft) -> None:
    """End the log in the middle of it."""
    line = draft.lines[draft.place]
    draft.put_raw(line[: draft.rng.randint(len(TOKEN), len(line) - 2)])
    del draft.lines[draft.place + 1 :]


def prefix(draft: Draft) -> None:
    """Put a launcher's mark in front of it."""
    draft.put_raw(draft.rng.choice([b"0: ", b"[1,0]<stdout>:", b" "]) + draft.lines[draft.place])


def lengthen(draft: Draft) -> None:
    """Make it longer than a line may be."""
    record = draft.record
    record["metadata"]["note"] = "x" * 70_000
    draft.put(record)


def bad_utf8(draft: Draft) -> None:
    """Put a byte into a text that is no UTF-8."""
    draft.put_raw(draft.lines[draft.place].replace(b'"file": "', b'"file": "\xff', 1))


# Its JSON.


def name_twice(draft: Draft) -> None:
    """Write a field a second time."""
    draft.part = draft.rng.choice(["value", "key", "time_ms", "metadata"])
    again = json.dumps(draft.record[draft.part])
    text = draft.lines[draft.place].decode().rstrip("\n")
    draft.put_raw(f'{text[:-1]}, "{draft.part}": {again}}}\n'.encode())


def not_finite(draft: Draft) -> None:
    """Write a number that is none, or none that fits."""
    text = draft.rng.choice(["NaN", "Infinity", "-Infinity", "1e999", str(2**63), "-" + "9" * 30])
    head, _, tail = draft.lines[draft.place].decode().partition('"metadata": {')
    draft.put_raw(f'{head}"metadata": {{"odd": {text}, {tail}'.encode())


def nest(draft: Draft) -> None:
    """Nest arrays deeper than any reader has to follow."""
    depth = draft.rng.choice([32, 40, 500])
    head, _, tail = draft.lines[draft.place].decode().partition('"metadata": {')
    draft.put_raw(f'{head}"metadata": {{"odd": {"[" * depth}{"]" * depth}, {tail}'.encode())


def more_after(draft: Draft) -> None:
    """Write something after the object."""
    draft.put_raw(
        draft.lines[draft.place].rstrip(b"\n") + draft.rng.choice([b" {}", b" # done", b"}", b"\x00"]) + b"\n"
    )


# Its fields.


def drop_field(draft: Draft) -> None:
    """Leave a field out."""
    record = draft.record
    draft.part = draft.rng.choice(sorted(record))
    del record[draft.part]
    draft.put(record)


def add_field(draft: Draft) -> None:
    """Add a seventh field."""
    draft.put({**draft.record, "rank": 0})


def retype_field(draft: Draft) -> None:
    """Give a field a value of another type."""
    draft.part = draft.rng.choice(["namespace", "time_ms", "event_type", "key", "metadata"])
    allowed = {"namespace": (str,), "time_ms": (), "event_type": (), "key": (), "metadata": (dict,)}[draft.part]
    strange = [value for value in STRANGE if not isinstance(value, allowed) and value != "x"]
    value = draft.rng.choice(strange)
    draft.put({**draft.record, draft.part: value})
    if draft.part == "time_ms" and value == -1 and not isinstance(value, bool):
        draft.part = "time_ms=-1"  # a time after all, and too early


def other_event_type(draft: Draft) -> None:
    """Give it another of the three event types."""
    record = draft.record
    others = {"INTERVAL_START", "INTERVAL_END", "POINT_IN_TIME"} - {record["event_type"]}
    draft.put({**record, "event_type": draft.rng.choice(sorted(others))})


def retype_value(draft: Draft) -> None:
    """Give it a value that its key does not take."""
    record = draft.record
    strange = [value for value in STRANGE if not draft.accepts(record["key"], value)]
    if not strange:
        draft.ruled_out = True
        return
    draft.put({**record, "value": draft.rng.choice(strange)})


def drop_metadata(draft: Draft) -> None:
    """Leave out a name that the metadata must hold."""
    record = draft.record
    draft.part = draft.rng.choice(["file", "lineno", *sorted(draft.required(record["key"]))])
    del record["metadata"][draft.part]
    draft.put(record)


def retype_metadata(draft: Draft) -> None:
    """Give a name that the metadata must hold a value that nothing takes."""
    record = draft.record
    draft.part = draft.rng.choice(["file", "lineno", *sorted(draft.required(record["key"]))])
    record["metadata"][draft.part] = draft.rng.choice([[], {}, [1], {"a": 1}])
    draft.put(record)


def misspell(draft: Draft) -> None:
    """Leave a letter of the key out."""
    record = draft.record
    at = draft.rng.randrange(1, len(record["key"]))
    key = record["key"][:at] + record["key"][at + 1 :]
    draft.ruled_out = len(key) < 6
    draft.put({**record, "key": key})


# Time and place.


def earlier(draft: Draft) -> None:
    """Set its time before that of the event before it."""
    record = draft.record
    draft.ruled_out = not any(map(is_event, draft.lines[: draft.place]))
    record["time_ms"] -= draft.rng.choice([3_600_000, 86_400_000])
    draft.put(record)


def much_later(draft: Draft) -> None:
    """Set its time a day ahead, so that the next event is before it."""
    record = draft.record
    draft.ruled_out = draft.neighbour() is None
    record["time_ms"] += 86_400_000
    draft.put(record)


def swap(draft: Draft) -> None:
    """Change places with the next event, and leave the clock as it runs."""
    other = draft.neighbour()
    if other is None:
        draft.ruled_out = True
        return
    one, two = draft.record, json.loads(draft.lines[other].decode().removeprefix(TOKEN))
    exchange_clocks(one, two)
    draft.part = str(two["key"])
    draft.put(two)
    draft.lines[other] = f"{TOKEN}{json.dumps(one)}\n".encode()


def exchange_clocks(one: Record, two: Record) -> None:
    """Give each of two events the other's times."""
    one["time_ms"], two["time_ms"] = two["time_ms"], one["time_ms"]
    clocks = one["metadata"].get("mono_ns"), two["metadata"].get("mono_ns")
    for record, clock in zip((two, one), clocks, strict=True):
        if clock is not None:
            record["metadata"]["mono_ns"] = clock


# Numbers of the run.


def other_epoch(draft: Draft) -> None:
    """Name an epoch that is far away."""
    record = draft.record
    draft.ruled_out = "epoch_num" not in record["metadata"]
    record["metadata"]["epoch_num"] = draft.rng.choice([77, 10**6])
    draft.put(record)


def other_samples(draft: Draft) -> None:
    """Count a sample more or less."""
    record = draft.record
    count = record["metadata"].get("samples_count")
    draft.ruled_out = count is None
    record["metadata"]["samples_count"] = (count or 0) + draft.rng.choice([-1, 1])
    draft.put(record)


# What is no fault.


def blank_line(draft: Draft) -> None:
    """Put a line before it that is no event."""
    text = draft.rng.choice([b"\n", b"# a comment\n", b"loss 0.31\n", "épochs\n".encode(), b"{}\n"])
    draft.put_raw(text + draft.lines[draft.place])


def carriage_return(draft: Draft) -> None:
    """End the line as Windows does."""
    draft.put_raw(draft.lines[draft.place].rstrip(b"\n") + b"\r\n")


def other_fields_order(draft: Draft) -> None:
    """Write the fields in another order."""
    record = draft.record
    draft.put(dict(draft.rng.sample(sorted(record.items()), len(record))))


def more_metadata(draft: Draft) -> None:
    """Say more than is asked for."""
    record = draft.record
    record["metadata"]["note"] = draft.rng.choice([[1, 2], {"a": None}, "π", 0.1])
    draft.put(record)


def unknown_key(draft: Draft) -> None:
    """Put an event before it whose key nobody knows."""
    record = draft.record
    draft.put({**record, "key": "site_weather", "value": {"wind": 3}, "event_type": "POINT_IN_TIME"}, record)


NO_FAULT: tuple[Kind, ...] = (blank_line, carriage_return, other_fields_order, more_metadata, unknown_key)
"""Changes of which nothing may be said."""

FAULTS: tuple[Kind, ...] = (
    drop, duplicate, truncate, tear_token, splice, interleave, cut_file, prefix, lengthen, bad_utf8,
    name_twice, not_finite, nest, more_after,
    drop_field, add_field, retype_field, other_event_type, retype_value, drop_metadata, retype_metadata, misspell,
    earlier, much_later, swap, other_epoch, other_samples,
)  # fmt: skip

KINDS: dict[str, Kind] = {kind.__name__: kind for kind in (*FAULTS, *NO_FAULT)}


def draw(
    content: bytes,
    *,
    seed: str,
    count: int,
    accepts: Callable[[str, Any], bool],
    required: Callable[[str], frozenset[str]],
) -> Iterator[Mutation]:
    """Draw mutations of a log; every kind comes as often as any other, as far as it can be done.

    Args:
        content: a valid log.
        seed: the same seed draws the same mutations.
        count: how many.
        accepts: whether a key takes a value.
        required: names that the metadata of a key must hold.
    """
    rng, kinds = random.Random(seed), list(KINDS)
    lines = content.splitlines(keepends=True)
    events = [place for place, line in enumerate(lines) if is_event(line)]
    start = rng.randrange(len(kinds))
    while count > 0:
        kind = kinds[(start + count) % len(kinds)]
        place = rng.choice(events)
        draft = Draft(lines=list(lines), place=place, rng=rng, accepts=accepts, required=required)
        key = draft.record["key"]
        KINDS[kind](draft)
        if draft.ruled_out:
            continue
        count -= 1
        yield Mutation(kind=kind, key=key, part=draft.part, line=place + 1, content=b"".join(draft.lines))

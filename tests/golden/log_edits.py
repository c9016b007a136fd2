"""Edits of a log that never was: each makes one thing of it different (`make_corpus.py`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from run_story import Record

Edit = Callable[[list[Record]], object]
"""Changes the events of a log in place."""


def index(records: list[Record], key: str, number: int = 0) -> int:
    """Return the place of the `number`th event with `key`; -1 is the last one."""
    return [place for place, record in enumerate(records) if record["key"] == key][number]


def event(records: list[Record], key: str, number: int = 0) -> Record:
    """Return the `number`th event with `key`."""
    return records[index(records, key, number)]


def value(key: str, new: Any, number: int = 0) -> Edit:
    """Make the edit that gives an event another value."""
    return lambda records: event(records, key, number).update(value=new)


def metadata(key: str, number: int = 0, /, **new: Any) -> Edit:
    """Make the edit that gives an event other metadata; an ellipsis takes a name away."""

    def edit(records: list[Record]) -> None:
        found = event(records, key, number)["metadata"]
        found.update(new)
        for name in [name for name, content in new.items() if content is ...]:
            del found[name]

    return edit


def fields(key: str, number: int = 0, /, **new: Any) -> Edit:
    """Make the edit that gives an event other fields."""
    return lambda records: event(records, key, number).update(new)


def without(key: str, number: int = 0) -> Edit:
    """Make the edit that takes an event away."""
    return lambda records: records.pop(index(records, key, number))


def twice(key: str, number: int = 0) -> Edit:
    """Make the edit that writes an event twice."""
    return lambda records: records.insert(index(records, key, number), dict(event(records, key, number)))


def move(key: str, behind: str, number: int = 0, behind_number: int = 0) -> Edit:
    """Make the edit that puts an event behind another one, with the time of its new place."""

    def edit(records: list[Record]) -> None:
        moved = records.pop(index(records, key, number))
        place = index(records, behind, behind_number)
        moved["time_ms"] = records[place]["time_ms"]
        moved["metadata"]["mono_ns"] = records[place]["metadata"]["mono_ns"]
        records.insert(place + 1, moved)

    return edit


def insert(key: str, new: Any, behind: str, /, **more: Any) -> Edit:
    """Make the edit that puts a new event behind each event with a key, at its time."""

    def edit(records: list[Record]) -> None:
        for record in [record for record in records if record["key"] == behind]:
            copy = json.loads(json.dumps(record))
            kind = {"start": "INTERVAL_START", "stop": "INTERVAL_END"}.get(key.rpartition("_")[2], "POINT_IN_TIME")
            copy |= {"key": key, "value": new, "event_type": kind}
            copy["metadata"] |= more
            records.insert(records.index(record) + 1, copy)

    return edit


def later(key: str, seconds: float, number: int = 0) -> Edit:
    """Make the edit that lets time pass before an event."""

    def edit(records: list[Record]) -> None:
        for record in records[index(records, key, number) :]:
            record["time_ms"] += round(seconds * 1000)
            record["metadata"]["mono_ns"] += round(seconds * 1e9)

    return edit


def quality(*values: float) -> Edit:
    """Make the edit that gives the evaluations other accuracies."""
    return lambda records: [event(records, "eval_accuracy", n).update(value=v) for n, v in enumerate(values)]


def status(name: str, **more: Any) -> Edit:
    """Make the edit that gives the run another status."""
    return metadata("run_stop", status=name, **more)


def cut_short(records: list[Record]) -> None:
    """Abort in the middle of the second epoch."""
    start, stop = index(records, "train_loss", 1), index(records, "run_stop")
    del records[start:stop]


def without_evaluation(records: list[Record]) -> None:
    """Take the first evaluation away."""
    del records[index(records, "eval_start") : index(records, "eval_stop") + 1]


def evaluate_twice(records: list[Record]) -> None:
    """Write the first evaluation twice, the second time with the time at which the first one ended."""
    start, stop = index(records, "eval_start"), index(records, "eval_stop")
    again = json.loads(json.dumps(records[start : stop + 1]))
    for record in again:
        record["time_ms"] = records[stop]["time_ms"]
    records[stop + 1 : stop + 1] = again


def outside_git(records: list[Record]) -> None:
    """Say that there is no commit."""
    event(records, "code_commit")["metadata"] |= {"dirty": None, "reason": "not a git checkout"}

"""What a run directory says, read back for the report. Nothing is judged here and nothing is guessed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import eventfile
from logging_spec.events import Event


@dataclass(frozen=True, kw_only=True)
class Record:
    """The documents and events of one run."""

    directory: Path
    """The run directory."""

    documents: dict[str, dict[str, Any]]
    """run, launch, system, verdict and summary, by name; one that is absent is an empty object."""

    events: list[Event]
    """The judged log, in its order; lines that are no events are left to the verdict."""

    samples: dict[str, list[dict[str, Any]]]
    """Telemetry lines by host."""

    def one_event(self, key: str) -> Event | None:
        """The first event with this key, or None."""
        return next((event for event in self.events if event.key == key), None)

    def one(self, key: str) -> Any:
        """The value of the first event with this key, or None."""
        event = self.one_event(key)
        return None if event is None else event.value

    def all(self, key: str) -> list[Event]:
        """Every event with this key, in order."""
        return [event for event in self.events if event.key == key]

    def minutes(self, event: Event) -> float:
        """Minutes from run_start to an event; from the log's first event where there is no run_start."""
        started = next((e for e in self.events if e.key == "run_start"), self.events[0])
        return (event.time_ms - started.time_ms) / 60_000


def read(directory: Path) -> Record:
    """Read a run directory; what is missing or torn is left out, because a report of a crashed run is wanted most."""
    names = ("run", "launch", "system", "verdict", "summary")
    return Record(
        directory=directory,
        documents={name: _document(directory / f"{name}.json") for name in names},
        events=eventfile.read(directory / "result_0.txt"),
        samples={path.stem: _lines(path) for path in sorted((directory / "telemetry").glob("*.jsonl"))},
    )


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _lines(path: Path) -> list[dict[str, Any]]:
    lines = []
    with path.open(encoding="utf-8", errors="replace") as file:
        for text in file:
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict):
                lines.append(line)
    return lines

"""An event as the checks see it: with its line, and with whether its value and metadata are what its key asks for."""

from __future__ import annotations

from typing import Any, NamedTuple


class LoggedEvent(NamedTuple):
    """One event of a log."""

    line: int
    """Line of the file, from 1."""

    time_ms: int
    """Wall-clock time in milliseconds since 1970-01-01 UTC."""

    event_type: Any
    """INTERVAL_START, INTERVAL_END or POINT_IN_TIME in a log without faults."""

    key: str
    """What is logged."""

    value: Any
    """Any JSON value."""

    metadata: dict[str, Any]
    """Where it was logged, and what the key asks for."""

    sound: bool
    """Whether the rule set knows the key and accepts value and metadata, so that they may be computed with."""

    def field(self, path: str, default: Any = None) -> Any:
        """Return what stands at a dotted path such as `metadata.epoch_num`; `default` where there is nothing."""
        found: Any = {"value": self.value, "metadata": self.metadata}
        for part in path.split("."):
            if not isinstance(found, dict) or part not in found:
                return default
            found = found[part]
        return found


def seconds_between(start: LoggedEvent, stop: LoggedEvent) -> float:
    """Return the wall-clock seconds from `start` to `stop`."""
    return (stop.time_ms - start.time_ms) / 1000

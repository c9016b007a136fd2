"""Tolerances: `tolerances.json` holds what was found for each model, and the limit that was pinned for it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parity_subjects import Subject

FILE = Path(__file__).with_name("tolerances.json")
OUTSIDE = "outside the checkout"
"""Entry for benchmarks of the search path, for which nothing was measured."""

FACTOR = 10
"""A limit is that many times what was found: processors round differently, and gradients pass it on."""

FLOORS = {"gradient_angle": 1e-11, "metrics": 5e-4, "ranks_metrics": 5e-4}
FLOOR = 2e-6
"""Least limits: some roundings of float32; of metrics, some pixels on the other side of a threshold."""

CEILING = 0.3
"""No limit is above it: what differs by more is another thing, whatever was found."""


@dataclass(frozen=True, kw_only=True)
class Pin:
    """What is pinned for one model."""

    side: int | None = None
    """Rows and columns to which batches are cut, to save time; None leaves them whole."""

    samples: int = 2
    """Samples of a training batch of the twins."""

    steps: int = 20
    """Optimiser steps of the twins."""

    ranks: bool = True
    """Whether the model is tried on several ranks too."""

    found: Mapping[str, float]
    """What was found when the limits were pinned."""

    limits: Mapping[str, float]
    """The most that is accepted."""


def load() -> dict[str, Pin]:
    """Read all pins by the names of their subjects."""
    return {name: Pin(**entry) for name, entry in json.loads(FILE.read_text(encoding="utf-8")).items()}


def pin_of(subject: Subject) -> Pin:
    """Return what holds for a subject."""
    pins = load()
    return pins[OUTSIDE] if subject.outside else pins.get(subject.name, Pin(found={}, limits={}))


def refusals(subject: Subject, found: Mapping[str, float], *, ranks: bool) -> list[str]:
    """Say what is beyond its limit; a limit without a finding, or the other way round, is a fault too."""
    limits = {name: most for name, most in pin_of(subject).limits.items() if name.startswith("ranks_") == ranks}
    if limits.keys() != found.keys() and not subject.outside:
        return [f"{FILE.name}: {subject.name}: expected {sorted(found)}, found {sorted(limits)} — pin with measure.py"]
    return [
        f"{subject.name}: {name}: expected at most {limits[name]:.0e}, found {value:.1e}"
        for name, value in found.items()
        if not value <= limits[name]
    ]


def limit(quantity: str, found: float) -> float:
    """Return the limit for what was found, to one digit."""
    assert found <= CEILING, f"{quantity}: expected at most {CEILING}, found {found} — a twin is wrong"
    wanted = min(CEILING, max(FACTOR * found, FLOORS.get(quantity, FLOOR)))
    unit = 10.0 ** math.floor(math.log10(wanted))
    return float(f"{math.ceil(wanted / unit - 1e-9) * unit:.0e}")


def save(pins: Mapping[str, Pin]) -> None:
    """Write all pins."""
    entries = {name: _entry(pin) for name, pin in sorted(pins.items())}
    FILE.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")


def _entry(pin: Pin) -> dict[str, Any]:
    found = {quantity: float(f"{value:.1e}") for quantity, value in pin.found.items()}
    settings = {"side": pin.side, "samples": pin.samples, "steps": pin.steps, "ranks": pin.ranks}
    return {**settings, "found": found, "limits": dict(pin.limits)}

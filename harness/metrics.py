"""How a metric is shown to people: its label, its unit, its digits, and which way is better."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from harness.documents import read_json
from harness.paths import KEYS

DECIMALS = {"dB": 2}
"""Digits behind the point of units in which people know how many they want."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric, as the key registry says; of one that it does not know, only the name."""

    name: str
    """Its name in benchmark.json; it is logged under `eval_<name>`."""

    label: str
    """How people write it."""

    unit: str
    """Its unit; empty where it has none."""

    better: str | None
    """`max` where more is better, `min` where less is; None where that is not known."""

    share: bool
    """Whether its values lie between -1 and 1, so that several such metrics fit one axis."""

    @property
    def axis(self) -> str:
        """Its label with its unit."""
        return f"{self.label} in {self.unit}" if self.unit else self.label

    def number(self, value: float | None) -> str:
        """Write a value without its unit; a dash for none."""
        if value is None:
            return "–"
        if self.unit in DECIMALS:
            return f"{value:.{DECIMALS[self.unit]}f}"
        size = abs(value)
        if 0 < size < 0.001 or size >= 1e6:
            return f"{value:.2e}"
        return f"{value:.4f}" if size < 10 else f"{value:.2f}"

    def text(self, value: float | None) -> str:
        """Write a value with its unit."""
        return self._with_unit(self.number(value)) if value is not None else "–"

    def limit(self, value: float) -> str:
        """Write a value that somebody has set, such as a target, as it was set."""
        return self._with_unit(f"{value:g}")

    def _with_unit(self, number: str) -> str:
        return f"{number} {self.unit}" if self.unit else number


@functools.cache
def metric(name: str) -> Metric:
    """Look a metric up."""
    entry = _keys().get(f"eval_{name}", {})
    about, value = entry.get("metric", {}), entry.get("value", {})
    return Metric(
        name=name,
        label=about.get("label", name.replace("_", " ")),
        unit=entry.get("unit") or "",
        better=about.get("better"),
        share=value.get("minimum", -2) >= -1 and value.get("maximum", 2) <= 1,
    )


@functools.cache
def _keys() -> dict[str, Any]:
    return dict(read_json(KEYS)["keys"])

"""The points themselves: `rcp.json` files, which `python -m tools.convergence` makes from kept logs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compliance.convergence.ttest import Reference
from compliance.rules import LOGGING_SPEC
from compliance.schemas import compile_schema
from compliance.sets import olympic
from logging_spec.events import parse_object

REFERENCE = LOGGING_SPEC.parent / "reference"
SCHEMA = LOGGING_SPEC / "schemas" / "rcp.schema.json"


class PointsError(ValueError):
    """A file holds no reference convergence points; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """Runs of the reference that differ in their seed alone."""

    benchmark: str
    """Name of the benchmark."""

    model: str
    """Name of the model; `default` where there is no choice."""

    implementation: str
    """Name of the implementation."""

    scale: str
    """Size of the problem."""

    metric: str
    """Metric of the target."""

    direction: str
    """`max` where more is better, else `min`."""

    target: float
    """Value that the metric had to reach."""

    batch_size: int
    """Samples of one optimiser step, over all ranks."""

    epochs: tuple[int | None, ...]
    """Epochs to the target, by run; None where it was missed."""

    @property
    def reference(self) -> Reference | None:
        """Mean and standard deviation; None where too few runs reached the target."""
        left, mean, stdev = olympic.kept(self.epochs), olympic.mean(self.epochs), olympic.stdev(self.epochs)
        if left is None or mean is None or stdev is None:
            return None
        origin = f"{self.implementation}, {len(self.epochs)} runs with batches of {self.batch_size}"
        return Reference(batch_size=self.batch_size, mean=mean, stdev=stdev, runs=len(left), origin=origin)


def shipped() -> list[Point]:
    """Return the points that lie beside the suite's own benchmarks.

    Raises:
        PointsError: one of the files is not what it should be.
    """
    return read(sorted(REFERENCE.glob("*/convergence/rcp.json")))


def read(paths: Iterable[Path]) -> list[Point]:
    """Read points.

    Raises:
        PointsError: a file is not what it should be.
        OSError: it cannot be read.
    """
    return [point for path in paths for point in _read(path)]


def _read(path: Path) -> list[Point]:
    try:
        document = parse_object(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PointsError(f"{path}: expected reference convergence points, found: {error} — make them anew") from None
    schema = parse_object(SCHEMA.read_text(encoding="utf-8"))
    if not compile_schema(schema)(document):
        from compliance.mismatch import mismatches

        fault = next(iter(mismatches(schema, document)))
        raise PointsError(f"{path}: {fault.path}: expected {fault.expected}, found {fault.found} — make it anew")
    return [_point(entry) for entry in document["points"]]


def _point(entry: dict[str, Any]) -> Point:
    names = ("benchmark", "model", "implementation", "scale", "metric", "direction")
    return Point(
        **{name: entry[name] for name in names},
        target=float(entry["target"]),
        batch_size=entry["global_batch_size"],
        epochs=tuple(entry["epochs_to_target"]),
    )


def by_implementation(points: Sequence[Point]) -> dict[str, list[Reference]]:
    """Return the usable points of each implementation."""
    found: dict[str, list[Reference]] = {}
    for point in points:
        reference = point.reference
        if reference is not None:
            found.setdefault(point.implementation, []).append(reference)
    return found

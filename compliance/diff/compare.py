"""Two sides, fact by fact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from compliance.diff.facts import GROUPS, Facts, Varying, documents, facts
from compliance.schemas import same
from compliance.sets.run import Run

ABSENT = object()
"""A side does not say it."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One fact on both sides."""

    group: str
    """One of GROUPS."""

    fact: str
    """Its name."""

    a: Any
    """Value on the first side; ABSENT where it does not say it."""

    b: Any
    """Value on the second side."""

    @property
    def differs(self) -> bool:
        """Whether the sides differ; a side that says nothing differs from one that does."""
        one, other = self.a, self.b
        if isinstance(one, Varying) and isinstance(other, Varying):
            return not (_within(one, other) and _within(other, one))
        if one is ABSENT or other is ABSENT or isinstance(one, Varying) or isinstance(other, Varying):
            return True
        return not same(one, other)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two sides."""

    lines: tuple[Line, ...]
    """Every fact of either side, by group, in the order in which the first side has them."""

    only_a: tuple[str, ...]
    """Files beside the logs of the first side alone; their facts are not compared."""

    only_b: tuple[str, ...]
    """Files beside the logs of the second side alone."""

    @property
    def equal(self) -> bool:
        """Whether no fact differs."""
        return not any(line.differs for line in self.lines)


def compare(a: Sequence[Run], b: Sequence[Run]) -> Comparison:
    """Compare two sides: by their logs, and by the files beside them that both sides have."""
    of_a, of_b = documents(a), documents(b)
    left, right = facts(a, of_a & of_b), facts(b, of_a & of_b)
    return Comparison(
        lines=tuple(line for group in GROUPS for line in _lines(group, left[group], right[group])),
        only_a=tuple(sorted(of_a - of_b)),
        only_b=tuple(sorted(of_b - of_a)),
    )


def _lines(group: str, left: Facts, right: Facts) -> list[Line]:
    return [
        Line(group=group, fact=name, a=left.get(name, ABSENT), b=right.get(name, ABSENT))
        for name in dict.fromkeys((*left, *right))
    ]


def _within(some: Varying, others: Varying) -> bool:
    """Say whether each of some values is among others."""
    return all(any(same(one, other) for other in others) for one in some)

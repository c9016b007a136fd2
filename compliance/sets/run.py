"""What one log says of its run, beyond its verdict: the facts that scores, convergence and differences need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

from compliance.expand import ExpansionError, pieces
from compliance.judge import Judgement
from compliance.rules import Ruleset
from compliance.schemas import is_integer, is_number
from compliance.sets.members import Member
from logging_spec.events import MAX_LINE_BYTES, Event, LineError, parse_line

DEFAULT_MODEL = "default"
"""Stands for the model of a benchmark that has just one."""


MOST_KEYS = 1000
"""Keys of which the first event is kept; a log of a hundred thousand keys is none that anybody needs."""


class Evaluation(NamedTuple):
    """One value of the target's metric inside the run."""

    epoch: int
    """Number of the epoch, from 1."""

    quality: float
    """Value of the metric."""


class Energy(NamedTuple):
    """What a source says of the energy between run_start and run_stop."""

    source: str
    """What measured it."""

    energy_j: float | None
    """Energy in joules; None with a reason."""

    reason: str | None
    """Why there is none."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a set."""

    name: str
    """Its log or run directory, as it is shown."""

    folder: str
    """Where it lies."""

    compliant: bool
    """Whether the checker found no error in it."""

    broken: tuple[str, ...]
    """Rules of severity error that it breaks."""

    summary: Mapping[str, Any]
    """The checker's summary (verdict.schema.json)."""

    first: Mapping[str, Event]
    """First event of each key; of more than MOST_KEYS keys, those that come first."""

    evaluations: tuple[Evaluation, ...]
    """Values of the target's metric between run_start and run_stop."""

    energies: tuple[Energy, ...]
    """What each source of energy says."""

    weak: bool = False
    """Whether it is one of many that ran at the same time."""

    pruned: bool = False
    """Whether a weak set leaves it out."""

    own_directory: bool = False
    """Whether it has a run directory."""

    documents: Mapping[str, dict[str, Any]]
    """What lies beside its log, by name of the file."""

    @property
    def model(self) -> str:
        """Name of the model; `default` where there is no choice."""
        chosen = self.value("hyperparameters")
        return str(chosen.get("model", DEFAULT_MODEL)) if isinstance(chosen, dict) else DEFAULT_MODEL

    @property
    def time_s(self) -> float | None:
        """Seconds from run_start to run_stop, where the run is a result: compliant, and whole, to its target."""
        return self.summary["time_to_train_s"] if self.compliant else None

    @property
    def missed(self) -> str | None:
        """Why there is no time; None where there is one."""
        if self.summary["time_to_train_reason"]:
            return str(self.summary["time_to_train_reason"])
        return None if self.compliant else f"it breaks {', '.join(self.broken)}"

    @property
    def start_ms(self) -> int:
        """Wall clock at run_start, ms since 1970-01-01 UTC; 0 where it did not start."""
        return self.first["run_start"].time_ms if "run_start" in self.first else 0

    @property
    def stop_ms(self) -> int:
        """Wall clock at run_stop; 0 where it did not stop."""
        return self.first["run_stop"].time_ms if "run_stop" in self.first else 0

    def value(self, key: str) -> Any:
        """Return the value of the first event of a key; None where there is none."""
        return self.first[key].value if key in self.first else None

    def epochs_to(self, target: float, direction: str) -> int | None:
        """Return the first epoch whose evaluation is as good as a target; None where none is."""
        sign = 1 if direction == "max" else -1
        return next((epoch for epoch, found in self.evaluations if sign * found >= sign * target), None)


def read_run(member: Member, rules: Ruleset) -> Run:
    """Judge a log and read it.

    Raises:
        OSError: it cannot be read.
    """
    judgement = member.judge(rules)
    broken = _errors(judgement, rules)
    with member.open() as stream:
        first, evaluations, energies = _told(stream, judgement.summary["metric"])
    return Run(
        name=member.name,
        folder=member.folder,
        compliant=not broken,
        broken=broken,
        summary=judgement.summary,
        first=first,
        evaluations=tuple(evaluations),
        energies=tuple(energies),
        weak=member.weak,
        pruned=member.pruned,
        own_directory=member.own_directory,
        documents=member.documents,
    )


def _errors(judgement: Judgement, rules: Ruleset) -> tuple[str, ...]:
    broken = {finding.rule for finding in judgement.findings if rules.rules[finding.rule].severity == "error"}
    return tuple(sorted(broken))


def _told(stream: BinaryIO, metric: str | None) -> tuple[dict[str, Event], list[Evaluation], list[Energy]]:
    first: dict[str, Event] = {}
    evaluations: list[Evaluation] = []
    energies: list[Energy] = []
    for event in _events(stream):
        if len(first) < MOST_KEYS:
            first.setdefault(event.key, event)
        if event.key == f"eval_{metric}" and "run_start" in first and "run_stop" not in first:
            epoch = event.metadata.get("epoch_num")
            if is_integer(epoch) and is_number(event.value):
                evaluations.append(Evaluation(epoch, float(event.value)))
        elif event.key == "energy":
            energies.append(_energy(event))
    return first, evaluations, energies


def _energy(event: Event) -> Energy:
    source, reason = str(event.metadata.get("source", "unknown")), event.metadata.get("reason")
    if is_number(event.value):
        return Energy(source, float(event.value), None)
    return Energy(source, None, str(reason) if reason else "the log gives no reason")


def _events(stream: BinaryIO) -> Iterator[Event]:
    """Read the events of a log; what is none has been named by the checker, and is passed over."""
    for line in _lines(stream):
        try:
            event = parse_line(line.decode(errors="replace"))
        except LineError:
            continue
        if event is not None:
            yield event


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Split a log, which may be compressed, into lines; of one that is too long, a part is kept that is no event."""
    rest = b""
    try:
        for data in pieces(stream):
            *whole, rest = (rest + data).split(b"\n")
            yield from whole
            rest = rest[:MAX_LINE_BYTES]
    except ExpansionError:
        return
    yield rest

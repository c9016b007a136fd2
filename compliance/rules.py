"""Rule sets: data that is read, checked against its schema, and never executed."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from compliance.conditions import Condition, condition
from compliance.finding import Finding
from compliance.life_cycle import LifeCycle, Transition
from compliance.registry import KeyRule, key_rule
from compliance.schemas import Accepts, Schema, compile_schema
from logging_spec import events

RULESETS = Path(__file__).parent / "rulesets"
LOGGING_SPEC = Path(events.__file__).parent
DEFAULT = "sciml-1.0"

PARTS = ("ruleset", "rules", "life_cycle", "conditions", "benchmarks", "run_config")
"""Files of a rule set, each `<part>.json`; ruleset.schema.json describes each under its name."""


MOST_LISTED = 12
"""Known names that a message lists."""


class UnknownNameError(ValueError):
    """Something was asked for by a name that does not exist; the message lists those that do."""

    def __init__(self, kind: str, name: str, known: list[str]) -> None:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else "choose one of these"
        names = ", ".join(known) if len(known) <= MOST_LISTED else f"{', '.join(known[:MOST_LISTED])}, …"
        super().__init__(f"{kind}: expected one of {names}, found {name!r} — {hint}")


class RulesetError(Exception):
    """A rule set does not match its schema."""


class Rule(NamedTuple):
    """One rule."""

    severity: str
    """`error`, which makes a log not compliant, or `warning`."""

    title: str
    """The rule in one sentence; SPEC.md has the whole text."""


class ElapsedLimit(NamedTuple):
    """The longest time between two events."""

    rule: str
    start: str
    stop: str
    at_most_s: float


@dataclass(frozen=True, kw_only=True)
class Ruleset:
    """All that the checks ask for, ready for use."""

    name: str
    """Name of its folder in `rulesets/`."""

    prefix: str
    """What the id of a rule begins with; the fault that it speaks of follows."""

    text: str
    """What it is for."""

    sha256: str
    """Digest of its files and of the key registry."""

    rules: dict[str, Rule]
    """Every rule that applies, by id; what a check finds against any other is dropped."""

    keys: dict[str, KeyRule]
    """The key registry."""

    foreign_keys: frozenset[str]
    """Keys of MLPerf that are none of ours; they resemble some and are no misspellings."""

    event_schema: Schema
    """Schema of a whole event."""

    accepts_event: Accepts
    """Whether a JSON object is a whole event."""

    accepts_metadata: Accepts
    """Whether a JSON object is the metadata of an event."""

    life_cycle: LifeCycle
    """Order of the events."""

    conditions: dict[str, tuple[Condition, ...]]
    """Conditions by the key that they look at."""

    elapsed: tuple[ElapsedLimit, ...]
    """Limits of time between events."""

    limits: dict[str, float]
    """Tolerances, by name; the schema of rule sets says what each is."""

    benchmarks: dict[str, Any]
    """Metric, data sets and targets of each benchmark."""

    agreements: tuple[dict[str, str], ...]
    """Fields of run.json and the fields of the log that have to agree with them."""

    @cached_property
    def names(self) -> tuple[frozenset[str], frozenset[str]]:
        """The keys of the registry, and those of MLPerf that are none of ours."""
        return frozenset(self.keys), self.foreign_keys

    def named(self, finding: Finding) -> Finding | None:
        """Return a finding under the id of its rule; None where the rule set asks for no such thing.

        A condition of the rule set names its rule, and a check names the fault that it looks for.
        """
        if finding.rule in self.rules:
            return finding
        rule = f"{self.prefix}{finding.rule}"
        return replace(finding, rule=rule) if rule in self.rules else None


def names() -> list[str]:
    """Return the names of the rule sets that there are."""
    return sorted(folder.name for folder in RULESETS.iterdir() if (folder / "ruleset.json").is_file())


def load(name: str = DEFAULT, more: Sequence[dict[str, Any]] = ()) -> Ruleset:
    """Read a rule set; `more` are facts of benchmarks, by name, that it may not have: its own facts win.

    Raises:
        UnknownNameError: there is no rule set of that name.
        RulesetError: it does not match its schema.
    """
    if name not in names():
        raise UnknownNameError("rule set", name, names())
    files = {part: RULESETS / name / f"{part}.json" for part in PARTS}
    files["registry"] = LOGGING_SPEC / "keys.json"
    files["event"] = LOGGING_SPEC / "schemas" / "event.schema.json"
    contents = {part: path.read_bytes() for part, path in files.items()}
    document = {part: events.parse_object(content.decode()) for part, content in contents.items()}
    for facts in more:
        given = {benchmark: {**entry, "known_only_here": True} for benchmark, entry in facts.items()}
        document["benchmarks"] = {**given, **document["benchmarks"]}
    _require_valid(name, {part: document[part] for part in PARTS})
    digest = hashlib.sha256(b"".join(contents.values())).hexdigest()
    return _build(name, digest, document)


def _require_valid(name: str, document: dict[str, Any]) -> None:
    schema = events.parse_object((RULESETS / "ruleset.schema.json").read_text(encoding="utf-8"))
    if compile_schema(schema)(document):
        return
    from compliance.mismatch import mismatches

    faults = (f"{fault.path}: expected {fault.expected}, found {fault.found}" for fault in mismatches(schema, document))
    raise RulesetError(f"rule set {name}: {'; '.join(faults)}")


def _build(name: str, digest: str, document: dict[str, Any]) -> Ruleset:
    about = document["ruleset"]
    keys = {key: key_rule(entry) for key, entry in document["registry"]["keys"].items()}
    return Ruleset(
        name=name,
        prefix=about["prefix"],
        text=about["text"],
        sha256=digest,
        rules={rule: Rule(**entry) for rule, entry in document["rules"].items()},
        keys=keys,
        foreign_keys=frozenset(about["foreign_keys"]),
        event_schema=document["event"],
        accepts_event=compile_schema(document["event"]),
        accepts_metadata=compile_schema(document["event"]["properties"]["metadata"]),
        life_cycle=_life_cycle(document["life_cycle"], keys),
        conditions=_conditions(document["conditions"]["conditions"]),
        elapsed=tuple(ElapsedLimit(**limit) for limit in about["elapsed"]),
        limits=about["limits"],
        benchmarks=document["benchmarks"],
        agreements=tuple(document["run_config"]["agreements"]),
    )


def _life_cycle(part: dict[str, Any], keys: dict[str, KeyRule]) -> LifeCycle:
    transitions = {
        key: Transition(
            sources=keys[key].states or frozenset(part["states"]),
            target=entry["to"],
            aborting=frozenset(entry.get("aborting", ())),
            rule=entry["rule"],
        )
        for key, entry in part["transitions"].items()
    }
    window = part["window"]
    homes = {key: next(iter(known.states)) for key, known in keys.items() if known.states and len(known.states) == 1}
    return LifeCycle(
        initial=part["initial"],
        window=frozenset(window["states"]),
        window_words=window["words"],
        between=window["between"],
        epoch=window["epoch"],
        states=part["states"],
        transitions=transitions,
        homes={key: state for key, state in homes.items() if state in window["states"] and key not in transitions},
    )


def _conditions(entries: list[dict[str, Any]]) -> dict[str, tuple[Condition, ...]]:
    found: dict[str, list[Condition]] = {}
    for entry in entries:
        for key in entry["keys"]:
            found.setdefault(key, []).append(condition(entry))
    return {key: tuple(conditions) for key, conditions in found.items()}

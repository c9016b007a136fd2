"""Rule sets: data that is read, checked against its schema, and never executed."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

from compliance.conditions import Condition, condition
from compliance.finding import Finding
from compliance.life_cycle import LifeCycle, Transition
from compliance.registry import KeyRule, key_rule
from compliance.schemas import Accepts, Schema, compile_schema
from compliance.story import Target
from logging_spec import events

RULESETS = Path(__file__).parent / "rulesets"
LOGGING_SPEC = Path(events.__file__).parent
DEFAULT = "sciml-1.0"
BENCHMARK = "submission_benchmark"

PARTS = ("ruleset", "rules", "life_cycle", "conditions", "benchmarks", "run_config", "keys", "event", "variants")
"""Files of a rule set, each `<part>.json`; ruleset.schema.json describes each under its name."""

SHARED = {
    "keys": LOGGING_SPEC / "keys.json",
    "event": LOGGING_SPEC / "schemas" / "event.schema.json",
    "variants": RULESETS / "no_variants.json",
}
"""Where a part is found that a rule set does not have itself."""

STRICT_EVENT = LOGGING_SPEC / "schemas" / "event.schema.json"


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


class Wish(NamedTuple):
    """An event of which a log has to hold one."""

    rule: str
    """Rule that is broken where there is none."""

    key: str
    """Its key; where no event has it, that is another rule's business."""

    accepts: Accepts
    """Whether a value is what is wished for."""

    expected: str
    """What is wished for, in words."""

    advice: str
    """What to do about it."""


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

    strict_event_schema: Schema
    """Schema of what a whole event should be besides."""

    accepts_strictly: Accepts
    """Whether a JSON object is that too."""

    accepts_metadata: Accepts
    """Whether a JSON object is the metadata of such an event."""

    as_stock_tools: bool
    """Whether lines are read as MLPerf's tools read them, with all that they read over."""

    aliases: dict[str, str]
    """Faults that a rule on another fault forbids too."""

    strict: bool
    """Whether rules that are warnings by default are errors."""

    life_cycle: LifeCycle
    """Order of the events."""

    conditions: dict[str, tuple[Condition, ...]]
    """Conditions by the key that they look at."""

    sought: tuple[Wish, ...]
    """Events of which a log has to hold one."""

    alternatives: tuple[tuple[str, ...], ...]
    """Keys of which a log has to hold one."""

    target: Target | None
    """The target of the benchmark, where logs do not state it."""

    conditions_of_variants: tuple[dict[str, str], ...]
    """Keys, and the values that a log gives them, of each variant of the rule set."""

    facts: Mapping[str, str]
    """Keys and values of the log by which this variant was chosen."""

    variant: Callable[[Mapping[str, str]], Ruleset]
    """The rule set for a log in which these keys have these values."""

    elapsed: tuple[ElapsedLimit, ...]
    """Limits of time between events."""

    limits: dict[str, float]
    """Tolerances, by name; the schema of rule sets says what each is."""

    benchmarks: dict[str, Any]
    """Metric, data sets and targets of each benchmark."""

    agreements: tuple[dict[str, str], ...]
    """Fields of run.json and the fields of the log that have to agree with them."""

    def asks_for(self, faults: tuple[str, ...]) -> bool:
        """Say whether there is a rule on any of these faults; of none, a check looks for what the data name."""
        return not faults or any(f"{self.prefix}{self.aliases.get(fault, fault)}" in self.rules for fault in faults)

    @cached_property
    def selectors(self) -> frozenset[str]:
        """Keys by whose values a variant of the rule set is chosen."""
        return frozenset(key for when in self.conditions_of_variants for key in when)

    def undecided(self, facts: Mapping[str, str]) -> bool:
        """Say whether further values could still choose another variant."""
        possible = (when for when in self.conditions_of_variants if _agree(when, facts))
        return any(when.keys() - facts.keys() for when in possible)

    def chosen(self, facts: Mapping[str, str]) -> list[dict[str, str]]:
        """Return the conditions of the variants that these values choose."""
        return [when for when in self.conditions_of_variants if when.items() <= facts.items()]

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
        rule = f"{self.prefix}{self.aliases.get(finding.rule, finding.rule)}"
        return replace(finding, rule=rule) if rule in self.rules else None


def _agree(when: Mapping[str, str], facts: Mapping[str, str]) -> bool:
    return all(facts.get(key, value) == value for key, value in when.items())


def names() -> list[str]:
    """Return the names of the rule sets that there are."""
    return sorted(folder.name for folder in RULESETS.iterdir() if (folder / "ruleset.json").is_file())


def benchmarks_of(name: str) -> frozenset[str]:
    """Return the names of the benchmarks that a rule set can judge, without loading all of it."""
    own, variants = (
        events.parse_object(_file_of(name, part).read_text(encoding="utf-8")) for part in ("benchmarks", "variants")
    )
    named = (variant["when"].get(BENCHMARK) for variant in variants["variants"])
    return frozenset([*own, *(benchmark for benchmark in named if benchmark is not None)])


def load(name: str = DEFAULT, more: Sequence[dict[str, Any]] = (), *, strict: bool = False) -> Ruleset:
    """Read a rule set.

    `more` are facts of benchmarks, by name, that it may not have: its own facts win. `strict` makes errors of what the
    rule set says should be an error then.

    Raises:
        UnknownNameError: there is no rule set of that name.
        RulesetError: it does not match its schema.
    """
    if name not in names():
        raise UnknownNameError("rule set", name, names())
    files = {part: _file_of(name, part) for part in PARTS}
    contents = {part: path.read_bytes() for part, path in files.items()}
    document = {part: events.parse_object(content.decode()) for part, content in contents.items()}
    for facts in more:
        given = {benchmark: {**entry, "known_only_here": True} for benchmark, entry in facts.items()}
        document["benchmarks"] = {**given, **document["benchmarks"]}
    _require_valid(name, document)
    digest = hashlib.sha256(b"".join(contents.values())).hexdigest()
    return _build(name, digest, document, strict, {})


def _file_of(name: str, part: str) -> Path:
    own = RULESETS / name / f"{part}.json"
    return SHARED[part] if part in SHARED and not own.is_file() else own


def _require_valid(name: str, document: dict[str, Any]) -> None:
    schema = events.parse_object((RULESETS / "ruleset.schema.json").read_text(encoding="utf-8"))
    if compile_schema(schema)(document):
        return
    from compliance.mismatch import mismatches

    faults = (f"{fault.path}: expected {fault.expected}, found {fault.found}" for fault in mismatches(schema, document))
    raise RulesetError(f"rule set {name}: {'; '.join(faults)}")


def _build(name: str, digest: str, document: dict[str, Any], strict: bool, facts: Mapping[str, str]) -> Ruleset:
    about, variants = document["ruleset"], document["variants"]["variants"]
    chosen = [variant for variant in variants if variant["when"].items() <= facts.items()]
    entries, target = dict(document["keys"]["keys"]), None
    conditions, sought = list(document["conditions"]["conditions"]), list(document["conditions"].get("sought", ()))
    for variant in chosen:
        entries |= variant.get("keys", {})
        conditions += variant.get("conditions", ())
        sought += variant.get("sought", ())
        target = variant.get("target", target)
    keys = {key: key_rule(entry) for key, entry in entries.items()}
    as_stock_tools = about.get("as_stock_tools", False)
    strict_event = (
        events.parse_object(STRICT_EVENT.read_text(encoding="utf-8")) if as_stock_tools else document["event"]
    )
    return Ruleset(
        name=name,
        prefix=about["prefix"],
        text=about["text"],
        sha256=digest,
        rules={rule: _rule(entry, strict) for rule, entry in document["rules"].items()},
        keys=keys,
        foreign_keys=frozenset(about["foreign_keys"]),
        event_schema=document["event"],
        accepts_event=compile_schema(document["event"]),
        strict_event_schema=strict_event,
        accepts_strictly=compile_schema(strict_event),
        accepts_metadata=compile_schema(strict_event["properties"]["metadata"]),
        as_stock_tools=as_stock_tools,
        aliases=about.get("aliases", {}),
        strict=strict,
        life_cycle=_life_cycle(document["life_cycle"], keys, any(variant.get("rising") for variant in chosen)),
        conditions=_conditions(conditions),
        sought=tuple(_wish(entry) for entry in sought),
        alternatives=tuple(map(tuple, about.get("alternatives", ()))),
        target=None if target is None else Target(**target),
        conditions_of_variants=tuple(variant["when"] for variant in variants),
        facts=facts,
        variant=partial(_build, name, digest, document, strict),
        elapsed=tuple(ElapsedLimit(**limit) for limit in about["elapsed"]),
        limits=about["limits"],
        benchmarks=document["benchmarks"],
        agreements=tuple(document["run_config"]["agreements"]),
    )


def _rule(entry: dict[str, str], strict: bool) -> Rule:
    return Rule(severity=entry.get("strict", entry["severity"]) if strict else entry["severity"], title=entry["title"])


def _wish(entry: dict[str, Any]) -> Wish:
    return Wish(entry["rule"], entry["key"], compile_schema(entry["value"]), entry["expected"], entry["advice"])


def _life_cycle(part: dict[str, Any], keys: dict[str, KeyRule], rising: bool) -> LifeCycle:
    transitions = {
        key: Transition(
            sources=keys[key].states or frozenset(part["states"]),
            targets=_targets(entry["to"], keys[key].states or frozenset(part["states"])),
            aborting=frozenset(entry.get("aborting", ())),
            rule=entry.get("rule"),
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
        rising=rising,
        states=part["states"],
        transitions=transitions,
        homes={key: state for key, state in homes.items() if state in window["states"] and key not in transitions},
    )


def _targets(to: str | dict[str, str], sources: frozenset[str]) -> dict[str, str]:
    return dict.fromkeys(sorted(sources), to) if isinstance(to, str) else to


def _conditions(entries: list[dict[str, Any]]) -> dict[str, tuple[Condition, ...]]:
    found: dict[str, list[Condition]] = {}
    for entry in entries:
        for key in entry["keys"]:
            found.setdefault(key, []).append(condition(entry))
    return {key: tuple(conditions) for key, conditions in found.items()}

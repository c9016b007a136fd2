"""What a package has to be, as a rule set states it in its package.json."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from compliance import rules as rule_sets
from compliance.package.layout import Layout
from compliance.rules import RulesetError
from compliance.schemas import compile_schema
from logging_spec.events import parse_object


@dataclass(frozen=True, kw_only=True)
class PackageRules:
    """All that the checks of a package ask for; package.schema.json says what each part means."""

    layout: Layout
    """Where each file stands."""

    component: re.Pattern[str]
    """What each part of a name has to match."""

    at_most_characters: int
    """Length of a whole name."""

    limits: dict[str, int]
    """Sizes, by name."""

    runs: dict[str, int]
    """Runs of a set by benchmark, and `otherwise`."""

    unconverged_at_most: int
    """Runs of a set that may miss the target."""

    unconverged_rules: frozenset[str]
    """Rules that such a run breaks."""

    scripts: tuple[str, ...]
    """Files that every implementation has."""

    source_suffixes: tuple[str, ...]
    """Endings of source files."""

    same_in_a_set: tuple[str, ...]
    """Keys that say the same in each log of a set."""

    system_status: dict[str, str]
    """submission_status, and MLPerf's words for it."""

    power: dict[str, float]
    """Limits of power logs, by name."""

    def runs_of(self, benchmark: str) -> int:
        """Return how many runs a set of a benchmark has."""
        return self.runs.get(benchmark, self.runs["otherwise"])


def load(ruleset: str = rule_sets.DEFAULT) -> PackageRules:
    """Read the package rules of a rule set.

    Raises:
        RulesetError: the rule set has none, or they do not match their schema.
    """
    path = rule_sets.RULESETS / ruleset / "package.json"
    if not path.is_file():
        raise RulesetError(f"rule set {ruleset}: expected package.json, found none — choose {rule_sets.DEFAULT}")
    document = parse_object(path.read_text(encoding="utf-8"))
    schema = parse_object((rule_sets.RULESETS / "package.schema.json").read_text(encoding="utf-8"))
    if not compile_schema(schema)(document):
        raise RulesetError(f"rule set {ruleset}: package.json does not match package.schema.json")
    return _build(document)


def _build(document: dict[str, Any]) -> PackageRules:
    return PackageRules(
        layout=Layout(document["layout"]),
        component=re.compile(document["names"]["component"]),
        at_most_characters=document["names"]["at_most_characters"],
        limits=document["limits"],
        runs=document["runs"],
        unconverged_at_most=document["unconverged"]["at_most"],
        unconverged_rules=frozenset(document["unconverged"]["rules"]),
        scripts=tuple(document["scripts"]),
        source_suffixes=tuple(document["source_suffixes"]),
        same_in_a_set=tuple(document["same_in_a_set"]),
        system_status=document["system_status"],
        power=document["power"],
    )

"""A rule set hangs together: with itself, with SPEC.md, the key registry, the benchmarks and the code."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from checking import call
from jsonschema import Draft202012Validator
from referencing import Registry

from compliance import benchmarks, spec_text
from compliance import rules as rule_sets
from compliance.rules import Ruleset
from compliance.story import Story

ROOT = Path(rule_sets.__file__).parents[1]
RULES = rule_sets.load()
MLPERF = rule_sets.load("mlperf-hpc-3.0.0")
BOTH = pytest.mark.parametrize("rules", [RULES, MLPERF], ids=lambda rules: rules.name)


def part(name: str, ruleset: str = RULES.name) -> Any:
    """Return a file of the rule set as it is."""
    return json.loads(rule_sets._file_of(ruleset, name).read_text(encoding="utf-8"))


def variants_of(rules: Ruleset) -> list[Ruleset]:
    """Return every variant of a rule set that a log can choose."""
    whens = rules.conditions_of_variants
    facts = [dict(one) for one in whens] + [{**one, **other} for one in whens for other in whens]
    return [rules, *(rules.variant(chosen) for chosen in facts)]


def names_in(data: Any, *fields: str) -> set[str]:
    """Return every text under one of these names, at any depth."""
    if isinstance(data, dict):
        own = {value for name, value in data.items() if name in fields and isinstance(value, str)}
        return own.union(*(names_in(value, *fields) for value in data.values()))
    return set().union(*(names_in(item, *fields) for item in data)) if isinstance(data, list) else set()


@pytest.mark.parametrize("name", rule_sets.names())
def test_a_rule_set_matches_its_schema(name: str) -> None:
    schema = json.loads((rule_sets.RULESETS / "ruleset.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    files = {kind: part(kind, name) for kind in rule_sets.PARTS}
    assert list(Draft202012Validator(schema, registry=Registry()).iter_errors(files)) == []


def test_the_targets_are_those_of_the_benchmarks() -> None:
    collected = benchmarks.collect(sorted((ROOT / "reference").glob("*/benchmark.json")))
    assert collected == part("benchmarks"), (
        "run python -m compliance.benchmarks reference/*/benchmark.json > compliance/rulesets/sciml-1.0/benchmarks.json"
    )


def test_every_rule_stands_in_the_specification_with_its_severity_and_title() -> None:
    texts = spec_text.texts()
    assert set(texts) == set(RULES.rules) | set(MLPERF.rules)
    for rule, entry in (RULES.rules | MLPERF.rules).items():
        head, _, body = texts[rule].partition("\n")
        strict = "; error with `--strict`" if rule in STRICTER else ""
        assert head == f"**{rule}** ({entry.severity}{strict}). {entry.title}"
        assert len(body) > 20, rule


STRICTER = {rule for rule, entry in part("rules", MLPERF.name).items() if "strict" in entry}


def test_strict_makes_errors_of_what_mlperf_reads_over() -> None:
    strict = rule_sets.load(MLPERF.name, strict=True)
    assert {rule for rule, entry in strict.rules.items() if entry.severity == "warning"} == {"mlperf-line-007"}
    assert {rule for rule in strict.rules if strict.rules[rule] != MLPERF.rules[rule]} == STRICTER
    assert len(STRICTER) > 20


def faults_in_the_code() -> set[str]:
    """Return every fault that a check names."""
    sources = [*(ROOT / "compliance").rglob("*.py"), ROOT / "logging_spec" / "events.py"]
    sources = [path for path in sources if path.parent.name != "reporters"]  # SARIF has a "sha-256"
    return {
        fault
        for path in sources
        for fault in re.findall(r'"(?:sciml-)?([a-z]+-[0-9]{3})"', path.read_text(encoding="utf-8"))
    }


@BOTH
def test_every_rule_is_looked_for_by_a_check_or_a_condition(rules: Ruleset) -> None:
    parts = [part(name, rules.name) for name in ("conditions", "life_cycle", "ruleset", "variants")]
    looked_for = {f"{rules.prefix}{fault}" for fault in faults_in_the_code()} | names_in(parts, "rule")
    assert set(rules.rules) <= looked_for
    assert names_in(parts, "rule") <= set(rules.rules)


def test_every_fault_has_a_rule() -> None:
    named = {rule.removeprefix(rules.prefix) for rules in (RULES, MLPERF) for rule in rules.rules}
    assert faults_in_the_code() <= named


def test_every_variant_of_a_rule_set_hangs_together() -> None:
    for rules in variants_of(MLPERF):
        assert set(rules.conditions) <= set(rules.keys)
        assert {wish.key for wish in rules.sought} <= set(rules.keys) | {"eval_error", "eval_accuracy"}
        assert {key for keys in rules.alternatives for key in keys} <= set(rules.keys)


def test_conditions_look_at_keys_that_exist() -> None:
    conditions = part("conditions")
    keys = {key for condition in conditions["conditions"] for key in condition["keys"]}
    assert keys | names_in(conditions, "first", "latest") <= set(RULES.keys)
    fields = names_in(conditions, "field") | {entry["field"] for entry in part("run_config")["agreements"]}
    assert all(field == "value" or field.startswith(("value.", "metadata.")) for field in fields)


def test_conditions_look_at_metadata_that_their_keys_have() -> None:
    for condition in part("conditions")["conditions"]:
        for key in condition["keys"]:
            for field in operand_fields(condition, key):
                name = field.removeprefix("metadata.")
                assert name in RULES.keys[key].metadata_schema["properties"], f"{key} {field}"


def operand_fields(data: Any, key: str) -> set[str]:
    """Return the metadata fields of the looked-at event that a condition reads."""
    if isinstance(data, list):
        return set().union(*(operand_fields(item, key) for item in data))
    if not isinstance(data, dict):
        return set()
    own = (
        {data["field"]}
        if str(data.get("field", "")).startswith("metadata.") and not {"first", "latest"} & set(data)
        else set()
    )
    return own.union(*(operand_fields(value, key) for value in data.values()))


@BOTH
def test_the_life_cycle_and_the_registry_know_the_same_states(rules: Ruleset) -> None:
    life_cycle = rules.life_cycle
    named = {state for variant in variants_of(rules) for known in variant.keys.values() for state in known.states or ()}
    assert named <= set(life_cycle.states)
    targets = {state for transition in life_cycle.transitions.values() for state in transition.targets.values()}
    assert targets | {life_cycle.initial} == set(life_cycle.states)
    for key, transition in life_cycle.transitions.items():
        assert set(transition.targets) == transition.sources == rules.keys[key].states
    assert life_cycle.window < set(life_cycle.states)


def test_run_json_is_compared_in_fields_that_it_has() -> None:
    schema = json.loads((rule_sets.LOGGING_SPEC / "schemas" / "run_config.schema.json").read_text(encoding="utf-8"))
    for agreement in RULES.agreements:
        inside = schema
        for name in agreement["config"].split("."):
            assert name in inside["required"], agreement
            inside = inside["properties"][name]
        assert agreement["key"] in RULES.keys


def test_mlperf_keys_are_no_misspellings_of_ours() -> None:
    from mlperf_logging.mllog import constants

    from compliance.checks.keys import check_spelling
    from compliance.event import LoggedEvent

    names = {value for name, value in vars(constants).items() if name.isupper() and isinstance(value, str)}
    events = [LoggedEvent(1, 0, "POINT_IN_TIME", name, None, {}, False) for name in names - set(RULES.keys)]
    story = Story(life_cycle=RULES.life_cycle, state=RULES.life_cycle.initial)
    assert len(events) > 40
    assert [finding.found for event in events for finding in check_spelling(event, story, RULES)] == []


def test_a_rule_set_with_a_fault_is_refused_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(rule_sets.RULESETS, tmp_path / "rulesets")
    rules = tmp_path / "rulesets" / "sciml-1.0" / "rules.json"
    rules.write_text(rules.read_text(encoding="utf-8").replace('"severity": "error"', '"severity": "fatal"', 1))
    monkeypatch.setattr(rule_sets, "RULESETS", tmp_path / "rulesets")
    answer = call("check", __file__)
    assert answer.code == 3
    assert answer.err.startswith("compliance: rule set sciml-1.0: rules.sciml-file-001.severity: expected one of")
    assert answer.err.count("\n") == 1


def test_a_finding_against_a_rule_that_the_set_does_not_have_is_dropped(tmp_path: Path) -> None:
    from dataclasses import replace

    from compliance.judge import judge

    log = tmp_path / "log"
    log.write_bytes(b"nothing\n")
    assert [finding.rule for finding in judge(log, RULES).findings] == ["sciml-file-001"]
    without = {rule: entry for rule, entry in RULES.rules.items() if rule != "sciml-file-001"}
    assert judge(log, replace(RULES, rules=without)).findings == ()

"""Faults drawn at random from a fixed seed, in every valid log: each is called what expectations.json says.

`make fuzz` draws hundreds in each log; here there are a few, as many of each kind as of any other.
"""

from __future__ import annotations

import dataclasses
from collections import Counter

import judging
import mutations
import pytest

LOGS = judging.valid_logs()
EACH = 32
"""Mutations of each log."""

SAMPLE = [
    (name, mutation)
    for name, content in LOGS.items()
    for mutation in judging.mutations(name, content, seed="make test", count=EACH)
]


@pytest.mark.parametrize("name", LOGS)
def test_each_fault_gets_the_rules_that_are_expected_and_no_others(name: str) -> None:
    before = {finding.rule for finding in judging.findings(LOGS[name])}
    drawn = [mutation for log, mutation in SAMPLE if log == name]
    assert [text for mutation in drawn if (text := judging.complaint(mutation, name, before))] == []


def test_every_kind_is_drawn_and_has_its_expectation() -> None:
    assert set(judging.TABLE) == set(mutations.KINDS)
    drawn = Counter(mutation.kind for _, mutation in SAMPLE)
    assert len(SAMPLE) == EACH * len(LOGS)
    assert set(drawn) == set(mutations.KINDS), "a kind that is never drawn tests nothing"


def test_expectations_name_rules_that_exist() -> None:
    named = {rule for entries in judging.TABLE.values() for entry in entries for rule in entry["must"]}
    assert {f"sciml-{rule}" for rule in named} <= set(judging.RULES.rules)
    assert len(named) >= 25


def test_the_same_seed_draws_the_same_faults() -> None:
    name = "slstr_cloud-pt"
    once, again, other = (list(judging.mutations(name, LOGS[name], seed=seed, count=9)) for seed in ("a", "a", "b"))
    assert once == again
    assert once != other


def test_a_checker_that_says_nothing_or_too_much_or_elsewhere_is_told_so() -> None:
    """The judge of the checker, judged: each kind of wrong answer is a complaint."""
    name = "slstr_cloud-pt"
    drawn = list(judging.mutations(name, LOGS[name], seed="self", count=3 * len(mutations.KINDS)))
    fault = next(mutation for mutation in drawn if mutation.kind == "other_event_type")
    assert judging.complaint(fault, name, set()) == ""
    silent = dataclasses.replace(fault, content=LOGS[name])
    assert "event-003 is not named" in judging.complaint(silent, name, set())
    elsewhere = dataclasses.replace(fault, line=fault.line + 1)
    assert f"line {fault.line + 1} is not named" in judging.complaint(elsewhere, name, set())
    other = next(mutation for mutation in drawn if mutation.kind == "prefix")
    assert "line-006 is named" in judging.complaint(dataclasses.replace(other, kind="blank_line"), name, set())

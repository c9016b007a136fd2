"""The checker as a function of bytes, and what is expected of it for a mutation."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mutations import Mutation, draw

from compliance import rules as rule_sets
from compliance.finding import Finding
from compliance.judge import judge_stream

HERE = Path(__file__).resolve().parent
VALID = HERE.parent / "golden" / "valid"
RULES = rule_sets.load()
PREFIX = "sciml-"
TABLE: dict[str, list[dict[str, Any]]] = {
    kind: entries
    for kind, entries in json.loads((HERE / "expectations.json").read_text(encoding="utf-8")).items()
    if not kind.startswith("_")
}


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What has to be said of a mutation."""

    must: tuple[str, ...]
    """Rules that have to be named, all of them."""

    may: tuple[str, ...]
    """Patterns of rules that may be named besides."""

    here: bool
    """Whether one of the musts has to name the line that was changed."""


def valid_logs() -> dict[str, bytes]:
    """Return every valid golden log by its name."""
    logs = {path.stem: path.read_bytes() for path in sorted(VALID.glob("*.mllog"))}
    return {**logs, "run-directory": (VALID / "run-directory" / "result_0.txt").read_bytes()}


def findings(content: bytes) -> list[Finding]:
    """Judge bytes as a log."""
    return list(judge_stream(io.BytesIO(content), "log", RULES).findings)


def mutations(name: str, content: bytes, *, seed: str, count: int) -> Iterator[Mutation]:
    """Draw mutations of a valid log."""
    return draw(content, seed=f"{seed} {name}", count=count, accepts=_accepts, required=_required)


def expected(mutation: Mutation, log: str) -> Expectation:
    """Look a mutation up in the table.

    Raises:
        LookupError: the table has no entry for it.
    """
    key = f"{mutation.key} {mutation.part}" if mutation.kind == "swap" else mutation.key
    entry = _entry(mutation.kind, key, mutation.part, log)
    must, may = list(entry["must"]), list(entry.get("may", ()))
    if entry.get("loses"):
        lost = _entry("drop", mutation.key, "", log)
        must, may = must + lost["must"], may + list(lost.get("may", ()))
    return Expectation(must=tuple(must), may=tuple(may), here=entry.get("here", False))


def complaint(mutation: Mutation, log: str, said_before: set[str]) -> str:
    """Say what is wrong with the checker's answer to a mutation; empty where it is right.

    Args:
        mutation: the fault.
        log: name of the log that it was made in.
        said_before: rules that the log without the fault breaks as warnings.
    """
    wanted, found = expected(mutation, log), findings(mutation.content)
    rules = {finding.rule.removeprefix(PREFIX) for finding in found if finding.rule not in said_before}
    chain = _chain_rules(rules) if _has_links(mutation.content) else set()
    missing = set(wanted.must) - rules
    if _has_links(mutation.content) and not chain and _breaks_the_chain(mutation):
        missing.add("a rule of the chain")
    rules -= chain - set(wanted.must)
    wrong = {rule for rule in rules - set(wanted.must) if not any(fnmatchcase(rule, may) for may in wanted.may)}
    places = {finding.line for finding in found if finding.rule.removeprefix(PREFIX) in wanted.must}
    faults = [f"{', '.join(sorted(missing))} is not named"] if missing else []
    faults += [f"{', '.join(sorted(wrong))} is named"] if wrong else []
    faults += [f"line {mutation.line} is not named"] if wanted.here and mutation.line not in places else []
    what = f"{mutation.kind} {mutation.part} {mutation.key} in line {mutation.line} of {log}"
    return f"{what}: {'; '.join(faults)}" if faults else ""


def _has_links(content: bytes) -> bool:
    return b"previous_sha256" in content


def _chain_rules(rules: set[str]) -> set[str]:
    return {rule for rule in rules if rule.startswith("chain-")}


def _breaks_the_chain(mutation: Mutation) -> bool:
    """Say whether a change shows in the chain: lines without an event are no part of it, and no line names the seal."""
    return mutation.kind != "blank_line" and mutation.key != "log_seal"


def _entry(kind: str, key: str, part: str, log: str) -> dict[str, Any]:
    for entry in TABLE[kind]:
        fits = any(_fits(pattern, key) for pattern in entry["keys"])
        if fits and part in entry.get("parts", [part]) and log in entry.get("logs", [log]):
            return entry
    raise LookupError(f"expectations.json: no entry for {kind} {key} {part}")


def _fits(pattern: str, key: str) -> bool:
    known = RULES.keys.get(key)
    if pattern == "@unknown":
        return known is None
    if pattern.startswith("@"):
        return known is not None and (known.count == "exactly_one" if pattern == "@once" else known.single)
    return fnmatchcase(key, pattern)


def _accepts(key: str, value: Any) -> bool:
    return key not in RULES.keys or RULES.keys[key].accepts_value(value)


def _required(key: str) -> frozenset[str]:
    return frozenset(RULES.keys[key].metadata_schema.get("required", ())) if key in RULES.keys else frozenset()

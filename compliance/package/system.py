"""systems/<system>.json of a package: MLPerf's fields as text, made from the system.json of runs, and checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from compliance.finding import Finding
from compliance.finding import name as shown
from compliance.rules import LOGGING_SPEC
from compliance.schemas import Schema, compile_schema
from logging_spec.events import LineError, parse_object

NOT_STATED = "not stated: "
"""Begins what stands in a field that nobody filled in; the reason follows."""

NO_ACCELERATOR = "N/A"

OWN = "sciml_bench"


@cache
def schema() -> Schema:
    """The schema of a system description."""
    text = (LOGGING_SPEC / "schemas" / "submission_system.schema.json").read_text(encoding="utf-8")
    return parse_object(text)


def fields() -> list[str]:
    """Return the names of MLPerf's fields, in their order."""
    return [name for name in schema()["required"] if name != OWN]


def flattened(document: Mapping[str, Any], stated: Mapping[str, str], statuses: Mapping[str, str]) -> dict[str, Any]:
    """Return the system description of a package.

    Args:
        document: system.json of a run, which matches system.schema.json.
        stated: fields that a person fills in; they win.
        statuses: submission_status and MLPerf's words for it.
    """
    facts = document["mlperf"]
    boardless = facts["accelerators_per_node"]["value"] in (0, "0")
    texts, found_by = {}, {}
    for name in fields():
        fact = facts[name]
        if name in stated:
            texts[name], found_by[name] = stated[name], "stated for the package"
        elif fact["value"] is not None:
            texts[name], found_by[name] = str(fact["value"]), fact["found_by"]
        elif boardless and name.startswith("accelerator"):
            texts[name], found_by[name] = NO_ACCELERATOR, "no accelerator on any node"
        else:
            texts[name], found_by[name] = NOT_STATED + fact["reason"], "nothing"
    texts["status"] = statuses.get(texts["status"], texts["status"])
    return {**texts, OWN: {"format_version": 1, "found_by": found_by, "nodes": document["nodes"]}}


def read(content: bytes) -> tuple[dict[str, Any] | None, list[Finding]]:
    """Read a system description; return it where it is well-formed, and what is wrong with it."""
    advice = "fill in every field; --describe FILE states what no probe finds"
    try:
        document = parse_object(content.decode())
    except (LineError, UnicodeDecodeError) as error:
        reason = shown(str(error))
        return None, [_finding("sciml-package-016", "file", "one JSON object", reason, advice)]
    if compile_schema(schema())(document):
        return document, list(_not_stated(document))
    from compliance.mismatch import mismatches

    faults = [
        _finding("sciml-package-016", f"$.{fault.path}", fault.expected, fault.found, advice)
        for fault in mismatches(schema(), document)
    ]
    return document, faults


def _not_stated(document: Mapping[str, Any]) -> Iterator[Finding]:
    for name in fields():
        if document[name].startswith(NOT_STATED):
            advice = "state it with --describe FILE when the package is built"
            yield _finding(
                "sciml-package-018", f"$.{name}", "what a person knows of it", shown(document[name][:60]), advice
            )


def _finding(rule: str, where: str, expected: str, found: str, advice: str) -> Finding:
    return Finding(rule=rule, line=1, where=where, expected=expected, found=found, advice=advice)

"""A rule file for MLPerf's own compliance checker, made from one of our rule sets.

    python -m compliance stock-rules slstr_cloud > slstr_cloud.yaml
    python -m mlperf_logging.compliance_checker --usage hpc --ruleset 3.0.0 --config "$PWD/slstr_cloud.yaml" LOG

The stock checker's rules are Python expressions over a line's value `v`, the line `ll` and a state `s`. Ours are
turned into such expressions from the rule set alone, so that two checkers that share no code can be compared. What the
stock language cannot say (misspelt keys, line ends, agreement of samples and speed) is left out.
"""

from __future__ import annotations

import json
from typing import Any

from compliance.registry import KeyRule
from compliance.rules import Ruleset, UnknownNameError
from compliance.schemas import Schema

COUNTS = {"exactly_one": "EXACTLY_ONE", "at_least_one": "AT_LEAST_ONE"}

TYPES = {
    "null": "{0} is None",
    "boolean": "isinstance({0}, bool)",
    "integer": "type({0}) is int",
    "number": "type({0}) in (int, float) and math.isfinite({0})",
    "string": "isinstance({0}, str)",
    "object": "isinstance({0}, dict)",
    "array": "isinstance({0}, list)",
}

LIMITS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


def stock_rules(benchmark: str, rules: Ruleset) -> str:
    """Return the rule file of one benchmark. It is JSON, which is YAML.

    Raises:
        UnknownNameError: the rule set has no such benchmark.
    """
    if benchmark not in rules.benchmarks:
        raise UnknownNameError("benchmark", benchmark, sorted(rules.benchmarks))
    metric = f"eval_{rules.benchmarks[benchmark]['metric']}"
    better = ">=" if rules.benchmarks[benchmark]["direction"] == "max" else "<="
    records: list[dict[str, Any]] = [{"BEGIN": {"CODE": f" s.update({{'state': {rules.life_cycle.initial!r}}}) "}}]
    for key, known in rules.keys.items():
        record = _record(key, known, rules)
        if key == "submission_benchmark":
            record["CHECK"].append(f" v['value'] == {benchmark!r} ")
        if key == "quality_target":
            record["POST"] = " s['target'] = v['value'] "
        if key == metric:
            record |= {"REQ": "AT_LEAST_ONE", "ATLEAST_ONE_CHECK": f" v['value'] {better} s.get('target', math.nan) "}
        if key == "run_stop":
            record["CHECK"].append(" v['metadata']['status'] == 'success' ")
        records.append({"KEY": record})
    records.append({"END": {"CHECK": " s['state'] == 'done' "}})
    return json.dumps(records, indent=1) + "\n"


def _record(key: str, known: KeyRule, rules: Ruleset) -> dict[str, Any]:
    record: dict[str, Any] = {"NAME": key, "REQ": COUNTS.get(known.count, "OPTIONAL")}
    places = [] if known.states is None else [f" s['state'] in {sorted(known.states)!r} "]
    record["CHECK"] = [*places, *_expressions("v['value']", known.value_schema)]
    for name in known.metadata_schema.get("required", ()):
        inside = _expressions(f"v['metadata'][{name!r}]", known.metadata_schema["properties"][name])
        record["CHECK"] += [f" {name!r} in v['metadata'] and ({expression.strip()}) " for expression in inside]
    transition = rules.life_cycle.transitions.get(key)
    if transition is not None:
        record["POST"] = f" s['state'] = {next(iter(transition.targets.values()))!r} "
    return record


def _expressions(value: str, schema: Schema) -> list[str]:
    """Return Python expressions for the parts of a schema that the stock language can say."""
    found = [f"{value} in {schema['enum']!r}"] if "enum" in schema else []
    found += [f"{value} == {schema['const']!r}"] if "const" in schema else []
    kinds = schema.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else kinds
    found += [" or ".join(TYPES[kind].format(value) for kind in kinds)] if kinds else []
    optional = f"{value} is None or " if "null" in kinds else ""
    found += [f"{optional}{value} {sign} {schema[word]!r}" for word, sign in LIMITS.items() if word in schema]
    return [f" {expression} " for expression in found]

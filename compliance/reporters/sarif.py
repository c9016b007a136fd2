"""SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), which code hosts and editors show beside a file.

Every rule of the set is described, with its text in SPEC.md. A log that cannot be named by its text, because its name
holds other bytes than UTF-8 or a line feed, is named by its bytes, percent-encoded as URIs ask for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from compliance import spec_text
from compliance.judge import Judgement
from compliance.reporters.common import Look, by_file, severity
from compliance.rules import Ruleset

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def report(judgements: Sequence[Judgement], rules: Ruleset, _look: Look) -> str:
    """Return the document, as ASCII."""
    logs = by_file(judgements)
    files = list(dict.fromkeys(log.file for log in logs))  # a file that was named twice is one artifact
    numbers = {file: number for number, file in enumerate(files)}
    digests = {log.file: log.sha256 for log in logs}
    run = {
        "tool": {"driver": _driver(rules)},
        "invocations": [{"executionSuccessful": True}],
        "artifacts": [_artifact(file, digests[file]) for file in files],
        "results": [result for log in logs for result in _results(numbers[log.file], log, rules)],
        "columnKind": "unicodeCodePoints",
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def uri(path: str) -> str:
    """Return a path as a URI reference: a relative one stays relative."""
    encoded = quote(os.fsencode(path))
    if path.startswith("/"):
        return f"file://{encoded}"
    return encoded  # its first segment cannot be taken for a scheme, because quote() leaves no colon


def _driver(rules: Ruleset) -> dict[str, Any]:
    texts = spec_text.texts()
    described = [
        {
            "id": rule,
            "shortDescription": {"text": entry.title},
            "fullDescription": {"text": texts.get(rule, entry.title)},
            "defaultConfiguration": {"level": entry.severity},
        }
        for rule, entry in rules.rules.items()
    ]
    about = {"ruleset": rules.name, "ruleset_sha256": rules.sha256, "strict": rules.strict}
    return {"name": "sciml-bench compliance", "rules": described, "properties": about}


def _artifact(file: str, sha256: str | None) -> dict[str, Any]:
    digest = {} if sha256 is None else {"hashes": {"sha-256": sha256}}
    return {"location": {"uri": uri(file)}, "mimeType": "text/plain", "encoding": "UTF-8", **digest}


def _results(artifact: int, log: Judgement, rules: Ruleset) -> Iterator[dict[str, Any]]:
    numbers = {rule: number for number, rule in enumerate(rules.rules)}
    file = {"uri": uri(log.file), "index": artifact}
    for finding in log.findings:
        place = {"artifactLocation": file, "region": {"startLine": finding.line}}
        yield {
            "ruleId": finding.rule,
            "ruleIndex": numbers[finding.rule],
            "level": severity(finding, rules),
            "message": {"text": finding.message},
            "locations": [{"physicalLocation": place}],
            "properties": {part: getattr(finding, part) for part in ("where", "expected", "found", "advice")},
        }

"""SPEC.md, the key registry and the schemas say the same thing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry

from logging_spec import tables
from logging_spec.describe import describe
from logging_spec.emitter import DURABLE_KEYS

SPEC = Path(tables.__file__).parent
SCHEMAS = sorted((SPEC / "schemas").glob("*.schema.json"))


def load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


KEYS: dict[str, Any] = load(SPEC / "keys.json")["keys"]


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_every_schema_is_one(path: Path) -> None:
    schema = load(path)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"].startswith("urn:sciml-bench:")


def test_the_registry_matches_its_schema() -> None:
    validator = Draft202012Validator(load(SPEC / "schemas" / "keys.schema.json"), registry=Registry())
    assert list(validator.iter_errors(load(SPEC / "keys.json"))) == []


@pytest.mark.parametrize("key", KEYS)
def test_every_key_has_usable_schemas_and_the_event_type_of_its_ending(key: str) -> None:
    entry = KEYS[key]
    Draft202012Validator.check_schema(entry["value"])
    metadata = entry.get("metadata", {"properties": {}, "required": []})
    Draft202012Validator.check_schema({"type": "object", **metadata})
    assert set(metadata["required"]) <= set(metadata["properties"])
    ending = {"start": "INTERVAL_START", "stop": "INTERVAL_END"}.get(key.rpartition("_")[2], "POINT_IN_TIME")
    assert entry["event_type"] == ending
    assert set(entry["states"] or ()) <= set(tables.STATES)


def test_keys_that_are_synced_to_disk_exist() -> None:
    assert set(KEYS) >= DURABLE_KEYS


def test_the_tables_of_the_specification_are_up_to_date() -> None:
    text = tables.SPEC.read_text(encoding="utf-8")
    assert tables.with_tables(text) == text, "run python -m logging_spec.tables"
    assert all(f"| `{key}` | " in text for key in KEYS)
    assert "| `$.data.manifest_sha256` | " in text


def test_a_stale_table_is_noticed_and_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = tables.SPEC.read_text(encoding="utf-8")
    stale = tmp_path / "SPEC.md"
    stale.write_text(text.replace("| `seed` |", "| `sead` |"), encoding="utf-8")
    monkeypatch.setattr(tables, "SPEC", stale)
    assert tables.main(["--check"]) == 1
    assert tables.main([]) == 0
    assert tables.main(["--check"]) == 0
    assert stale.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1}, "integer ≥ 1"),
        ({"type": "number", "minimum": 0, "maximum": 1}, "number ≥ 0, ≤ 1"),
        ({"enum": ["cpu", "gpu"]}, 'one of "cpu", "gpu"'),
        ({"const": "1.0"}, '"1.0"'),
        ({"type": ["string", "null"], "minLength": 1}, "non-empty text or null"),
        (
            {"type": "object", "additionalProperties": {"type": "number"}, "minProperties": 1},
            "non-empty object of number",
        ),
        ({"type": "array", "items": {"type": "string"}}, "array of text"),
        ({"type": "string", "maxLength": 256}, "text of at most 256 characters"),
        ({}, "anything"),
    ],
)
def test_schemas_in_words(schema: dict[str, Any], words: str) -> None:
    assert describe(schema) == words

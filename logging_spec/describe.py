"""A JSON Schema in a few words: `integer ≥ 1`, `one of "closed", "open"`, `null`."""

from __future__ import annotations

import json
from typing import Any

LIMITS = (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))

LONGEST_UNREMARKABLE_TEXT = 4096
"""The registry's general limit of texts; not worth a word in each description."""


def describe(schema: dict[str, Any]) -> str:
    """Say what `schema` accepts, for tables and for messages."""
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    if "enum" in schema:
        return "one of " + ", ".join(json.dumps(choice, ensure_ascii=False) for choice in schema["enum"])
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    words = " or ".join(_one_kind(kind, schema) for kind in kinds) or "anything"
    limits = [f"{sign} {schema[name]}" for name, sign in LIMITS if name in schema]
    limits += [f"other than {describe(schema['not'])}"] if "not" in schema else []
    return " ".join([words, ", ".join(limits)]).strip()


def _one_kind(kind: str, schema: dict[str, Any]) -> str:
    if kind == "string":
        return _text(schema)
    if kind == "array":
        return "array of " + describe(schema.get("items", {})) if "items" in schema else "array"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        inside = "non-empty object of " if schema.get("minProperties") else "object of "
        return inside + describe(schema["additionalProperties"])
    return kind


def _text(schema: dict[str, Any]) -> str:
    if "pattern" in schema:
        return f"text like {schema['pattern']}"
    longest = schema.get("maxLength", LONGEST_UNREMARKABLE_TEXT)
    limit = f" of at most {longest} characters" if longest != LONGEST_UNREMARKABLE_TEXT else ""
    return ("non-empty text" if schema.get("minLength") else "text") + limit

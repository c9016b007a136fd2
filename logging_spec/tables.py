"""The tables of SPEC.md, made from keys.json and the schemas: `python -m logging_spec.tables` writes them anew.

`python -m logging_spec.tables --check` says by its exit code, 1, that SPEC.md is not up to date.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from logging_spec.describe import describe

HERE = Path(__file__).resolve().parent
SPEC = HERE / "SPEC.md"

COUNTS = {"exactly_one": "1", "at_most_one": "0–1", "at_least_one": "1+", "any": "0+"}

STATES = {
    "submission": "before init",
    "init": "init",
    "ready": "after init",
    "run": "run",
    "epoch": "epoch",
    "eval": "evaluation",
    "done": "after the run",
    "inference": "inference",
}


def with_tables(text: str) -> str:
    """Return the text of SPEC.md with every table between its markers made anew."""
    for name, lines in TABLES.items():
        table = "\n".join(lines())
        marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = marked.sub(lambda match, table=table: f"{match[1]}{table}\n{match[2]}", text)  # type: ignore[misc]
    return text


def _keys(emitter: str) -> Iterator[str]:
    yield "| key | times | stands | value | metadata | meaning |"
    yield "|---|---|---|---|---|---|"
    for key, entry in _load(HERE / "keys.json")["keys"].items():
        if entry["emitter"] == emitter:
            places = " or ".join(STATES[state] for state in entry["states"] or ()) or "anywhere"
            unit = f" ({entry['unit']})" if entry["unit"] else ""
            cells = (f"`{key}`", COUNTS[entry["count"]], places, describe(entry["value"]) + unit, _metadata(entry))
            yield _row(*cells, entry["text"])


def _metadata(entry: dict[str, Any]) -> str:
    metadata = entry.get("metadata", {"properties": {}, "required": []})
    parts = (
        f"`{name}`{'' if name in metadata['required'] else ' (may be left out)'}: {describe(schema)}"
        for name, schema in metadata["properties"].items()
    )
    return "; ".join(parts)


def _run_config() -> Iterator[str]:
    yield "| field | value | meaning |"
    yield "|---|---|---|"
    yield from _properties("$", _load(HERE / "schemas" / "run_config.schema.json"))


def _properties(path: str, schema: dict[str, Any]) -> Iterator[str]:
    for name, inside in schema["properties"].items():
        optional = "" if name in schema["required"] else " (may be left out)"
        if "properties" in inside:
            yield from _properties(f"{path}.{name}", inside)
        else:
            yield _row(f"`{path}.{name}`{optional}", describe(inside), inside.get("description", ""))


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


TABLES = {
    "keys-harness": lambda: _keys("harness"),
    "keys-rank0": lambda: _keys("rank0"),
    "run-config": _run_config,
}
"""Tables by the name of their markers: `<!-- name -->` and `<!-- /name -->`."""


def main(arguments: list[str]) -> int:
    """Write the tables anew, or say whether they are up to date."""
    line = argparse.ArgumentParser(prog="python -m logging_spec.tables", description="Make the tables of SPEC.md anew.")
    line.add_argument("--check", action="store_true", help="write nothing; exit code 1 where they are not up to date")
    given = line.parse_args(arguments)
    text = SPEC.read_text(encoding="utf-8")
    anew = with_tables(text)
    if given.check:
        return int(text != anew)
    SPEC.write_text(anew, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

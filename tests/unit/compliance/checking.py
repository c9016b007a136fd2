"""What the tests of the checker share: the golden logs, and the checker as a function of bytes."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compliance.cli import main
from logging_spec.events import TOKEN

GOLDEN = Path(__file__).resolve().parents[2] / "golden"

LOGS = (".mllog", ".mllog.gz", ".mllog.zst")


def cases(kind: str) -> list[Path]:
    """Return the golden logs and run directories of a kind, `valid` or `invalid`."""
    folder = GOLDEN / kind
    return sorted(path for path in folder.iterdir() if path.is_dir() or path.name.endswith(LOGS))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the checker said."""

    code: int
    """Exit code."""

    out: str
    """What it printed."""

    err: str
    """What it said on stderr."""

    @property
    def lines(self) -> list[str]:
        """Its findings, without the line that sums up."""
        return self.out.splitlines()[:-1]

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document that it printed."""
        document: dict[str, Any] = json.loads(self.out)
        return document

    def found(self) -> set[tuple[int, str]]:
        """Line and rule of every finding of a JSON verdict on one log."""
        return {(finding["line"], finding["rule"]) for finding in self.document["files"][0]["findings"]}


def check(*arguments: str | Path) -> Answer:
    """Call the checker with `check` and some arguments."""
    return call("check", *arguments)


def call(*arguments: str | Path) -> Answer:
    """Call the checker."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    return Answer(code=code, out=out.getvalue(), err=err.getvalue())


def check_bytes(content: bytes, folder: Path) -> Answer:
    """Judge bytes as a log, and return the JSON verdict."""
    log = folder / "log.mllog"
    log.write_bytes(content)
    return check(log, "--format", "json")


def golden_lines(name: str = "slstr_cloud-pt") -> list[str]:
    """Return the lines of a valid golden log, each with its line feed."""
    return (GOLDEN / "valid" / f"{name}.mllog").read_text(encoding="utf-8").splitlines(keepends=True)


def record_of(line: str) -> dict[str, Any]:
    """Return the JSON object of a line."""
    record: dict[str, Any] = json.loads(line.removeprefix(TOKEN))
    return record


def line_of(record: dict[str, Any]) -> str:
    """Return the line of a JSON object."""
    return f"{TOKEN}{json.dumps(record)}\n"


def place_of(lines: list[str], key: str, number: int = 0) -> int:
    """Return the index of the `number`th line with a key."""
    return [index for index, line in enumerate(lines) if record_of(line)["key"] == key][number]

"""What the tests of sets, scores and convergence share: sets of runs made from plans of logs, and the golden sets."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from checking import GOLDEN, Answer, call
from jsonschema import Draft202012Validator
from referencing import Registry

sys.path.insert(0, str(GOLDEN))

from log_edits import Edit, insert, metadata, value
from make_sets import BASE, OPTIONS, RISE, SETS, missed, run, runs, said_of
from run_story import Plan, lines, tell

from compliance import rules as rule_sets
from compliance.convergence.points import Point
from compliance.sets.members import members
from compliance.sets.run import Run, read_run

__all__ = [
    "BASE", "OPTIONS", "RISE", "SETS", "Edit", "Plan", "insert", "lines", "metadata", "missed", "run", "runs",
    "said_of", "tell", "value",
]  # fmt: skip

RULES = rule_sets.load()


def score(*arguments: str | Path) -> Answer:
    """Call the checker with `score` and some arguments."""
    return call("score", *arguments)


def faults_of(document: Any, schema: str) -> list[str]:
    """Return in what a document is not of the form of a schema."""
    content = json.loads((rule_sets.LOGGING_SPEC / "schemas" / f"{schema}.schema.json").read_text(encoding="utf-8"))
    return [fault.message for fault in Draft202012Validator(content, registry=Registry()).iter_errors(document)]


def write_set(folder: Path, logs: Sequence[bytes]) -> Path:
    """Write the logs of a set."""
    folder.mkdir(parents=True)
    for number, log in enumerate(logs):
        (folder / f"result_{number}.txt").write_bytes(log)
    return folder


def read_set(folder: Path) -> list[Run]:
    """Read the logs of a folder."""
    return [read_run(member, RULES) for member in members(folder)]


def point(epochs: Sequence[int | None], **changed: Any) -> Point:
    """Return a reference convergence point of the benchmark of the golden logs."""
    usual = Point(
        benchmark="slstr_cloud",
        model="default",
        implementation="pt",
        scale="full",
        metric="accuracy",
        direction="max",
        target=0.9,
        batch_size=64,
        epochs=tuple(epochs),
    )
    return replace(usual, **changed)

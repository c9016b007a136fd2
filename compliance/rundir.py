"""A run directory around its log: run.json has to be there, and the log has to agree with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compliance.finding import NOTHING, Finding, clipped, name, show
from compliance.rules import LOGGING_SPEC, Ruleset
from compliance.schemas import compile_schema, same
from compliance.story import Story
from logging_spec.events import LineError, parse_object

LOG = "result_0.txt"
CONFIG = "run.json"

LARGEST_CONFIG_BYTES = 1 << 24
"""A run.json is a few kilobytes; more than this is none."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """The run.json beside a log."""

    content: dict[str, Any] | None
    """What it says; None where it says nothing well-formed."""

    findings: tuple[Finding, ...]
    """What is wrong with it."""


def runs_below(path: Path) -> list[Path]:
    """What a path names: itself, or, where it is a folder of run directories, each of them, sorted.

    A prediction is a run directory too; it has no log, and there is nothing of it to judge.
    """
    if not path.is_dir() or any((path / file).exists() for file in (LOG, CONFIG)):
        return [path]
    folders = {found.parent for file in (LOG, CONFIG) for found in path.rglob(file)}
    return sorted(folder for folder in folders if not _is_prediction(folder)) or [path]


def _is_prediction(folder: Path) -> bool:
    try:
        return not (folder / LOG).exists() and _load(folder / CONFIG)["mode"] == "predict"
    except (OSError, ValueError, KeyError):
        return False


def read_config(folder: Path) -> RunConfig:
    """Read and check run.json."""
    schema = parse_object((LOGGING_SPEC / "schemas" / "run_config.schema.json").read_text(encoding="utf-8"))
    try:
        content = _load(folder / CONFIG)
    except (OSError, ValueError) as error:
        reason = "none" if isinstance(error, FileNotFoundError) else clipped(name(str(error)))
        return RunConfig(content=None, findings=(_broken(CONFIG, "a file of one JSON object", reason),))
    if compile_schema(schema)(content):
        return RunConfig(content=content, findings=())
    from compliance.mismatch import mismatches

    faults = mismatches(schema, content)
    findings = tuple(_broken(f"{CONFIG} $.{fault.path}", fault.expected, fault.found) for fault in faults)
    return RunConfig(content=None, findings=findings)


def check_agreement(config: dict[str, Any], story: Story, rules: Ruleset) -> Iterator[Finding]:
    """Compare the facts of the log with what the run was told."""
    if config["mode"] != "train":
        yield _broken(f"{CONFIG} $.mode", '"train"', show(config["mode"]))
    for agreement in rules.agreements:
        event = story.first.get(agreement["key"])
        told: Any = config
        for part in agreement["config"].split("."):
            told = told[part]
        if event is not None and not same(event.field(agreement["field"]), told):
            field = "" if agreement["field"] == "value" else f" {agreement['field']}"
            yield Finding(
                rule="run-002",
                line=event.line,
                where=f"{event.key}{field}",
                expected=f"{show(told)}, as $.{agreement['config']} in {CONFIG}",
                found=show(event.field(agreement["field"])),
                advice="keep the log and the configuration of one run together",
            )


def _load(path: Path) -> dict[str, Any]:
    if path.exists() and not path.is_file():
        raise LineError("no regular file")  # a pipe would be waited for, a device may have no end
    with path.open("rb") as file:
        raw = file.read(LARGEST_CONFIG_BYTES + 1)
    if len(raw) > LARGEST_CONFIG_BYTES:
        raise LineError(f"more than {LARGEST_CONFIG_BYTES} bytes")
    return parse_object(raw.decode())


def _broken(where: str, expected: str, found: str) -> Finding:
    advice = "keep run.json in the run directory, as the harness wrote it"
    return Finding(rule="run-001", line=1, where=where, expected=expected, found=found, advice=advice)


def no_log() -> Finding:
    """Return the finding on a run directory without a log."""
    advice = "see launch.json and ranks/ for why the run left none"
    return Finding(rule="run-001", line=1, where=LOG, expected="a log", found=NOTHING, advice=advice)

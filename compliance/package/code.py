"""The code of a package: the files of an implementation, and scripts that set it up and run it as it was run."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from compliance.package.write import Files, Source
from compliance.rules import LOGGING_SPEC
from logging_spec.events import LineError, parse_object

SUITE = LOGGING_SPEC.parent
SUITE_PARTS = (
    "CHANGELOG.md", "CITATION.cff", "LICENSE", "Makefile", "README.md", "pyproject.toml", "compliance", "containers",
    "datasets", "examples", "harness", "logging_spec", "reference", "requirements", "tools",
)  # fmt: skip
"""What of a checkout makes a run: the tests and the decisions do not."""

TEMPLATES = Path(__file__).parent / "templates"
GENERATED = ("README.md", "setup.sh", "init_datasets.sh", "run_and_time.sh")
SHELL = "#!/usr/bin/env bash\n"
"""First line of each script; the templates lack it, because they are no scripts yet."""

NOT_CODE = ("__pycache__", "node_modules")
CODE = "code"
"""Folder of the implementation's own files."""


class CodeError(ValueError):
    """There is no code to package; the message says what was expected and found."""


@dataclass(frozen=True, kw_only=True)
class Implementation:
    """What was run, and how."""

    benchmark: str
    """Name of the benchmark."""

    name: str
    """Name of the implementation."""

    division: str
    """Division of its runs."""

    config: Mapping[str, Any]
    """run.json of one of its runs."""

    folder: Path
    """Where its files are."""

    own: bool
    """Whether it comes from outside the suite."""


def is_of_a_suite(benchmark: str, name: str, folder: Path = SUITE) -> bool:
    """Say whether a folder is a checkout of the suite that has an implementation of that name."""
    path = folder / "reference" / benchmark / "benchmark.json"
    try:
        return name in parse_object(path.read_text(encoding="utf-8"))["implementations"]
    except (OSError, LineError, KeyError):
        return False


def files_of(implementation: Implementation) -> Files:
    """Return the files of an implementation, by their names below its folder in the package.

    Raises:
        CodeError: the folder holds none, or a link.
        OSError: it cannot be read.
    """
    if implementation.own:
        found: dict[str, Source] = dict(_below(implementation.folder, ""))
        if not found:
            raise CodeError(
                f"{implementation.folder}: expected the code of {implementation.name}, found an empty folder"
            )
    else:
        found = {}
        for part in SUITE_PARTS:
            path = implementation.folder / part
            found |= {f"{CODE}/{part}": path} if path.is_file() else _below(path, f"{CODE}/{part}/")
    for name in GENERATED:
        found.setdefault(name, _generated(name, implementation).encode())
    return found


def _below(folder: Path, prefix: str) -> dict[str, Source]:
    found: dict[str, Source] = {}
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in NOT_CODE)
        for name in names:
            path = Path(parent, name)
            if name.startswith(".") or name.endswith((".pyc", ".so", ".o")):
                continue
            if path.is_symlink() or not path.is_file():
                raise CodeError(f"{path}: expected a file, found a link or a device — put the file itself there")
            found[prefix + path.relative_to(folder).as_posix()] = path
    return found


def _generated(name: str, implementation: Implementation) -> str:
    template = TEMPLATES / f"{name}.{'own' if implementation.own else 'suite'}"
    text = Template(template.read_text(encoding="utf-8")).substitute(_words(implementation))
    return f"{SHELL}{text}" if name.endswith(".sh") else text


def _words(implementation: Implementation) -> dict[str, str]:
    config = implementation.config
    return {
        "benchmark": implementation.benchmark,
        "implementation": implementation.name,
        "scale": str(config["scale"]),
        "ranks": str(config["world_size_expected"]),
        "dataset_id": str(config["data"]["dataset_id"]),
        "manifest_sha256": str(config["data"]["manifest_sha256"]),
        "metric": str(config["target"]["metric"]),
        "target": str(config["target"]["value"]),
        "options": " \\\n  ".join(_options(implementation.division, config)),
        "settings": "".join(f"- `{name}`: `{value}`\n" for name, value in sorted(config["hyperparameters"].items())),
    }


def _options(division: str, config: Mapping[str, Any]) -> list[str]:
    """Return the options of the command line that say what run.json says."""
    pairs = {
        "division": division,
        "scale": config["scale"],
        "np": config["world_size_expected"],
        "precision": config["precision"],
        "deterministic": config["deterministic"],
        "max-epochs": config["limits"]["max_epochs"],
        "target": config["target"]["value"],
        **{name.replace("_", "-"): value for name, value in sorted(config["hyperparameters"].items())},
    }
    return [_option(name, value) for name, value in pairs.items()]


def _option(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    return f"--{name} {shlex.quote(str(value))}"

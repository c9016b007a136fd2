"""Implementations that the contract is tried on: the stand-in always, the real ones where slow tests are run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """An implementation under test."""

    name: str
    """Its name, for the report."""

    option: str
    """What `--implementation` is given."""

    argv: tuple[str, ...]
    """Program of a rank."""

    folder: Path
    """Its working directory."""

    real: bool
    """Whether it trains something, and so needs real data and time."""


def subjects() -> list[object]:
    """The stand-in, and every implementation of every benchmark.json: a new one joins by being there."""
    fake = ROOT / "tests" / "conformance" / "fakes" / "ok.json"
    entry = json.loads(fake.read_text(encoding="utf-8"))
    stand_in = Subject(name="fake", option=str(fake), argv=tuple(entry["argv"]), folder=fake.parent, real=False)
    found: list[object] = [pytest.param(stand_in, id="fake")]
    for path in sorted((ROOT / "reference").glob("*/benchmark.json")):
        benchmark = json.loads(path.read_text(encoding="utf-8"))
        for name, entry in benchmark["implementations"].items():
            subject = Subject(name=name, option=name, argv=tuple(entry["argv"]), folder=ROOT, real=True)
            found.append(pytest.param(subject, id=f"{benchmark['name']}-{name}", marks=pytest.mark.slow))
    return found


@pytest.fixture(params=subjects())
def subject(request: pytest.FixtureRequest) -> Subject:
    """One implementation."""
    return request.param


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the harness makes the simulated tiny set once."""
    return tmp_path_factory.mktemp("tiny")

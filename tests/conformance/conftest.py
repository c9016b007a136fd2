"""Implementations that the contract is tried on: the stand-in always, the real ones where slow tests are run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import registry

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """An implementation under test."""

    benchmark: str
    """Name of its benchmark."""

    option: str
    """What `--implementation` is given."""

    argv: tuple[str, ...]
    """Program of a rank."""

    folder: Path
    """Its working directory."""

    real: bool
    """Whether it trains something, and so needs real data and time."""


def subjects() -> list[object]:
    """The stand-in, and every implementation of every benchmark: a new one joins by being there."""
    fake = ROOT / "tests" / "conformance" / "fakes" / "ok.json"
    argv = tuple(json.loads(fake.read_text(encoding="utf-8"))["argv"])
    stand_in = Subject(benchmark="slstr_cloud", option=str(fake), argv=argv, folder=fake.parent, real=False)
    found: list[object] = [pytest.param(stand_in, id="fake")]
    for benchmark in map(registry.load, registry.names()):
        for name, entry in benchmark.implementations.items():
            subject = Subject(benchmark=benchmark.name, option=name, argv=entry.argv, folder=entry.folder, real=True)
            found.append(pytest.param(subject, id=f"{benchmark.name}-{name}", marks=pytest.mark.slow))
    return found


@pytest.fixture(params=subjects())
def subject(request: pytest.FixtureRequest) -> Subject:
    """One implementation."""
    return request.param


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the harness makes each simulated tiny set once."""
    return tmp_path_factory.mktemp("tiny")

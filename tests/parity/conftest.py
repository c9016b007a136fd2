"""What the parity tests compare is computed once, for all models that are to be tested, and removed in the end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import parity_processes
import pytest
from parity_processes import Archive
from parity_subjects import Subject


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder for what the twins write, which is too much to be kept."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def twins(request: pytest.FixtureRequest, scratch: Path) -> dict[str, dict[tuple[str, str], Archive]]:
    """What the twins find, by subject, and by twin and precision."""
    return parity_processes.twins(chosen(request, "twins"), scratch / "twins", scratch / "data")


@pytest.fixture(scope="session")
def on_ranks(request: pytest.FixtureRequest, scratch: Path) -> dict[str, dict[tuple[str, int], Archive]]:
    """What the twins find on one rank and on several, by subject, and by twin and ranks."""
    return parity_processes.ranks(chosen(request, "on_ranks"), scratch / "ranks", scratch / "data")


def chosen(request: pytest.FixtureRequest, fixture: str) -> list[Subject]:
    """The subjects of the tests that ask for a fixture, so that `-k` saves time."""
    items = [item for item in request.session.items if fixture in getattr(item, "fixturenames", ())]
    found = {item.callspec.params["subject"].name: item.callspec.params["subject"] for item in items}
    return list(found.values())

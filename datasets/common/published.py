"""source.json: what the world knows of a published data set, and where it lies at each kind of mirror."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = "source.json"


@dataclass(frozen=True, kw_only=True)
class Published:
    """A data set as its publisher has it."""

    dataset_id: str
    """Its name in results."""

    title: str
    """One line."""

    description: str
    """A sentence or two."""

    licence: str
    """What others may do with it."""

    creator: str
    """Who published it."""

    url: str
    """A page about it."""

    cite_as: str
    """What a text that uses it cites."""

    keywords: tuple[str, ...]
    """Words to find it by."""

    attribution: str | None = None
    """Sentence that everything made from it must carry."""

    locations: Mapping[str, str] = field(default_factory=dict)
    """Kind of mirror → where the set lies there: bucket and folder, or folder."""

    simulate_full: Mapping[str, float] = field(default_factory=dict)
    """Options of the simulator that give a set of the published one's size."""


def read_published(folder: Path) -> Published:
    """Return the source.json of a data set's folder in this room."""
    stated = json.loads((folder / SOURCE).read_text(encoding="utf-8"))
    return Published(**{**stated, "keywords": tuple(stated["keywords"])})


def known_sets() -> dict[str, Path]:
    """Return the folders of all published sets by name, also of those outside the checkout that Python finds."""
    import datasets

    homes = [Path(home) for home in reversed(list(datasets.__path__))]
    return dict(sorted((path.parent.name, path.parent) for home in homes for path in home.glob(f"*/{SOURCE}")))

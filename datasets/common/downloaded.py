"""manifest.json of a downloaded set: what the programs `datasets.<name>.manifest` have in common."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets.common.failures import DataError, UsageError, failing_politely, say
from datasets.common.files import description, write_manifest
from datasets.common.making import MARK
from datasets.common.published import read_published
from datasets.common.verifying import Inside, Together, content_faults

Splits = dict[str, list[str]]

FAULTS_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Source:
    """A published data set."""

    here: Path
    """Its folder in this room."""

    held: str
    """Files that its folder holds, in words."""

    find: Callable[[Path], Splits]
    """Returns the paths of each split; raises DataError where files are missing."""

    statistics: Callable[[Path, Splits, bool], Mapping[str, Any]]
    """Returns the facts of the set, given its folder, splits, and whether methods without training are scored too."""

    inside: Inside | None = None
    """The verifier's look into a file; nothing is read for the statistics before it is content."""

    together: Together | None = None
    """The verifier's look at files that belong together."""


def describe_downloaded(source: Source, root: Path, dataset_id: str, *, scores: bool) -> dict[str, Any]:
    """Return the manifest of a downloaded set; reads every file for its hash, and again for the statistics.

    Raises:
        DataError: files are missing, damaged, or of another layout.
        UsageError: the set was made by a simulator, whose manifest says more.
    """
    if (root / MARK).exists():
        raise UsageError(f"{root}: expected a downloaded set, found one that simulate made and described")
    published = read_published(source.here)
    manifest = description(
        root,
        source.here,
        source.find(root),
        dataset_id=dataset_id,
        licence=published.licence,
        attribution=published.attribution,
    )
    faults = list(content_faults(root, manifest, source.inside, source.together, quick=True))
    if faults:
        more = f"\nand {len(faults) - FAULTS_SHOWN} more faults" if len(faults) > FAULTS_SHOWN else ""
        raise DataError("\n".join(faults[:FAULTS_SHOWN]) + more)
    facts = source.statistics(root, manifest["splits"], scores)
    return {**manifest, "statistics": facts} if facts else manifest


def manifest_main(source: Source, argv: Sequence[str] | None) -> int:
    """Make the manifest of a downloaded set. Exit codes: 0 written, 2 usage, 3 data missing or bad."""
    program = f"python -m datasets.{source.here.name}.manifest"
    parser = argparse.ArgumentParser(prog=program, description=manifest_main.__doc__)
    parser.add_argument("folder", type=Path, help=f"folder that holds {source.held}")
    example = read_published(source.here).dataset_id
    parser.add_argument("--dataset-id", required=True, help=f"name of the set in results, for example {example}")
    parser.add_argument(
        "--statistics", action="store_true", help="also score methods without training (reads it all again)"
    )
    options = parser.parse_args(argv)
    with failing_politely():
        manifest = describe_downloaded(source, options.folder, options.dataset_id, scores=options.statistics)
        path = write_manifest(options.folder, manifest)
        counts = ", ".join(f"{len(paths)} to {split}" for split, paths in manifest["splits"].items())
        say(f"{path}: {counts}")
    return 0

"""Bring a data set from the first of its sources that has all of it, several files at once, so that it survives.

What is whole and was trusted stays; a part is gone on with; a file gets its name once it is complete, compared with
all that the source states of it, and on the disk. A source that does not answer is asked again, then the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from datasets.common.failures import DataError
from datasets.common.files import MANIFEST
from datasets.sources.source import Changed, Source, SourceError, Unavailable
from datasets.transfer_file import Policy, Worker, fetch_whole, patiently
from datasets.transfer_part import Corrupt, RemoteFile
from datasets.transfer_plan import (
    PUBLISHED,
    listing,
    published_manifest,
    require_room,
    to_do,
    with_hashes,
    without_manifest,
)
from datasets.transfer_pool import run_each
from datasets.transfer_progress import Meter, shown
from datasets.transfer_record import Record

ROUNDS = 3
"""How often a set may change at its source while it is read."""
LISTING_TRIES = 2
"""A source that does not list its files soon is not waited for while there are others."""
SHOWN = 5

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """What a download found and did."""

    source: str
    """Name of the source that had it all."""

    files: int
    """Files of the set."""

    new: int
    """How many of them came now, or were looked at for the first time."""

    published: Path | None
    """The source's own manifest, where it has one of this suite's."""


def download(sources: Sequence[Source], record: Record, root: Path, policy: Policy, *, say: Say) -> Arrival:
    """Bring all files of a set into its folder, whose name is that of the set.

    Args:
        sources: asked in this order.
        record: of the folder, open to be written.
        root: the folder.
        policy: how hard to try.
        say: prints a line for people.

    Raises:
        DataError: no source has all of it, or what is here is not what the source has; a line for each reason.
        OSError: the disk refuses.
    """
    troubles: list[str] = []
    for source in sources:
        say(f"{root.name}: from {source.name}")
        try:
            return _while_it_changes(source, record, root, policy, say)
        except (SourceError, Corrupt) as error:
            troubles.append(f"{source.name}: {error}")
    raise DataError(
        "\n".join(troubles) + f"\n{root}: expected a source that has it all, found none — the same command goes on "
        "from here; --mirror and --source name others"
    )


def _while_it_changes(source: Source, record: Record, root: Path, policy: Policy, say: Say) -> Arrival:
    for _ in range(ROUNDS - 1):
        try:
            return _from(source, record, root, policy)
        except Changed as error:
            say(f"{root.name}: changed at its source while it was read, listed anew: {error}")
    return _from(source, record, root, policy)


def _from(source: Source, record: Record, root: Path, policy: Policy) -> Arrival:
    files = patiently(lambda: listing(source), policy, pause=time.sleep, tries=LISTING_TRIES)
    published, files = _published(source, files, root, policy)
    plan = to_do(files, root, record, source.name)
    require_room(root, plan)
    without_manifest(root, plan)
    meter = Meter(files=len(plan), total_bytes=sum(file.size for file in plan))
    worker = Worker(source=source, record=record, root=root, policy=policy, meter=meter)
    with shown(meter, root.name):
        failures = run_each(worker.bring, plan, policy.jobs, fatal=(Unavailable, OSError))
    if failures:
        raise _gravest(failures)
    return Arrival(source=source.name, files=len(files), new=len(plan), published=published)


def _published(
    source: Source, files: list[RemoteFile], root: Path, policy: Policy
) -> tuple[Path | None, list[RemoteFile]]:
    """Return the source's own manifest, and the other files with its hashes."""
    others = [file for file in files if file.path != MANIFEST]
    own = next((file for file in files if file.path == MANIFEST), None)
    if own is None:
        return None, others
    path = root / PUBLISHED
    detailed = patiently(partial(source.detail, own), policy, pause=time.sleep)
    fetch_whole(source, detailed, path, policy, at=lambda _: None, pause=time.sleep)
    manifest = published_manifest(path, root.name)
    if manifest is None:
        path.unlink()
        return None, others
    return path, with_hashes(others, manifest)


def _gravest(failures: Sequence[Exception]) -> Exception:
    """Return one fault for many: what ends the whole first, then what helps most, those of one kind together."""
    for kind in (OSError, Unavailable, DataError, Changed, SourceError, Corrupt):
        alike = [failure for failure in failures if isinstance(failure, kind)]
        if len(alike) > 1 and isinstance(alike[0], (DataError, SourceError)):
            more = [f"and {len(alike) - SHOWN} more"] if len(alike) > SHOWN else []
            return type(alike[0])("\n".join([*map(str, alike[:SHOWN]), *more]))
        if alike:
            return alike[0]
    return failures[0]

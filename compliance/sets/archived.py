"""The logs of a package that is a tar or a zip: read one by one, and never unpacked.

The archive is gone through twice, because what describes the systems may stand behind the logs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

from compliance.finding import Finding
from compliance.judge import judge_stream
from compliance.package import archive
from compliance.package import rules as package_rules
from compliance.rundir import LARGEST_CONFIG_BYTES
from compliance.sets.members import PRUNED, RESULT, RESULTS, WEAK, Member
from compliance.sets.refusal import Refused
from logging_spec.events import LineError, parse_object

SYSTEM = re.compile(r"([^/]+)/systems/([^/]+)\.json")
"""Description of a system: `<organisation>/systems/<system>.json`."""

LARGEST_LOG_BYTES = 256 << 20
"""Longest log that is held: while it is read, it lies in memory."""


def members(path: Path) -> Iterator[Member]:
    """Yield the logs of an archive in the order in which they stand there.

    Raises:
        Refused: it is damaged, or a log is too long, or no file that can be read.
    """
    systems: dict[str, dict[str, Any] | None] = {}
    organisations = set()
    for file in _files(path):
        if match := SYSTEM.fullmatch(file.name):
            systems[match[2]] = _document(file)
            organisations.add(match[1])
    for file in _files(path):
        place = PurePosixPath(file.name)
        # The code of a submission may hold logs too, such as those of the reference.
        is_code = place.parts[0] in organisations and place.parts[1] != RESULTS
        if RESULT.fullmatch(place.name) and not is_code:
            yield _member(path, place, _content(path, file), systems)


def _files(path: Path) -> Iterator[archive.Member]:
    """Yield the files; what the package's own rules refuse is passed over, and `check` names it, unless it is a log."""
    passed_over: list[tuple[str, Finding]] = []
    try:
        yield from archive.members(path, package_rules.load(), passed_over)
    except archive.UnreadableError as error:
        raise Refused(f"{path}: {error.finding.message}") from None
    for _file, finding in passed_over:
        if RESULT.fullmatch(PurePosixPath(finding.where.strip('"')).name):
            raise Refused(f"{path}: {finding.message}")


def _content(path: Path, file: archive.Member) -> bytes:
    content = file.whole(LARGEST_LOG_BYTES)
    if content is None:
        expected = f"a log of at most {LARGEST_LOG_BYTES} bytes"
        raise Refused(f"{path}/{file.name}: expected {expected}, found more — unpack it")
    return content


def _document(file: archive.Member) -> dict[str, Any] | None:
    """Read a file of one JSON object; None where it is none."""
    content = file.whole(LARGEST_CONFIG_BYTES)
    try:
        return None if content is None else parse_object(content.decode())
    except (LineError, UnicodeDecodeError):
        return None


def _member(path: Path, place: PurePosixPath, content: bytes, systems: dict[str, dict[str, Any] | None]) -> Member:
    pruned = place.parent.name == PRUNED
    folder = place.parent.parent if pruned else place.parent
    described = next((found for part in folder.parts if (found := systems.get(part))), None)
    name = f"{path}/{place}"
    return Member(
        name=name,
        folder=f"{path}/{folder}",
        path=path,
        open=partial(BytesIO, content),
        judge=lambda rules: judge_stream(BytesIO(content), name, rules),
        weak=folder.parent.name == WEAK,
        pruned=pruned,
        documents={"system.json": described} if described else {},
    )

"""Which boards a job may use: CUDA_VISIBLE_DEVICES, read the way the CUDA driver reads it.

The rules (CUDA C++ Programming Guide, section "CUDA Environment Variables"): entries are separated by commas; each is
an index, a UUID or the unique beginning of one (`GPU-…`), or a MIG instance (`MIG-…`); all from the first invalid entry
on is ignored; the first entry decides which of the three forms is meant; a device named twice leaves none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LEGACY_MIG = re.compile(r"MIG-(GPU-[0-9A-Fa-f-]+)/\d+/\d+")
LEADING_INTEGER = re.compile(r"[+-]?\d+")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The boards that a job may use."""

    uuids: tuple[str, ...]
    """UUIDs of whole boards, in the job's order, each once."""

    mig: bool = False
    """The job was given MIG instances: it owns a part of each board only."""

    ignored: tuple[str, ...] = ()
    """Entries that CUDA ignores: the first invalid one and all that follow it."""


def select(board_uuids: Sequence[str], visible: str | None, mig_parent: Callable[[str], str | None]) -> Selection:
    """Find the boards of a job.

    Args:
        board_uuids: all boards of the node, in the order of their PCI bus ids.
        visible: the value of CUDA_VISIBLE_DEVICES, None where it is not set.
        mig_parent: gives the UUID of the board that holds a MIG instance, None where there is no such instance.
    """
    if visible is None:
        return Selection(uuids=tuple(board_uuids))
    entries = [entry.strip() for entry in visible.split(",")]
    form = _form(entries[0])
    found: list[str] = []
    for position, entry in enumerate(entries):
        uuid = _find(entry, form, board_uuids, mig_parent)
        if uuid is None:
            return Selection(uuids=_once(found), mig=form == "MIG-", ignored=tuple(e for e in entries[position:] if e))
        if entry in entries[:position] or (form != "MIG-" and uuid in found):
            return Selection(uuids=(), ignored=tuple(entries))
        found.append(uuid)
    return Selection(uuids=_once(found), mig=form == "MIG-")


def _form(entry: str) -> str:
    return next((prefix for prefix in ("GPU-", "MIG-") if entry.startswith(prefix)), "index")


def _find(entry: str, form: str, board_uuids: Sequence[str], mig_parent: Callable[[str], str | None]) -> str | None:
    """Return the board that one entry names, None where CUDA takes the entry for invalid."""
    if _form(entry) != form:
        return None
    if form == "GPU-":
        matches = [uuid for uuid in board_uuids if uuid.startswith(entry)]
        return matches[0] if len(matches) == 1 else None
    if form == "MIG-":
        legacy = LEGACY_MIG.fullmatch(entry)
        parent = legacy.group(1) if legacy else mig_parent(entry)
        return parent if parent in board_uuids else None
    leading = LEADING_INTEGER.match(entry)
    index = int(leading.group()) if leading else -1
    return board_uuids[index] if 0 <= index < len(board_uuids) else None


def _once(uuids: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(uuids))

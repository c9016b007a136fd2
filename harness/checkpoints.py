"""From a run or a checkpoint that the user names to a checkpoint that is whole."""

from __future__ import annotations

from pathlib import Path

from harness import eventfile
from harness.errors import ConfigError
from harness.files import sha256
from harness.paths import output_root


def find(named: Path) -> Path:
    """The checkpoint file itself, or the newest one of a run directory whose content has the SHA-256 in the log.

    Raises:
        ConfigError: there is no such run or file, or the run has no whole checkpoint.
    """
    path = named if named.exists() else output_root() / named
    if path.is_file():
        return path.resolve()
    if not path.is_dir():
        raise ConfigError(f"{named}: expected a run directory or a checkpoint file, found nothing — check the path")
    logged = _logged(path / "events" / "rank00000.mllog")
    if not logged:
        raise ConfigError(f"{named}: expected checkpoints in the run's log, found none — name another run")
    problems = []
    for name, digest in reversed(logged):
        candidate = next((file for file in (path / name, path / "checkpoints" / name) if file.is_file()), None)
        if candidate is None:
            problems.append(f"{name} is missing")
        elif sha256(candidate) != digest:
            problems.append(f"{name} is damaged")
        else:
            return candidate.resolve()
    raise ConfigError(f"{named}: expected a whole checkpoint, found: {'; '.join(problems)} — name another run")


def _logged(log: Path) -> list[tuple[str, str]]:
    """Name and SHA-256 of each checkpoint, oldest first."""
    events = [event for event in eventfile.read(log) if event.key == "checkpoint"]
    return [(str(event.value), str(event.metadata.get("sha256"))) for event in events]

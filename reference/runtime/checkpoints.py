"""Checkpoints: NumPy arrays under canonical names and a line of JSON, readable without any framework.

A checkpoint holds `weights/<name>` and the optimiser's state, all in the canonical layout (`initial.py`), so that one
framework continues what the other began. Nothing in it is executed on loading: no pickle.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
import zlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logging_spec.whole import whole_file

from .errors import DataError

State = dict[str, NDArray[Any]]
"""Canonical name → array."""

FORMAT = 1
"""Version of what a checkpoint holds; one of another version is refused rather than guessed at."""

METADATA = "metadata_json"
"""Entry that holds the metadata, as the UTF-8 bytes of a JSON object."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a training is."""

    epoch: int = 1
    """Epoch that the next step belongs to, or that has just ended, from 1."""

    step: int = 0
    """Steps of that epoch that are done."""

    steps_per_epoch: int
    """Steps of a whole epoch."""

    samples: int = 0
    """Samples computed so far, over all ranks."""

    @property
    def steps(self) -> int:
        """Optimiser steps done since the start of training."""
        return (self.epoch - 1) * self.steps_per_epoch + self.step

    @property
    def epoch_is_done(self) -> bool:
        """Whether the epoch has no step left."""
        return self.step == self.steps_per_epoch


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A training at rest."""

    state: State
    """Weights and optimiser state."""

    progress: Progress
    """How far the training was."""

    about: dict[str, Any]
    """Whose checkpoint it is: run_id, benchmark, implementation, seed, hyperparameters."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """A checkpoint on disk."""

    path: Path
    """Its file."""

    sha256: str
    """SHA-256 of the file, in hexadecimal."""


def save(folder: Path, checkpoint: Checkpoint, *, keep: int) -> Written:
    """Write `epoch-%04d.npz` whole, then remove all but the newest `keep` checkpoints.

    Raises:
        OSError: it could not be written; the older checkpoints are still there then.
    """
    path = folder / f"epoch-{checkpoint.progress.epoch:04d}.npz"
    metadata = {"format": FORMAT, "progress": asdict(checkpoint.progress), "about": checkpoint.about}
    encoded = np.frombuffer(json.dumps(metadata, allow_nan=False).encode(), np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        np.savez(file, **checkpoint.state, **{METADATA: encoded})  # type: ignore[arg-type]
    for old in _newest_first(folder)[keep:]:
        old.unlink()
    with path.open("rb") as file:
        return Written(path=path, sha256=hashlib.file_digest(file, "sha256").hexdigest())


def load(path: Path) -> Checkpoint:
    """Read a checkpoint, or the newest valid one of a folder.

    Raises:
        DataError: there is none, or it is no checkpoint; the message says which file and why.
    """
    if not path.is_dir():
        return _load_file(path)
    problems = []
    for candidate in _newest_first(path):
        try:
            return _load_file(candidate)
        except DataError as error:
            sys.stderr.write(f"{error}; trying the one before\n")
            problems.append(candidate.name)
    found = f"only broken ones: {', '.join(problems)}" if problems else "none"
    raise DataError(f"{path}: expected a checkpoint epoch-NNNN.npz, found {found} — check resume_from")


def matched(state: State, template: State) -> State:
    """Return `state` as float32, with zeros for what only `template` has: a state of weights starts a new optimiser.

    Raises:
        DataError: a weight is missing, an entry is unknown, or a shape differs from the template's.
    """
    unknown = sorted(state.keys() - template.keys())
    missing = sorted(name for name in template.keys() - state.keys() if name.startswith("weights/"))
    if unknown or missing:
        raise DataError(
            f"state: expected {len(template)} arrays of this model, found {len(unknown)} unknown {unknown[:3]} and "
            f"{len(missing)} missing {missing[:3]} — use a checkpoint of the same model"
        )
    for name, array in state.items():
        if array.shape != template[name].shape:
            expected, found = template[name].shape, array.shape
            raise DataError(f"state: {name}: expected shape {expected}, found {found} — use a checkpoint of this model")
    return {name: np.asarray(state.get(name, np.zeros_like(like)), np.float32) for name, like in template.items()}


def _load_file(path: Path) -> Checkpoint:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            state = {name: archive[name] for name in archive.files}
        metadata = json.loads(state.pop(METADATA).tobytes())
        version = metadata["format"]
        progress, about = metadata["progress"], metadata["about"]
    except UNREADABLE as error:
        reason = f"{type(error).__name__}: {error}"
        raise DataError(f"{path}: expected a checkpoint, found {reason} — check resume_from") from None
    if version != FORMAT:
        raise DataError(
            f"{path}: format: expected {FORMAT}, found {version!r} — go on with the version of the suite that wrote it"
        )
    for name, array in state.items():
        if array.dtype.kind not in "fiu":
            raise DataError(f"{path}: {name}: expected real numbers, found {array.dtype} — use another checkpoint")
    named = isinstance(about, dict) and isinstance(about.get("run_id"), str)
    if not named or not isinstance(about.get("hyperparameters", {}), dict):
        raise DataError(f"{path}: about: expected whose checkpoint it is, found {about!r:.60} — use another checkpoint")
    return Checkpoint(state=state, progress=_progress(progress, path), about=about)


UNREADABLE = (
    OSError, ValueError, KeyError, TypeError, EOFError, AttributeError, RuntimeError, MemoryError, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip
"""What NumPy, zipfile and json raise of a file that is cut, damaged, encrypted or something else altogether."""


def _progress(found: Any, path: Path) -> Progress:
    """How far a training was, where the numbers can be those of a training.

    Raises:
        DataError: they cannot.
    """
    names = [field.name for field in fields(Progress)]
    sound = isinstance(found, dict) and sorted(found) == sorted(names)
    sound = sound and all(type(number) is int and number >= 0 for number in found.values())
    if not (sound and found["epoch"] >= 1 and 0 < found["steps_per_epoch"] >= found["step"]):
        expected = f"{', '.join(names)} of a training"
        raise DataError(f"{path}: progress: expected {expected}, found {found!r:.120} — use another checkpoint")
    return Progress(**found)


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("epoch-*.npz"), reverse=True)

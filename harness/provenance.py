"""What code, in what surroundings: facts for launch.json and the log."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from importlib import metadata

from harness import process
from harness.errors import RunFailed
from harness.paths import ROOT

PACKAGES = ("sciml-bench", "tensorflow-cpu", "tensorflow", "torch", "horovod", "mpi4py", "openmpi", "numpy", "h5py")

STATED_COMMIT = "SCIML_BENCH_COMMIT"


@dataclass(frozen=True, kw_only=True)
class Commit:
    """State of the checkout."""

    commit: str | None
    """Hash of the commit; None with a reason."""

    dirty: bool | None
    """Whether files differ from the commit; None where that is not known."""

    reason: str | None = None
    """Why the commit is not known."""


def commit() -> Commit:
    """Ask git. The images of containers/ hold no `.git`: they state HASH or HASH-dirty in `SCIML_BENCH_COMMIT`."""
    stated = os.environ.get(STATED_COMMIT)
    if not (ROOT / ".git").exists():
        if stated:
            return Commit(commit=stated.removesuffix("-dirty"), dirty=stated.endswith("-dirty"))
        return Commit(commit=None, dirty=None, reason="not a git checkout")
    try:
        head = _git("rev-parse", "HEAD")
        state = _git("status", "--porcelain", "--untracked-files=normal")
    except RunFailed as error:
        return Commit(commit=None, dirty=None, reason=str(error)[:200])
    return Commit(commit=head, dirty=bool(state))


def surroundings() -> dict[str, object]:
    """Versions, container and batch job."""
    return {
        "python": platform.python_version(),
        "python_program": sys.executable,
        "platform": platform.platform(),
        "packages": {name: version for name in PACKAGES if (version := _version(name)) is not None},
        "container": _container(),
        "modules": os.environ.get("LOADEDMODULES") or None,
        "slurm_job": os.environ.get("SLURM_JOB_ID"),
    }


def _container() -> dict[str, str | None] | None:
    for variable, kind in (("APPTAINER_CONTAINER", "apptainer"), ("SINGULARITY_CONTAINER", "singularity")):
        if variable in os.environ:
            return {"kind": kind, "image": os.environ[variable], "digest": os.environ.get("SCIML_BENCH_IMAGE_DIGEST")}
    if os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv"):
        return {"kind": "oci", "image": None, "digest": os.environ.get("SCIML_BENCH_IMAGE_DIGEST")}
    return None


def _git(*arguments: str) -> str:
    done = process.run(["git", "-C", str(ROOT), *arguments], timeout_s=30)
    if done.returncode != 0:
        raise RunFailed(" ".join(done.stderr.split()) or f"git ended with {done.returncode}")
    return done.stdout.strip()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None

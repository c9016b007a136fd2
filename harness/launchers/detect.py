"""Which launcher is here: found on the disk, asked for its version, never guessed."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from harness import process
from harness.errors import ConfigError, RunFailed


@dataclass(frozen=True, kw_only=True)
class Launcher:
    """A launcher that was found."""

    family: str
    """local, openmpi, mpich or srun."""

    program: str
    """Its path; empty for local."""

    version: tuple[int, ...] = ()
    """Its version; empty where it has none."""

    @property
    def version_text(self) -> str:
        """The version with dots."""
        return ".".join(map(str, self.version))


LOCAL = Launcher(family="local", program="")
_OPEN_MPI = re.compile(r"\(Open MPI\) (\d+)\.(\d+)\.(\d+)")
_HYDRA = re.compile(r"Version:\s+(\d+)\.(\d+)(?:\.(\d+))?")
_INTEL = re.compile(r"Intel\(R\) MPI Library.* Version (\d+)\.(\d+)")


def parse_version(text: str) -> tuple[str, tuple[int, ...]] | None:
    """Family and version from what `mpirun --version` prints; None where it is none that we know."""
    for family, pattern in (("openmpi", _OPEN_MPI), ("mpich", _INTEL), ("mpich", _HYDRA)):
        match = pattern.search(text)
        if match:
            return family, tuple(int(number) for number in match.groups() if number is not None)
    return None


def find_mpirun() -> Launcher | None:
    """The environment's own mpirun, which Horovod was then built against, else the one on PATH.

    Raises:
        RunFailed: it is there and does not answer.
    """
    own = Path(sys.executable).with_name("mpirun")
    program = str(own) if own.exists() else shutil.which("mpirun") or shutil.which("mpiexec")
    if program is None:
        return None
    answer = process.run([program, "--version"], timeout_s=30)
    known = parse_version(answer.stdout + answer.stderr)
    first = (answer.stdout + answer.stderr).strip().splitlines()[:1]
    if known is None and answer.returncode != 0:
        raise RunFailed(
            f"{program}: expected an answer to --version, found exit code {answer.returncode}: "
            f"{' '.join(first) or 'it said nothing'} — put right what it names, or put another mpirun first on PATH"
        )
    if known is None:
        raise RunFailed(
            f"{program}: expected Open MPI, MPICH or Intel MPI, found {' '.join(first) or 'no answer to --version'} — "
            "put another mpirun first on PATH"
        )
    return Launcher(family=known[0], program=program, version=known[1])


def choose(wanted: str, *, ranks: int, several_hosts: bool) -> Launcher:
    """The launcher for a run; `auto` needs none for one rank on this machine.

    Raises:
        ConfigError: the wanted launcher is not here, or cannot do it.
        RunFailed: mpirun is there and does not answer.
    """
    if wanted == "local" and (ranks > 1 or several_hosts):
        raise ConfigError(f"--launcher local: expected one rank on this machine, found {ranks} — use openmpi or auto")
    if wanted == "local" or (wanted == "auto" and ranks == 1 and not several_hosts):
        return LOCAL
    if wanted == "srun":
        program = shutil.which("srun")
        if program is None:
            raise ConfigError("--launcher srun: expected srun on PATH, found none — run inside a Slurm allocation")
        return Launcher(family="srun", program=program)
    found = find_mpirun()
    if found is None:
        raise ConfigError("--launcher: expected mpirun on PATH, found none — install Open MPI, or run with --np 1")
    if wanted not in ("auto", found.family):
        raise ConfigError(
            f"--launcher {wanted}: expected {wanted}, found {found.family} {found.version_text} at {found.program} — "
            "put the other mpirun first on PATH"
        )
    return found

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make requirements/*.lock from requirements/*.in (`make lock`).

Five locks, each a list of exact versions with the SHA-256 of every file that may be installed for them:

    runtime.lock   what a run needs, with torch's CPU build and PyPI's build both accepted
    cuda.lock      what PyPI's CUDA build of torch needs on top; nothing of it is wanted by the CPU build
    mpi.lock       Open MPI as a wheel, for machines without an MPI
    dev.lock       what the tests and checks need on top of runtime.lock
    oracles.lock   an environment of its own for independent physics codes (`make oracles`)

PyTorch publishes its CPU build under the same version with the local label `+cpu`, on its own index. So the runtime
list is resolved twice: with the CPU build in sight (pip's find-links and PyTorch's public index), and with PyPI alone.
The first resolution is the lock; torch's hashes are those of both; what only the second one needs is cuda.lock.

uv does the resolving. It is installed into a temporary environment and removed again.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import venv
from dataclasses import dataclass
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"
UV = "uv==0.13.9"
PYTHON_VERSION = "3.11"
PLATFORM = "x86_64-manylinux_2_28"
PYPI = "https://pypi.org/simple"
PYTORCH_CPU = "https://download.pytorch.org/whl/cpu"

SOURCES_ONLY = ("jsonpath-rw",)
"""Packages without a wheel, in plain Python, that the validator of Croissant needs; tools/setup names them too."""

Locked = dict[str, "Pin"]


@dataclass(frozen=True, kw_only=True)
class Pin:
    """One line of a lock."""

    version: str
    """Exact version; a local label such as `+cpu` is kept."""

    hashes: frozenset[str]
    """SHA-256 digests of every file that may be installed for it, in hexadecimal."""


def read_lock(text: str) -> Locked:
    """Parse the text of a lock file, ours or uv's, into a pin for each package."""
    pins: Locked = {}
    for entry in re.split(r"\n(?=\S)", text.replace("\\\n", " ")):
        if match := re.match(r"([a-z0-9-]+)==(\S+)(.*)", entry, re.DOTALL):
            name, version, rest = match.groups()
            pins[name] = Pin(version=version, hashes=frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})", rest)))
    return pins


def format_lock(pins: Locked, purpose: str) -> str:
    """Write pins as a lock file that pip reads with --require-hashes."""
    lines = [
        f"# {purpose}",
        f"# Made by tools/lock.py (`make lock`) for Python {PYTHON_VERSION} on {PLATFORM}; do not edit.",
    ]
    for name, pin in sorted(pins.items()):
        lines.append(f"{name}=={pin.version} \\")
        lines.append(" \\\n".join(f"    --hash=sha256:{digest}" for digest in sorted(pin.hashes)))
    return "\n".join(lines) + "\n"


def accept_both_builds(cpu: Locked, pypi: Locked) -> Locked:
    """Return the CPU resolution with torch spelled so that the CPU build and PyPI's build both match.

    Raises SystemExit where the two resolutions are not one version, or the CPU build was not found.
    """
    local, plain = cpu["torch"], pypi["torch"]
    if local.version != f"{plain.version}+cpu":
        raise SystemExit(
            f"tools/lock.py: torch: expected {plain.version}+cpu beside PyPI's {plain.version}, found {local.version}"
            f" — make {PYTORCH_CPU} reachable, or name a folder that holds the CPU wheel in PIP_FIND_LINKS"
        )
    return cpu | {"torch": Pin(version=plain.version, hashes=local.hashes | plain.hashes)}


def without(pins: Locked, others: Locked) -> Locked:
    """Return those pins whose package is not among the others."""
    return {name: pin for name, pin in pins.items() if name not in others}


def reachable(url: str) -> bool:
    """Ask whether an index answers within five seconds."""
    try:
        with urllib.request.urlopen(f"{url}/torch/", timeout=5):  # noqa: S310 - one of the two https addresses above
            return True
    except (urllib.error.URLError, TimeoutError):
        return False


def cpu_sources() -> list[str]:
    """Name the places where the CPU build may lie: pip's find-links, and PyTorch's index where it answers."""
    configured = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    ).stdout
    places = re.findall(r"find-links='([^']*)'", configured)
    options = [f"--find-links={place}" for line in places for place in line.split()]
    return [*options, f"--extra-index-url={PYTORCH_CPU}"] if reachable(PYTORCH_CPU) else options


def resolve(uv: Path, source: str, *options: str, constraint: Path | None = None) -> Locked:
    """Resolve one .in file against PyPI and whatever the options add; uv's own words go to the terminal."""
    command = [str(uv), "pip", "compile", "--no-config", "--quiet", "--upgrade", "--generate-hashes"]
    command += [
        "--only-binary=:all:",
        *(f"--no-binary={name}" for name in SOURCES_ONLY),
        "--index-strategy=unsafe-best-match",
    ]
    command += [
        f"--default-index={PYPI}",
        f"--python-version={PYTHON_VERSION}",
        f"--python-platform={PLATFORM}",
        *options,
    ]
    command += [f"--constraint={constraint}"] if constraint else []
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    found = subprocess.run(
        [*command, str(REQUIREMENTS / source)], check=True, stdout=subprocess.PIPE, text=True, env=environment
    )
    return read_lock(found.stdout)


def write(name: str, pins: Locked, purpose: str) -> None:
    """Write one lock file whole, and say so."""
    path = REQUIREMENTS / name
    temporary = path.with_suffix(".tmp")
    temporary.write_text(format_lock(pins, purpose), encoding="utf-8")
    temporary.replace(path)
    sys.stdout.write(f"requirements/{name}: {len(pins)} packages\n")


def lock_all(uv: Path, scratch: Path) -> None:
    """Resolve every list, and write the five locks."""
    cpu = resolve(uv, "runtime.in", *cpu_sources())
    versions = scratch / "versions.txt"
    versions.write_text("".join(f"{n}=={p.version}\n" for n, p in without(cpu, {"torch": cpu["torch"]}).items()))
    pypi = resolve(uv, "runtime.in", constraint=versions)
    runtime = accept_both_builds(cpu, pypi)
    mpi = resolve(uv, "mpi.in", constraint=versions)
    dev = resolve(uv, "dev.in", constraint=versions)
    oracles = resolve(uv, "oracles.in", constraint=versions)
    write("runtime.lock", runtime, "What a run needs; torch may be the CPU build or PyPI's.")
    write("cuda.lock", without(pypi, runtime), "What PyPI's CUDA build of torch needs on top of runtime.lock.")
    write("mpi.lock", mpi, "Open MPI as a wheel, for a machine that has no MPI of its own.")
    write("dev.lock", without(dev, runtime), "What the tests and the checks need on top of runtime.lock.")
    write("oracles.lock", oracles, "Independent codes that the simulators and the converter are held against.")


def main() -> None:
    """Make a throw-away environment with uv, and lock with it."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    ).parse_args()
    with tempfile.TemporaryDirectory(prefix="sciml-bench-lock-") as folder:
        scratch = Path(folder)
        venv.create(scratch / "uv", with_pip=True)
        binaries = scratch / "uv" / "bin"
        subprocess.run([str(binaries / "python"), "-m", "pip", "install", "--quiet", UV], check=True)
        lock_all(binaries / "uv", scratch)


if __name__ == "__main__":
    main()

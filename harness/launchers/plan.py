"""What is to be launched, and the hosts that it is launched on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ConfigError

_HOST = re.compile(r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)(?::(?P<slots>[1-9][0-9]{0,5}))?")
_HOSTFILE_LINE = re.compile(r"(?P<name>\S+)(?:\s+slots\s*=\s*(?P<slots>[1-9][0-9]{0,5}))?")


@dataclass(frozen=True, kw_only=True)
class Host:
    """A machine and how many ranks it takes."""

    name: str
    """Host name or address."""

    slots: int
    """Ranks."""


@dataclass(frozen=True, kw_only=True)
class LaunchPlan:
    """All that a launcher's command line depends on."""

    argv: tuple[str, ...]
    """Program of each rank."""

    ranks: int
    """Number of ranks."""

    mpirun: str = "mpirun"
    """The launcher's program."""

    version: tuple[int, ...] = ()
    """Its version, where the dialect depends on it."""

    hosts: tuple[Host, ...] = ()
    """Machines; none means this one."""

    forward: tuple[str, ...] = ()
    """Environment variables that reach ranks on other machines."""


def parse_hosts(text: str) -> tuple[Host, ...]:
    """Read `a:2,b:2`; a host without a number takes one rank.

    Raises:
        ConfigError: an entry is not a host name, or a name comes twice.
    """
    return _unique([_host(entry.strip(), "--hosts") for entry in text.split(",")], "--hosts")


def parse_hostfile(path: Path) -> tuple[Host, ...]:
    """Read lines of `name slots=N`; `#` starts a comment.

    Raises:
        ConfigError: it cannot be read, or a line is something else.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--hostfile {path}: {error}") from None
    hosts = []
    for number, line in enumerate(lines, start=1):
        entry = line.partition("#")[0].strip()
        if not entry:
            continue
        match = _HOSTFILE_LINE.fullmatch(entry)
        if match is None:
            raise ConfigError(f"{path}:{number}: expected NAME slots=N, found {entry!r} — one host on a line")
        hosts.append(_host(f"{match['name']}:{match['slots'] or 1}", f"{path}:{number}"))
    if not hosts:
        raise ConfigError(f"{path}: expected at least one host, found none — write lines of NAME slots=N")
    return _unique(hosts, str(path))


def ranks_per_node(plan_hosts: tuple[Host, ...], ranks: int) -> int:
    """Most ranks that any one machine gets: hosts are filled in their order."""
    return min(ranks, max((host.slots for host in plan_hosts), default=ranks))


def nodes_used(plan_hosts: tuple[Host, ...], ranks: int) -> int:
    """Machines that get at least one rank."""
    placed = used = 0
    for host in plan_hosts:
        if placed < ranks:
            placed, used = placed + host.slots, used + 1
    return max(1, used)


def slots(hosts: tuple[Host, ...]) -> str:
    """Hosts as Open MPI and Hydra write them: `a:2,b:2`."""
    return ",".join(f"{host.name}:{host.slots}" for host in hosts)


def _host(entry: str, where: str) -> Host:
    match = _HOST.fullmatch(entry)
    if match is None:
        raise ConfigError(f"{where}: expected NAME or NAME:RANKS, found {entry!r} — for instance --hosts a:2,b:2")
    return Host(name=match["name"], slots=int(match["slots"] or 1))


def _unique(hosts: list[Host], where: str) -> tuple[Host, ...]:
    names = [host.name for host in hosts]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"{where}: expected each host once, found {', '.join(twice)} twice — add their ranks up")
    return tuple(hosts)

"""Which places to ask for a data set, and in which order: the list in mirrors.json, or what the command line says."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jsonschema

from datasets.common.failures import UsageError, one_line
from datasets.common.published import Published
from datasets.sources.source import Source

HERE = Path(__file__).parent
LIST = "SCIML_BENCH_MIRRORS"
"""Variable that names another list than mirrors.json."""

KINDS = ("s3", "rsync", "http")
PLACE = "{name}"
"""Stands for the name of a set in an address, so that one address serves several sets."""

_WEB = re.compile(r"(s3\+)?(https?)://(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """A place that holds published sets."""

    name: str
    """Name on the command line."""

    kind: str
    """s3, rsync or http."""

    address: str
    """Endpoint of the store, `host:folder`, or web address."""

    title: str
    """For people."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the command line says about sources."""

    source: str | None = None
    """A kind, or the address of the folder of a set; without it rsync where a user is named, else s3."""

    mirrors: tuple[str, ...] = ()
    """Names of the list or addresses, to be asked in this order; without any, all of the kind."""

    user: str | None = None
    """Account for rsync over ssh."""

    jobs: int = 4
    """Files at once."""

    @property
    def kind(self) -> str:
        """Kind of the mirrors to be asked, where no address is named."""
        return self.source or ("rsync" if self.user else "s3")


def read_mirrors() -> list[Mirror]:
    """Return the list of this installation.

    Raises:
        UsageError: the variable names no list.
    """
    path = Path(os.environ.get(LIST) or HERE / "mirrors.json")
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{LIST}={path}: expected a list of mirrors in JSON, found: {error}") from None
    schema = json.loads((HERE / "mirrors.schema.json").read_text(encoding="utf-8"))
    wrong = list(jsonschema.Draft202012Validator(schema).iter_errors(stated))
    if wrong:
        raise UsageError("\n".join(f"{path}: {error.json_path}: {error.message}" for error in wrong))
    return [Mirror(**entry) for entry in stated["mirrors"]]


def addresses(name: str, published: Published, choice: Choice) -> list[tuple[str, str, str]]:
    """Return kind, address and location of every source of a set, the first one to be asked first.

    Raises:
        UsageError: nothing holds it, a mirror is unknown, or an account is missing.
    """
    if choice.source is not None and choice.source not in KINDS:
        if choice.mirrors:
            found = one_line(choice.mirrors[0])
            raise UsageError(f"--mirror: expected none beside an address as --source, found {found}")
        return [_of_address(choice.source.replace(PLACE, name), choice)]
    location = published.locations.get(choice.kind)
    if location is None:
        raise UsageError(f"{name}: expected a place at mirrors of kind {choice.kind}, found none — name a --source")
    found = [(choice.kind, address, location) for address in _chosen(choice)]
    return [_with_user(*place, choice) for place in found]


def _chosen(choice: Choice) -> list[str]:
    listed = {mirror.name: mirror for mirror in read_mirrors() if mirror.kind == choice.kind}
    if not listed and not choice.mirrors:
        raise UsageError(
            f"--source {choice.kind}: expected a mirror of this kind in the list, found none — name a --mirror"
        )
    chosen = []
    for name in choice.mirrors or listed:
        if name not in listed and ":" not in name:
            known = ", ".join(listed) or "none"
            raise UsageError(f"--mirror {name}: expected an address or one of kind {choice.kind}: {known}")
        chosen.append(listed[name].address if name in listed else name)
    return chosen


def _of_address(address: str, choice: Choice) -> tuple[str, str, str]:
    if (web := _WEB.fullmatch(address)) is not None:
        store, scheme, rest = web[1], web[2].lower(), web[3]
        if not store:
            return "http", f"{scheme}://{rest}", ""
        host, _, location = rest.partition("/")
        return "s3", f"{scheme}://{host}", location
    if ":" in address and not address.startswith("s3://"):
        return _with_user("rsync", address, "", choice)
    raise UsageError(
        f"--source {address}: expected {', '.join(KINDS)}, a web address, s3+https://STORE/BUCKET/FOLDER, "
        "rsync://HOST/MODULE or HOST:FOLDER, found none of these"
    )


def _with_user(kind: str, address: str, location: str, choice: Choice) -> tuple[str, str, str]:
    if kind != "rsync" or address.startswith("rsync://") or "@" in address:
        return kind, address, location
    if choice.user is None:
        raise UsageError(f"{address}: expected an account for rsync over ssh, found none — name it with --user")
    return kind, f"{choice.user}@{address}", location


def sources(name: str, published: Published, choice: Choice) -> list[Source]:
    """Return the sources of a set, the first one to be asked first.

    Raises:
        UsageError: the choice makes no sense.
    """
    return [
        _source(kind, address, location, choice.jobs) for kind, address, location in addresses(name, published, choice)
    ]


def _source(kind: str, address: str, location: str, jobs: int) -> Source:
    """Make a source; its library is loaded only now.

    Raises:
        UsageError: the address is none of this kind. What is said of it has no account and no token.
    """
    try:
        if kind == "s3":
            _require_nobody(address, location)
            from datasets.sources.s3 import S3

            return S3(address, location, connections=jobs)
        folder = _joined(address, location)
        if kind == "rsync":
            _require_no_word(address)
            from datasets.sources.rsync import Rsync

            return Rsync(folder)
        from datasets.sources.http import Web

        return Web(folder)
    except ImportError as error:
        raise UsageError(f"{error}: expected boto3 for stores of kind s3 — pip install boto3") from None
    except ValueError as error:
        what = "a store" if kind == "s3" else "a folder"
        raise UsageError(one_line(f"{address}: expected the address of {what}, found: {error}")) from None


def _require_nobody(address: str, location: str) -> None:
    """Raise ValueError where the address of a store names an account, a token, or no bucket."""
    if "@" in address.partition("://")[2]:
        raise ValueError("an account in it, and stores are asked without one")
    if "?" in address + location:
        raise ValueError("a question mark in it, and stores are asked without a token")
    if not location.strip("/"):
        raise ValueError("no bucket — s3+https://STORE/BUCKET/FOLDER names it")


def _require_no_word(address: str) -> None:
    """Raise ValueError where the address of a daemon holds a password, which rsync takes for a part of the host."""
    account, at, _ = address.removeprefix("rsync://").rpartition("@")
    if address.startswith("rsync://") and at and ":" in account:
        raise ValueError("a password in it — rsync takes it from the variable RSYNC_PASSWORD")


def _joined(address: str, location: str) -> str:
    """Return the address of a folder within another; a token keeps its place at the end."""
    if not location:
        return address
    folder, mark, token = address.partition("?")
    return f"{folder.rstrip('/')}/{location}{mark}{token}"


def commands(name: str, published: Published, target: Path, choice: Choice) -> Sequence[list[str]]:
    """Return the commands of other programs that bring the same files, without the checks of this one.

    Raises:
        UsageError: the choice makes no sense.
    """
    return [_command(*place, str(target)) for place in addresses(name, published, choice)]


def _command(kind: str, address: str, location: str, target: str) -> list[str]:
    if kind == "s3":
        return ["aws", "s3", "--no-sign-request", "--endpoint-url", address, "sync", f"s3://{location}", target]
    folder = _joined(address, location)
    if kind == "rsync":
        return ["rsync", "-a", "--partial", "--info=progress2", "-e", "ssh -o BatchMode=yes", f"{folder}/", target]
    return ["wget", "--recursive", "--no-parent", "--continue", "--no-host-directories", "-P", target, f"{folder}/"]

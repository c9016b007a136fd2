"""What a package holds, as far as the checks have to know it: facts of each file, gathered while it is read once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from compliance.chain import WatchedStream
from compliance.finding import Finding
from compliance.judge import Judgement, judge_stream
from compliance.package import manifest, minisign, power, system
from compliance.package.archive import Member, too_large
from compliance.package.layout import Place
from compliance.package.logfacts import LogFacts
from compliance.package.power import PowerLog
from compliance.package.rules import PackageRules
from compliance.rules import Ruleset

OF_EVERY_LOG = frozenset(
    {"submission_benchmark", "accelerators_per_node", "run_id", "seed", "run_start", "run_stop", "log_seal"}
)
"""Keys that the checks look at whatever the rule set compares within a set."""

Findings = list[tuple[str, Finding]]
"""Findings with the names of the files that they are about."""


@dataclass(frozen=True, kw_only=True)
class Log:
    """A log of the package."""

    name: str
    """Its name."""

    place: Place
    """Where it stands."""

    judgement: Judgement
    """What the rules of logs say of it."""

    facts: LogFacts
    """First event of each key that is compared."""


@dataclass(kw_only=True)
class Contents:
    """The files of a package."""

    places: dict[str, Place] = field(default_factory=dict)
    """Each file that has a place."""

    others: list[str] = field(default_factory=list)
    """Files that have none."""

    digests: dict[str, str] = field(default_factory=dict)
    """SHA-256 of each file."""

    sizes: dict[str, int] = field(default_factory=dict)
    """Bytes of each file."""

    heads: dict[str, bytes] = field(default_factory=dict)
    """First bytes of each file."""

    logs: list[Log] = field(default_factory=list)
    """Logs."""

    systems: dict[str, dict[str, Any]] = field(default_factory=dict)
    """System descriptions, by file."""

    powers: dict[str, PowerLog] = field(default_factory=dict)
    """Power logs of nodes, by file."""

    manifests: dict[str, bytes] = field(default_factory=dict)
    """Manifests as they are, by file."""

    listed: dict[str, dict[str, str]] = field(default_factory=dict)
    """What each manifest lists."""

    signatures: dict[str, minisign.Signature] = field(default_factory=dict)
    """Signatures that have the form of one, by file."""

    def of_kind(self, kind: str) -> dict[str, Place]:
        """Return the files of a kind."""
        return {name: place for name, place in self.places.items() if place.kind == kind}

    def sets(self) -> dict[tuple[str, str, str], list[Log]]:
        """Return the logs of each set of runs, in the order of their numbers."""
        found: dict[tuple[str, str, str], list[Log]] = {}
        for log in sorted(self.logs, key=lambda log: log.place.run):
            found.setdefault((log.place.org, log.place.system, log.place.benchmark), []).append(log)
        return found


class Collector:
    """Reads each member by what it is, and keeps its facts."""

    def __init__(self, rules: Ruleset, package: PackageRules) -> None:
        self.contents = Contents()
        self.findings: Findings = []
        self._rules = rules
        self._package = package
        self._keys = OF_EVERY_LOG | frozenset(package.same_in_a_set)
        self._readers: dict[str, Callable[[Member, Place], None]] = {
            "result": self._read_log,
            "system": self._read_system,
            "power": self._read_power,
            "manifest": self._read_manifest,
            "signature": self._read_signature,
        }

    def take(self, member: Member) -> None:
        """Read a member to its end.

        Raises:
            UnreadableError: the archive is damaged, or holds more than it may.
        """
        place = self._package.layout.place_of(member.name)
        if place is None:
            self.contents.others.append(member.name)
        else:
            self.contents.places[member.name] = place
            if reader := self._readers.get(place.kind):
                reader(member, place)
        member.drain()
        self.contents.digests[member.name] = member.sha256
        self.contents.sizes[member.name] = member.size
        self.contents.heads[member.name] = member.head

    def _read_log(self, member: Member, place: Place) -> None:
        facts = LogFacts(self._keys)
        stream = cast(BinaryIO, WatchedStream(member, facts))
        judgement = judge_stream(stream, member.name, self._rules)
        self.contents.logs.append(Log(name=member.name, place=place, judgement=judgement, facts=facts))

    def _read_system(self, member: Member, _place: Place) -> None:
        content = self._document(member)
        if content is not None:
            document, findings = system.read(content)
            self.findings += ((member.name, finding) for finding in findings)
            if document is not None:
                self.contents.systems[member.name] = document

    def _read_power(self, member: Member, _place: Place) -> None:
        log = power.read(member, self._package.power["at_most_w"])
        self.contents.powers[member.name] = log
        self.findings += ((member.name, finding) for finding in log.findings)

    def _read_manifest(self, member: Member, _place: Place) -> None:
        content = self._document(member)
        if content is not None:
            entries, findings = manifest.read(content)
            self.contents.manifests[member.name] = content
            self.contents.listed[member.name] = entries
            self.findings += ((member.name, finding) for finding in findings)

    def _read_signature(self, member: Member, _place: Place) -> None:
        content = self._document(member)
        if content is None:
            return
        try:
            self.contents.signatures[member.name] = minisign.read_signature(content)
        except minisign.SignatureError as error:
            self.findings.append((member.name, unfit_signature(error)))

    def _document(self, member: Member) -> bytes | None:
        limit = self._package.limits["document_bytes"]
        content = member.whole(limit)
        if content is None:
            self.findings.append((member.name, too_large("size", f"at most {limit} bytes", "more")))
        return content


def unfit_signature(error: minisign.SignatureError) -> Finding:
    """Return the finding on a signature that is none, or does not fit."""
    expected, _, found = str(error).removeprefix("expected ").partition(", found ")
    advice = "ask who signed it for the key, and for the package as it was"
    return Finding(rule="sciml-package-028", line=1, where="signature", expected=expected, found=found, advice=advice)

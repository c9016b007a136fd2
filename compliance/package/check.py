"""Judge a package: read it once, hold each file and then the whole to the rules, and gather what was found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from compliance import facts
from compliance.finding import Finding
from compliance.judge import Judge, Judgement
from compliance.package import checks, minisign
from compliance.package import rules as package_rules
from compliance.package.archive import UnreadableError, members
from compliance.package.contents import Collector, Findings
from compliance.rules import Ruleset

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".zip")
MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
TAR_MAGIC = slice(257, 262)
PARTS = ("systems", "results", "MANIFEST.sha256")
"""What the folder of an organisation holds, and a run directory does not."""


def is_package(path: Path) -> bool:
    """Say whether a path is a package rather than a log or a run directory: by what is there, then by its name."""
    if path.is_dir():
        return _is_organisation(path) or any(_is_organisation(inside) for inside in path.iterdir() if inside.is_dir())
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError:
        return False
    return head[:4] in MAGIC or head[TAR_MAGIC] == b"ustar" or path.name.lower().endswith(SUFFIXES)


def _is_organisation(folder: Path) -> bool:
    return sum((folder / part).exists() for part in PARTS) >= 2


def check_package(
    path: Path, rules: Ruleset, public_key: minisign.PublicKey | None = None, *, name: str | None = None
) -> list[Judgement]:
    """Judge a package.

    Args:
        path: a folder, a tar, a tar.gz or a zip.
        rules: the rule set of its logs, which has package rules too.
        public_key: whose signature it has to have; None where any will do.
        name: what it is called in messages; its path where None.

    Returns:
        A judgement for each log, for each other file that something is wrong with, and for the package itself.

    Raises:
        RulesetError: the rule set has no package rules.
    """
    package = package_rules.load(rules.name)
    collector = Collector(rules, package)
    found = collector.findings
    replaced: dict[str, Finding] = {}
    try:
        for member in members(path, package, found):
            collector.take(member)
    except UnreadableError as error:
        found.append((checks.PACKAGE, error.finding))  # what the rest would have held is not known
    else:
        contents = collector.contents
        for check in checks.CHECKS:
            found += check(contents, package)
        found += checks.check_signature(contents, package, public_key)
        errors = frozenset(rule for rule, entry in rules.rules.items() if entry.severity == "error")
        replaced = checks.tolerated(contents, package, errors)
    return _judgements(name or str(path), collector, found, replaced, rules, package.unconverged_rules)


def _judgements(
    name: str,
    collector: Collector,
    found: Findings,
    replaced: dict[str, Finding],
    rules: Ruleset,
    tolerated_rules: frozenset[str],
) -> list[Judgement]:
    by_file: dict[str, list[Finding]] = {checks.PACKAGE: []}
    for file, finding in found:
        by_file.setdefault(file, []).append(finding)
    judged = []
    for log in collector.contents.logs:
        more = by_file.pop(log.name, [])
        own = list(log.judgement.findings)
        if log.name in replaced:
            own = [finding for finding in own if finding.rule not in tolerated_rules] + [replaced[log.name]]
        judged.append(replace(log.judgement, file=_inside(name, log.name), findings=_sorted([*own, *more])))
    nothing = facts.summarise(Judge(rules).story)
    for file, findings in by_file.items():
        judged.append(
            Judgement(
                file=_inside(name, file),
                sha256=collector.contents.digests.get(file),
                lines=0,
                events=0,
                summary=nothing,
                findings=_sorted(findings),
                is_log=False,
            )
        )
    return judged


def _inside(name: str, file: str) -> str:
    return f"{name}/{file}" if file else name


def _sorted(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: finding.line))

# SPDX-License-Identifier: MIT
"""Say which rules the golden logs exercise: `python tools/rule_coverage.py [--missing]`.

A rule is exercised where some golden log breaks it and the checker says so, and has a near miss where a valid log that
is named after it comes close. Every rule of every rule set is listed with how many logs break it and come near it.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from compliance import rules as rule_sets  # noqa: E402 - the checkout has to be on the path first
from compliance.benchmarks import collect  # noqa: E402
from compliance.convergence import points  # noqa: E402
from compliance.judge import judge  # noqa: E402
from compliance.rules import Ruleset  # noqa: E402
from compliance.score.score import score  # noqa: E402
from compliance.seeds import with_shared_seeds  # noqa: E402
from compliance.sets.grouping import sets  # noqa: E402
from compliance.sets.members import members  # noqa: E402
from compliance.sets.run import read_run  # noqa: E402

GOLDEN = ROOT / "tests" / "golden"
SHARED = {"file-006": GOLDEN / "invalid" / "file-006-zstandard.mllog.zst"}
"""Logs that break a rule of every rule set: a log is expanded before any of them is asked."""

REFERENCE = GOLDEN / "sets" / "rcp.json"
"""What the golden sets of runs are held against."""

ENDINGS = (".mllog", ".mllog.gz", ".mllog.zst")


@dataclass(frozen=True, kw_only=True)
class Covered:
    """How one rule is exercised."""

    rule: str
    """Its id."""

    broken_in: int
    """Golden logs, and sets of logs, of the folder `invalid` that the checker finds to break it."""

    near_in: int
    """Valid golden logs, and sets of logs, that are named after it."""


def folder_of(ruleset: str) -> Path:
    """Return the folder with the golden logs of a rule set: its own, or that of all."""
    own = GOLDEN / ruleset
    return own if own.is_dir() else GOLDEN


def logs_in(folder: Path) -> list[Path]:
    """Return the logs and run directories of a folder."""
    return sorted(path for path in folder.iterdir() if path.is_dir() or path.name.endswith(ENDINGS))


def covered(ruleset: str) -> Iterator[Covered]:
    """Judge the golden logs of a rule set, and count for each of its rules; the same log counts once."""
    rules, folder = rule_sets.load(ruleset), folder_of(ruleset)
    broken = Counter(rule for path in logs_in(folder / "invalid") for rule in broken_by(path, ruleset, rules))
    for fault, path in SHARED.items():
        rule = f"{rules.prefix}{fault}"
        if not broken[rule] and rule in broken_by(path, ruleset, rules):
            broken[rule] += 1
    broken += Counter(rule for rule in rules.rules for text in packages() if f" {rule} " in text)
    broken += Counter(rule for path in sets_in(folder / "sets" / "invalid") for rule in broken_by_set(path, rules))
    valid = [*logs_in(folder / "valid"), *sets_in(folder / "sets" / "valid")]
    near = Counter("-".join(path.name.split("-")[1:3]) for path in valid if "near-" in path.name)
    for rule in rules.rules:
        yield Covered(rule=rule, broken_in=broken[rule], near_in=near[rule.removeprefix(rules.prefix).split(".")[0]])


def broken_by(path: Path, ruleset: str, rules: Ruleset) -> set[str]:
    """Return the rules that the checker finds broken; a benchmark.json beside the log is heeded."""
    beside = path.with_suffix(".benchmark.json")
    if beside.is_file():
        rules = rule_sets.load(ruleset, [collect([beside])])
    return {finding.rule for finding in judge(path, rules).findings}


def packages() -> list[str]:
    """Return what the checker says of each package that breaks a rule, as test_package_rules.py holds it to."""
    return [path.read_text(encoding="utf-8") for path in sorted((GOLDEN / "packages").glob("*.expected.txt"))]


def sets_in(folder: Path) -> list[Path]:
    """Return the sets of runs of a folder; none where there is no such folder."""
    return sorted(path for path in folder.glob("*/"))


def broken_by_set(folder: Path, rules: Ruleset) -> set[str]:
    """Return the rules that a set of three runs breaks, held against the reference of the golden sets."""
    (found,) = sets(read_run(member, rules) for member in members(folder))
    alone = [member.judge(rules) for member in members(folder)]
    shared = {finding.rule for judged in with_shared_seeds(alone, rules) for finding in judged.findings}
    own = {finding.rule for judged in alone for finding in judged.findings}
    scored = {finding.rule for finding in score(found, points.read([REFERENCE]), rules, needed=3).findings}
    return scored | (shared - own)


def table(found: list[Covered], name: str) -> str:
    """Return the table of a rule set, and the line that sums up."""
    exercised = sum(rule.broken_in > 0 for rule in found)
    lines = [f"{rule.rule:24} {rule.broken_in:6} {rule.near_in:5}" for rule in found]
    share = f"{name}: {exercised} of {len(found)} rules are exercised, {100 * exercised / len(found):.0f} %"
    return "\n".join([f"{'rule':24} {'broken':>6} {'near':>5}", *lines, share, ""])


def main() -> int:
    """Print the tables; 1 where a rule is not exercised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--missing", action="store_true", help="name only the rules that no log breaks")
    options, lacking = parser.parse_args(), False
    for name in rule_sets.names():
        found = list(covered(name))
        unbroken = [rule for rule in found if not rule.broken_in]
        lacking = lacking or bool(unbroken)
        sys.stdout.write("".join(f"{rule.rule}\n" for rule in unbroken) if options.missing else table(found, name))
    return int(lacking)


if __name__ == "__main__":
    sys.exit(main())

"""Results as MLPerf publishes them: logs in folders, or in an archive, without the run directories of our own suite.

Since v1.0 of MLPerf HPC they lie in `<organisation>/results/<system>/strong/<benchmark>/result_<i>.txt`, and those of
runs that took place at the same time in `…/weak/<benchmark>/`, some of them in `pruned_results/` there. Before, there
was one folder less. What else such a package has to hold is not judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from compliance.judge import Judgement
from compliance.rules import Ruleset
from compliance.seeds import with_shared_seeds
from compliance.sets.members import is_archive, members
from compliance.sets.refusal import Refused


def holds_results(path: Path) -> bool:
    """Say whether a path is a folder or an archive, in which results may lie."""
    return path.is_dir() or is_archive(path)


def judge_results(path: Path, rules: Ruleset) -> Iterator[Judgement]:
    """Judge every log below a path; the seeds of logs are compared where they share a folder.

    Raises:
        Refused: there is no log, or an archive is damaged.
        OSError: a log or a folder cannot be read.
    """
    folders: dict[str, list[Judgement]] = {}
    for member in members(path):
        folders.setdefault(member.folder, []).append(member.judge(rules))
    if not folders:
        raise Refused(f"{path}: expected result_<i>.txt below it, found none — check the path")
    for judged in folders.values():
        yield from with_shared_seeds(judged, rules)

"""The verbs about sets of runs, `score` and `diff`: their options; what does the work is imported when it is called."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from compliance.rules import Ruleset
from compliance.sets.refusal import Refused

Write = Callable[[str], None]

SCORE_FORMS = ("table", "csv", "json", "parquet")
DIFF_FORMS = ("text", "json")


def add(verbs: Any, parents: list[argparse.ArgumentParser], verb: Callable[..., Any]) -> None:
    """Add the verbs.

    Args:
        verbs: where to.
        parents: parsers of the options that all verbs have.
        verb: makes of a function `(options, rules, write) -> exit code` what the command line calls.
    """
    known = argparse.ArgumentParser(add_help=False)
    known.add_argument("--benchmark", metavar="FILE", action="append", default=[], help="as check")
    score = verbs.add_parser("score", parents=[*parents, known], help="score sets of runs")
    _score_options(score)
    score.set_defaults(verb=verb(_score))
    diff = verbs.add_parser("diff", parents=[*parents, known], help="show in what two runs or submissions differ")
    diff.add_argument("a", metavar="A", help="a run directory, a log, a folder of either, or a package")
    diff.add_argument("b", metavar="B", help="another one")
    diff.add_argument("--format", choices=DIFF_FORMS, default="text", help="form of the differences (%(default)s)")
    diff.add_argument("--all", action="store_true", help="show what is alike too")
    diff.set_defaults(verb=verb(_diff))


def _score_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", metavar="PATH", nargs="+", help="a package, run directories, or a folder of these")
    parser.add_argument("--format", choices=SCORE_FORMS, default="table", help="form of the scores (%(default)s)")
    parser.add_argument("--out", metavar="FILE", type=Path, help="file to write; parquet needs one")
    parser.add_argument("--runs", metavar="N", type=int, help="runs that a score is of (as the benchmark's rules say)")
    parser.add_argument("--weak", action="store_true", help="the run directories ran at the same time: throughput")
    parser.add_argument(
        "--points", metavar="FILE", type=Path, action="append", default=[],
        help="rcp.json with further points of the reference; may be given again",
    )  # fmt: skip


def _score(options: argparse.Namespace, rules: Ruleset, write: Write) -> int:
    from compliance.score.command import run

    return run(options, rules, write)


def _diff(options: argparse.Namespace, rules: Ruleset, write: Write) -> int:
    from compliance.diff.command import run

    return run(options, rules, write)


def logs(options: argparse.Namespace) -> list[Path]:
    """Return the logs that are named, but for those in run directories and archives, which are of our own suite.

    Raises:
        Refused: something is named that is not there.
    """
    from compliance.sets.members import is_archive, members

    named = [existing(path) for path in (options.paths if "paths" in options else [options.a, options.b])]
    folders = [path for path in named if not is_archive(path)]
    return [member.path for path in folders for member in members(path) if not member.own_directory]


def existing(path: str) -> Path:
    """Return a path that is there.

    Raises:
        Refused: it is not.
    """
    found = Path(path)
    if found.is_file() or found.is_dir():
        return found
    what = "something else" if found.exists() else "nothing"
    raise Refused(f"{path}: expected a package, run directories or logs, found {what} — check the path")

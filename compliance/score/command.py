"""`python -m compliance score PATH…`: exit 0 where every set has a score, 1 where one has none or breaks a rule."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from compliance.convergence import points as reference_points
from compliance.convergence.points import Point, PointsError
from compliance.finding import file_name
from compliance.output import complain
from compliance.rules import Ruleset
from compliance.score import forms
from compliance.score.score import Score, score
from compliance.sets.grouping import sets
from compliance.sets.members import members, without_log
from compliance.sets.refusal import Refused
from compliance.sets.run import read_run
from compliance.sets.verbs import existing

SCORED, UNSCORED = 0, 1


def run(options: argparse.Namespace, rules: Ruleset, write: Callable[[str], None]) -> int:
    """Do what the options ask for.

    Raises:
        Refused: they ask for what cannot be done.
        OSError: a file cannot be read or written.
    """
    if options.format == "parquet" and options.out is None:
        raise Refused("--format parquet: expected --out FILE, found nothing — name the file")
    if options.runs is not None and options.runs < 1:
        raise Refused(f"--runs: expected a number of at least 1, found {options.runs} — say how many runs count")
    scores = _scores(options, rules)
    try:
        content = _content(options.format, scores, rules)
    except forms.MissingPackageError as error:
        raise Refused(str(error)) from None
    if options.out is not None:
        options.out.write_bytes(content)
    else:
        write(content.decode())
    return UNSCORED if any(_has_none(scored, rules) for scored in scores) else SCORED


def _scores(options: argparse.Namespace, rules: Ruleset) -> list[Score]:
    points = _points(options.points, options.benchmark)
    for folder in _broken_off(options.paths):
        complain(f"{file_name(str(folder))}: expected result_0.txt, found none — the run is in no set")
    runs = [read_run(member, rules) for path in options.paths for member in members(existing(path))]
    if not runs:
        raise Refused(
            f"{' '.join(options.paths)}: expected result_<i>.txt or run directories, found none — check the path"
        )
    return [score(of, points, rules, needed=options.runs) for of in sets(runs, weak=options.weak)]


def _points(paths: Sequence[Path], benchmarks: Sequence[str]) -> list[Point]:
    """Read the points that were named, those beside benchmarks from outside, and the suite's own."""
    beside = [found for path in benchmarks if (found := Path(path).parent / "convergence" / "rcp.json").is_file()]
    try:
        return [*reference_points.read([*paths, *beside]), *reference_points.shipped()]
    except PointsError as error:
        raise Refused(str(error)) from None


def _broken_off(paths: Sequence[str]) -> Iterator[Path]:
    return (folder for path in paths for folder in without_log(Path(path)))


def _content(form: str, scores: Sequence[Score], rules: Ruleset) -> bytes:
    if form == "parquet":
        return forms.as_parquet(scores)
    text = {
        "table": lambda: forms.as_table(scores, rules),
        "csv": lambda: forms.as_csv(scores),
        "json": lambda: forms.as_json(scores, rules),
    }[form]()
    return text.encode("utf-8", "backslashreplace")


def _has_none(scored: Score, rules: Ruleset) -> bool:
    broken = any(rules.rules[finding.rule].severity == "error" for finding in scored.findings)
    return broken or scored.reason is not None or scored.convergence.accepted is False

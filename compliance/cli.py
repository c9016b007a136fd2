"""The command line of the checker, and its exit codes.

| code | meaning |
|---|---|
| 0 | clean; warnings are allowed |
| 1 | errors were found |
| 2 | usage: no such file, no such rule set, no such rule, or a file that cannot be read |
| 3 | an error inside the checker |
"""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compliance import rules as rule_sets
from compliance.command_line import (
    CLEAN,
    FAULTY,
    INTERNAL,
    INTERRUPTED,
    USAGE,
    UsageError,
    benchmark_file,
    existing,
    fail,
    seconds,
    unreadable,
)
from compliance.finding import file_name
from compliance.output import OutputError, complain, has_colour, write
from compliance.rules import Ruleset, RulesetError, UnknownNameError
from compliance.sets import verbs as set_verbs
from compliance.sets.refusal import Refused

if TYPE_CHECKING:
    from compliance.package.minisign import PublicKey

FORMS = ("text", "json", "sarif", "junit", "github")
"""As in `reporters.FORMS`, which is loaded later: a test holds the two to each other."""

AUTO = "auto"
"""Choose the rule set by the benchmark that the logs name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checker and return its exit code; nothing that a log holds ends in a traceback."""
    try:
        options = _parser().parse_args(arguments)
        verb: int = options.verb(options)
        return verb
    except SystemExit as end:  # argparse has said what is wrong
        return int(end.code or CLEAN)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (UsageError, UnknownNameError, OutputError, Refused) as refusal:
        return fail(USAGE, str(refusal))
    except OSError as error:
        return fail(USAGE, unreadable(error, error.filename))
    except RulesetError as error:
        return fail(INTERNAL, str(error))
    except Exception as error:  # noqa: BLE001 - the last door: a fault of ours is one line and its own exit code
        return fail(INTERNAL, f"error inside the checker: {type(error).__name__}: {error}")


def _check(options: argparse.Namespace) -> int:
    if options.until_hopeless and not options.follow:
        raise UsageError("--until-hopeless: expected --follow beside it, found none — add it")
    rules = _ruleset(options)
    if options.explain is not None:
        return _explain(options.explain, rules)
    if options.follow:
        return _follow(options, rules)
    if not options.paths:
        raise UsageError("PATH: expected a log or a run directory, found nothing — name at least one")
    from compliance import reporters
    from compliance.judge import Judgement, judge
    from compliance.package.check import check_package, is_package
    from compliance.rundir import runs_below
    from compliance.seeds import with_shared_seeds
    from compliance.sets.published import holds_results, judge_results

    key = None if options.public_key is None else _public_key(options.public_key)
    if key is not None and rules.as_stock_tools:
        raise UsageError(f"--public-key: expected packages of another rule set than {rules.name} — leave it out")
    judgements: list[Judgement] = []
    published: list[Judgement] = []
    unread: list[str] = []
    for path in existing(options.paths):
        if rules.as_stock_tools and holds_results(path):
            published += judge_results(path, rules)
            continue
        if is_package(path):
            judgements += check_package(path, rules, key)
            continue
        for run in runs_below(path):
            try:
                judgements.append(judge(run, rules))
            except OSError as error:  # the other logs are judged all the same
                unread.append(unreadable(error, run))
    judgements = [*with_shared_seeds(judgements, rules), *published]
    if judgements:
        look = reporters.Look(colour=has_colour(sys.stdout), every=options.all)
        write(reporters.report(options.format, judgements, rules, look))
    for message in unread:
        complain(message)
    return USAGE if unread else FAULTY if reporters.has_errors(judgements, rules) else CLEAN


def _follow(options: argparse.Namespace, rules: Ruleset) -> int:
    from compliance import reporters
    from compliance.finding import Finding
    from compliance.follow import Manner, follow
    from compliance.reporters.text import finding_line

    path, look = _followed(options.paths), reporters.Look(colour=has_colour(sys.stdout), every=options.all)

    def tell(finding: Finding) -> bool:
        return options.format != "text" or write(finding_line(str(path), finding, rules, look) + "\n")

    manner = Manner(until_hopeless=options.until_hopeless, patience_s=options.patience)
    judgement = follow(path, rules, manner, tell=tell, say=complain)
    if options.format == "text":  # the findings stand there already
        write(reporters.summary_line([judgement], rules) + "\n")
    else:
        write(reporters.report(options.format, [judgement], rules, look))
    return FAULTY if reporters.has_errors([judgement], rules) else CLEAN


def _followed(paths: Sequence[str]) -> Path:
    """Return the one log or run directory that is to be followed; it may be absent yet.

    Raises:
        UsageError: there are several, or it is something else.
    """
    from compliance.rundir import runs_below

    if len(paths) != 1:
        raise UsageError(f"--follow: expected one log or run directory, found {len(paths)} — name one")
    path = Path(paths[0])
    if path.is_dir() and runs_below(path) != [path]:
        raise UsageError(f"{file_name(paths[0])}: expected one run directory, found a folder of them — name one")
    return existing(paths)[0] if path.exists() else path


def _ruleset(options: argparse.Namespace) -> Ruleset:
    """Load the rule set that was asked for, or the one that has the benchmark of the logs."""
    more = [benchmark_file(path) for path in options.benchmark]
    name = options.ruleset
    if name == AUTO:
        name = _ruleset_of_logs(_logs_below(options)) or rule_sets.DEFAULT
    try:
        return rule_sets.load(name, more, strict=options.strict)
    except RulesetError as error:
        rule_sets.load(name)  # where the rule set itself is at fault, that is ours
        raise UsageError(f"--benchmark: {str(error).partition(': ')[2]} — correct the benchmark.json") from None


def _logs_below(options: argparse.Namespace) -> list[Path]:
    """Return the logs that are named, and those of folders; run directories and archives are of our own suite.

    A log that is to be followed may be absent.
    """
    from compliance.sets.members import is_archive, members

    if options.follow:
        path = _followed(options.paths)
        there = [path] if path.exists() else []
    else:
        there = existing(options.paths)
    found = (member for path in there if not is_archive(path) for member in members(path))
    return [member.path for member in found if not member.own_directory]


def _ruleset_of_logs(logs: list[Path]) -> str | None:
    """Return the rule set that has the benchmark of the logs; None where no other than the default has it.

    Raises:
        UsageError: the logs need several rule sets.
    """
    from compliance.choose import benchmark_of

    others = {name: rule_sets.benchmarks_of(name) for name in rule_sets.names() if name != rule_sets.DEFAULT}
    found: dict[str, Path] = {}
    for log in logs:
        try:
            benchmark = benchmark_of(log)
        except OSError:
            continue  # that it cannot be read is said when it is judged
        name = next((name for name, known in others.items() if benchmark in known), rule_sets.DEFAULT)
        found.setdefault(name, log)
    if len(found) > 1:
        needed = ", ".join(f"{file_name(str(log))} ({name})" for name, log in found.items())
        raise UsageError(f"PATH: expected logs of one rule set, found {needed} — check each kind by itself")
    return next(iter(found), None)


def _public_key(text: str) -> PublicKey:
    """Read the key that a package has to be signed with.

    Raises:
        UsageError: it is none.
    """
    from compliance.package.minisign import SignatureError, read_public_key

    try:
        return read_public_key(text)
    except SignatureError as error:
        raise UsageError(f"--public-key {text}: {error}") from None


def _explain(rule: str, rules: Ruleset) -> int:
    """Print a rule of the set that was named, or else of whichever set has it."""
    from compliance.spec_text import explain

    others = [name for name in rule_sets.names() if name != rules.name]
    try:
        write(explain(rule, rules))
    except UnknownNameError as unknown:
        for other in others:
            with contextlib.suppress(UnknownNameError):
                write(explain(rule, rule_sets.load(other)))
                return CLEAN
        raise unknown from None
    return CLEAN


def _rules(options: argparse.Namespace) -> int:
    from compliance.spec_text import listing

    write(listing(rule_sets.load(options.name)))
    return CLEAN


def _stock_rules(options: argparse.Namespace) -> int:
    from compliance.stock import stock_rules

    write(stock_rules(options.benchmark, rule_sets.load(options.ruleset)))
    return CLEAN


def _stock_tools(options: argparse.Namespace) -> int:
    from compliance.convergence import points
    from compliance.stock_tools import USAGE, VERSION, StockToolsError, teach

    organisation, tools = options.organisation, options.tools
    try:
        taught = teach(Path(organisation), Path(tools), rule_sets.load(options.ruleset), points.shipped())
    except StockToolsError as refusal:
        raise UsageError(str(refusal)) from None
    for benchmark, count in taught.items():
        write(f"{benchmark}: {count or 'no'} reference convergence point{'' if count == 1 else 's'} of what ran\n")
    for program, more in (("package_checker", ""), ("result_summarizer", " --csv summary.csv")):
        command = f"python -m mlperf_logging.{program} {shlex.quote(organisation)} {USAGE} {VERSION}{more}"
        write(f"PYTHONPATH={shlex.quote(tools)} {command}\n")
    return CLEAN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m compliance", description="Judge logs by the rules of SPEC.md.")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    named = argparse.ArgumentParser(add_help=False)
    named.add_argument("--ruleset", metavar="NAME", default=rule_sets.DEFAULT, help="rule set (%(default)s)")
    judging = argparse.ArgumentParser(add_help=False)
    judging.add_argument(
        "--ruleset", metavar="NAME", default=AUTO, help="rule set; auto is the one that has the benchmark (%(default)s)"
    )
    judging.add_argument(
        "--strict", action="store_true", help="take for errors what the rule set says should be one then"
    )
    check = verbs.add_parser("check", parents=[judging], help="judge logs, run directories and packages")
    _check_options(check)
    check.set_defaults(verb=_check)
    rules = verbs.add_parser("rules", help="print a rule set with the text of each rule")
    rules.add_argument("name", metavar="NAME", nargs="?", default=rule_sets.DEFAULT, help="rule set (%(default)s)")
    rules.set_defaults(verb=_rules)
    set_verbs.add(verbs, [judging], _of_sets)
    _add_stock(verbs, [named])
    return parser


def _check_options(check: argparse.ArgumentParser) -> None:
    check.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        help="a log, a run directory, a folder of these, a package, or published results",
    )
    check.add_argument("--format", choices=FORMS, default="text", help="form of the verdict (%(default)s)")
    check.add_argument("--all", action="store_true", help="text: print every finding, also those that are alike")
    check.add_argument("--follow", action="store_true", help="judge one log or run directory while it is written")
    check.add_argument(
        "--until-hopeless",
        action="store_true",
        help="with --follow: end with 1 as soon as the log can no longer be compliant, with 0 at run_stop",
    )
    check.add_argument(
        "--patience",
        metavar="SECONDS",
        type=seconds,
        default=float("inf"),
        help="with --follow: seconds without a new line after which the log is taken for whole (no limit)",
    )
    check.add_argument(
        "--benchmark",
        metavar="FILE",
        action="append",
        default=[],
        help="benchmark.json of a benchmark that the rule set does not have; may be given again",
    )
    check.add_argument(
        "--public-key", metavar="KEY", help="key of minisign, or its file, that a package is signed with"
    )
    check.add_argument(
        "--explain", metavar="RULE-ID", help="print the text of a rule, with or without its prefix, and judge nothing"
    )


def _add_stock(verbs: Any, parents: list[argparse.ArgumentParser]) -> None:
    """Add the verbs that speak to MLPerf's own tools."""
    stock = verbs.add_parser("stock-rules", parents=parents, help="print a rule file for MLPerf's own checker")
    stock.add_argument("benchmark", metavar="BENCHMARK", help="name of a benchmark")
    stock.set_defaults(verb=_stock_rules)
    tools = verbs.add_parser(
        "stock-tools", parents=parents, help="teach a copy of MLPerf's own tools the benchmarks of a package"
    )
    tools.add_argument("organisation", metavar="ORG", help="folder of a package that holds systems/ and results/")
    tools.add_argument("tools", metavar="TOOLS", help="folder that is made, for PYTHONPATH")
    tools.set_defaults(verb=_stock_tools)


def _of_sets(run: Callable[..., int]) -> Callable[[argparse.Namespace], int]:
    """Make a verb of a function about sets of runs."""

    def verb(options: argparse.Namespace) -> int:
        more, name = [benchmark_file(path) for path in options.benchmark], options.ruleset
        try:
            if name == AUTO:
                name = _ruleset_of_logs(set_verbs.logs(options)) or rule_sets.DEFAULT
            return run(options, rule_sets.load(name, more, strict=options.strict), write)
        except Refused as refusal:
            raise UsageError(str(refusal)) from None

    return verb

"""The command line of the checker, and its exit codes.

| code | meaning |
|---|---|
| 0 | clean; warnings are allowed |
| 1 | errors were found |
| 2 | usage: no such file, no such rule set, no such rule |
| 3 | an error inside the checker |
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from compliance import rules as rule_sets
from compliance.rules import Ruleset, RulesetError, UnknownNameError

CLEAN, FAULTY, USAGE, INTERNAL = 0, 1, 2, 3
INTERRUPTED = 130

AUTO = "auto"
"""Choose the rule set by the benchmark that the logs name."""


class UsageError(Exception):
    """The command line asks for something that cannot be done; the message says what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checker and return its exit code; nothing that a log holds ends in a traceback."""
    try:
        options = _parser().parse_args(arguments)
        verb: int = options.verb(options)
        sys.stdout.flush()
        return verb
    except SystemExit as end:  # argparse has said what is wrong
        return int(end.code or CLEAN)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more while it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLEAN
    except KeyboardInterrupt:
        return INTERRUPTED
    except (UsageError, UnknownNameError) as refusal:
        return _fail(USAGE, str(refusal))
    except OSError as error:
        return _fail(USAGE, f"{error.filename}: {error.strerror} — name a file that can be read")
    except RulesetError as error:
        return _fail(INTERNAL, str(error))
    except Exception as error:  # noqa: BLE001 - the last door: a fault of ours is one line and its own exit code
        return _fail(INTERNAL, f"error inside the checker: {type(error).__name__}: {error}")


def _check(options: argparse.Namespace) -> int:
    rules = _ruleset(options)
    if options.explain is not None:
        return _explain(options.explain, rules)
    if not options.paths:
        raise UsageError("PATH: expected a log or a run directory, found nothing — name at least one")
    from compliance import reporters
    from compliance.judge import judge
    from compliance.rundir import runs_below
    from compliance.sets import with_sets

    named = [run for path in options.paths for run in runs_below(_existing(path))]
    judgements = with_sets([judge(run, rules) for run in named], rules)
    if options.format == "json":
        _write(reporters.as_json(judgements, rules))
    else:
        _write(reporters.as_text(judgements, rules, colour=_has_colour(sys.stdout)))
    return FAULTY if reporters.has_errors(judgements, rules) else CLEAN


def _ruleset(options: argparse.Namespace) -> Ruleset:
    """Load the rule set that was asked for, or the one that has the benchmark of the logs."""
    more = [_benchmark_file(path) for path in options.benchmark]
    name = options.ruleset
    if name == AUTO:
        name = rule_sets.DEFAULT if options.explain is None else _ruleset_of_rule(options.explain)
        name = _ruleset_of_logs([run for path in options.paths for run in _logs_below(path)]) or name
    return rule_sets.load(name, more, strict=options.strict)


def _ruleset_of_rule(rule: str) -> str:
    named = (name for name in rule_sets.names() if rule.lower() in rule_sets.load(name).rules)
    return next(named, rule_sets.DEFAULT)


def _logs_below(path: str) -> list[Path]:
    from compliance.rundir import runs_below

    return [run for run in runs_below(_existing(path)) if run.is_file()]  # a run directory is always of our own suite


def _ruleset_of_logs(logs: list[Path]) -> str | None:
    """Return the rule set that has the benchmark of the logs; None where no other than the default has it.

    Raises:
        UsageError: the logs need several rule sets.
    """
    from compliance.choose import benchmark_of

    others = {name: rule_sets.benchmarks_of(name) for name in rule_sets.names() if name != rule_sets.DEFAULT}
    found: dict[str, Path] = {}
    for log in logs:
        benchmark = benchmark_of(log)
        name = next((name for name, known in others.items() if benchmark in known), rule_sets.DEFAULT)
        found.setdefault(name, log)
    if len(found) > 1:
        needed = ", ".join(f"{log} ({name})" for name, log in found.items())
        raise UsageError(f"PATH: expected logs of one rule set, found {needed} — check each kind by itself")
    return next(iter(found), None)


def _explain(rule: str, rules: Ruleset) -> int:
    from compliance.spec_text import explain

    _write(explain(rule, rules))
    return CLEAN


def _rules(options: argparse.Namespace) -> int:
    from compliance.spec_text import listing

    _write(listing(rule_sets.load(options.name)))
    return CLEAN


def _stock_rules(options: argparse.Namespace) -> int:
    from compliance.stock import stock_rules

    _write(stock_rules(options.benchmark, rule_sets.load(options.ruleset)))
    return CLEAN


def _benchmark_file(path: str) -> dict[str, Any]:
    """Read the facts of a benchmark from its benchmark.json.

    Raises:
        UsageError: it is none.
    """
    from compliance.benchmarks import collect

    try:
        return collect([Path(path)])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else error
        raise UsageError(f"--benchmark {path}: expected a benchmark.json, found: {reason}") from None


def _existing(path: str) -> Path:
    found = Path(path)
    if found.is_file() or found.is_dir():
        return found
    what = "something else" if found.exists() else "nothing"
    raise UsageError(f"{path}: expected a log or a run directory, found {what} — check the path")


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
    check = verbs.add_parser("check", parents=[judging], help="judge logs and run directories")
    check.add_argument(
        "paths", metavar="PATH", nargs="*", help="a log, a run directory, or a folder of run directories"
    )
    check.add_argument("--format", choices=("text", "json"), default="text", help="form of the verdict (%(default)s)")
    check.add_argument(
        "--benchmark",
        metavar="FILE",
        action="append",
        default=[],
        help="benchmark.json of a benchmark that the rule set does not have; may be given again",
    )
    check.add_argument("--explain", metavar="RULE-ID", help="print the text of a rule, and judge nothing")
    check.set_defaults(verb=_check)
    rules = verbs.add_parser("rules", help="print a rule set with the text of each rule")
    rules.add_argument("name", metavar="NAME", nargs="?", default=rule_sets.DEFAULT, help="rule set (%(default)s)")
    rules.set_defaults(verb=_rules)
    stock = verbs.add_parser("stock-rules", parents=[named], help="print a rule file for MLPerf's own checker")
    stock.add_argument("benchmark", metavar="BENCHMARK", help="name of a benchmark")
    stock.set_defaults(verb=_stock_rules)
    return parser


def _has_colour(stream: TextIO) -> bool:
    return stream.isatty() and "NO_COLOR" not in os.environ


def _write(text: str) -> None:
    """Write to stdout, whatever its encoding: what it cannot show is escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))


def _fail(code: int, message: str) -> int:
    encoding = sys.stderr.encoding or "utf-8"
    sys.stderr.write(f"compliance: {message}\n".encode(encoding, "backslashreplace").decode(encoding))
    return code

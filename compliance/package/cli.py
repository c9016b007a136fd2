"""The command line that builds packages.

Its exit codes are the checker's: 0 built, 1 the package would not be compliant, 2 refused, 3 a fault of ours.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
)
from compliance.output import has_colour, write
from compliance.package import system
from compliance.rules import RulesetError, UnknownNameError
from logging_spec.events import LineError, parse_object

PASSWORD = "MINISIGN_PASSWORD"  # noqa: S105 - the name of a variable
DEFAULT_OUT = "submission"


def main(arguments: Sequence[str] | None = None) -> int:
    """Build a package and return the exit code; nothing that a run directory holds ends in a traceback."""
    try:
        return _build(_parser().parse_args(arguments))
    except SystemExit as end:  # argparse has said what is wrong
        return int(end.code or CLEAN)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (UsageError, UnknownNameError, ValueError) as refusal:
        return fail(USAGE, str(refusal))
    except OSError as error:
        advice = (
            "choose another name" if isinstance(error, FileExistsError) else "see whether it can be read and written"
        )
        return fail(USAGE, f"{error.filename}: {error.strerror} — {advice}")
    except RulesetError as error:
        return fail(INTERNAL, str(error))
    except Exception as error:  # noqa: BLE001 - the last door: a fault of ours is one line and its own exit code
        return fail(INTERNAL, f"error inside the builder: {type(error).__name__}: {error}")


def _build(options: argparse.Namespace) -> int:
    from compliance import reporters
    from compliance.package.build import NotCompliantError, Request, build

    rules = rule_sets.load(options.ruleset, [benchmark_file(path) for path in options.benchmark])
    request = Request(
        runs=tuple(existing(options.runs)),
        out=Path(options.out),
        org=options.org,
        system=options.system,
        stated=_stated(options.describe),
        code=dict(map(_code, options.code)),
        commit=options.commit,
        power=not options.no_power,
        sign=Path(options.sign) if options.sign else None,
        password=_password,
    )
    look = reporters.Look(colour=has_colour(sys.stdout))
    try:
        built = build(request, rules)
    except NotCompliantError as error:
        write(reporters.report("text", error.judgements, rules, look))
        return fail(FAULTY, f"{request.out}: expected compliant runs, found others — nothing was written")
    text = reporters.report("text", built.judgements, rules, look)
    files = f"{built.files} files, {built.runs} runs, manifest {built.manifest_sha256}"
    write(f"{text}{request.out}: {files}\n")
    return CLEAN


def _stated(path: str | None) -> dict[str, str]:
    """Read the fields that a person states.

    Raises:
        UsageError: it is no JSON object of texts, or names a field that there is not.
    """
    if path is None:
        return {}
    try:
        document: dict[str, Any] = parse_object(Path(path).read_text(encoding="utf-8"))
    except (LineError, UnicodeDecodeError) as error:
        raise UsageError(f"--describe {path}: expected one JSON object, found: {error}") from None
    for name, value in document.items():
        if name not in system.fields() or not isinstance(value, str) or not value.strip():
            known = ", ".join(system.fields())
            raise UsageError(f"--describe {path}: $.{name}: expected a text for one of {known}, found {value!r}")
    return document


def _code(text: str) -> tuple[str, Path]:
    name, equals, folder = text.rpartition("=")
    path = Path(folder)
    if not path.is_dir():
        raise UsageError(f"--code {text}: expected a folder, or NAME=FOLDER, found none — check the path")
    return (name if equals else ""), path


def _password() -> str:
    if PASSWORD in os.environ:
        return os.environ[PASSWORD]
    if not sys.stdin.isatty():
        raise UsageError(f"--sign: expected the password of the key, found no terminal — set {PASSWORD}")
    return getpass.getpass("password of the key: ")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sciml-bench package", description="Build a submission package from run directories, in MLPerf's layout."
    )
    add = parser.add_argument
    add("runs", metavar="RUN", nargs="+", help="a run directory, or a folder of run directories")
    add("--org", metavar="NAME", help="folder of the organisation; its name in the logs, where not given")
    add("--system", metavar="NAME", help="name of the system's files; its name in the logs, where not given")
    add("--out", metavar="PATH", default=DEFAULT_OUT, help="a .tar, a .zip or a folder, which is made (%(default)s)")
    add("--sign", metavar="KEY", help="secret key of minisign, to sign the manifest with")
    add("--describe", metavar="FILE", help="JSON object with fields of the system that no probe finds")
    add(
        "--code",
        metavar="[NAME=]DIR",
        action="append",
        default=[],
        help="code of an implementation from outside, or a checkout at the commit of the runs",
    )
    add("--no-power", action="store_true", help="leave power logs out, for instance where one run of a set has none")
    add("--commit", metavar="HASH", help="commit of the checkout; sciml-bench fills it in")
    add("--benchmark", metavar="FILE", action="append", default=[], help="benchmark.json of one from outside the suite")
    add("--ruleset", metavar="NAME", default=rule_sets.DEFAULT, help="rule set (%(default)s)")
    return parser

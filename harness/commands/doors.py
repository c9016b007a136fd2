"""Verbs of other rooms: each starts that room's own program and passes its exit code on."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rich_click as click

from harness import process, provenance, registry
from harness.paths import ROOT, data_root
from harness.stops import Stops

_DAY_S = 86_400.0


def through(module: str, *arguments: str, home: Path | Sequence[Path] = ROOT) -> int:
    """Run `python -m module …` of the checkout, or of other homes, on this terminal in the folder of the user."""
    others = [home] if isinstance(home, Path) else home
    argv = [sys.executable, "-P", "-c", _BOOT, os.pathsep.join(map(str, [ROOT, *others])), module, *arguments]
    with Stops() as stops:
        done = process.run(argv, timeout_s=30 * _DAY_S, capture=False, stops=stops)
    return done.returncode if done.returncode >= 0 else 128 - done.returncode


_BOOT = """\
import os, runpy, sys
sys.path[:0] = sys.argv.pop(1).split(os.pathsep)
module = sys.argv.pop(1)
sys.argv = [module, *sys.argv[1:]]
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""
"""Runs a module of the checkout from any folder, whether or not the suite is installed."""


class Door(click.RichCommand):
    """A command that leaves all words to the other room's program: its options, its `--help` and a `--` too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take every word as it is."""
        ctx.params["arguments"] = tuple(args)
        return []


@click.command("check", cls=Door)
def check(arguments: tuple[str, ...]) -> int:
    """Judge logs, runs and packages: exit 0 compliant, 1 findings, 2 usage, 3 internal error of the checker."""
    return _judged("check", arguments)


@click.command("score", cls=Door)
def score(arguments: tuple[str, ...]) -> int:
    """Score sets of runs: exit 0 where each has a score, 1 where one has none, 2 usage, 3 internal error."""
    return _judged("score", arguments)


@click.command("diff", cls=Door)
def diff(arguments: tuple[str, ...]) -> int:
    """Show in what two runs or submissions differ: exit 0 nothing, 1 something, 2 usage, 3 internal error."""
    return _judged("diff", arguments)


def _judged(verb: str, arguments: tuple[str, ...]) -> int:
    known = [word for path in registry.outside() for word in ("--benchmark", str(path))]
    return through("compliance", verb, *known, *arguments)


@click.command("package", cls=Door)
def package(arguments: tuple[str, ...]) -> int:
    """Build a submission package from runs: exit 0 built, 1 findings, 2 usage, 3 internal error of the builder."""
    known = [word for path in registry.outside() for word in ("--benchmark", str(path))]
    here = provenance.commit()
    code = ["--commit", here.commit + ("-dirty" if here.dirty else "")] if here.commit else []
    return through("compliance.package", *known, *code, *arguments)


@click.command("rules", cls=Door)
def rules(arguments: tuple[str, ...]) -> int:
    """Print a rule set, sciml-1.0 or mlperf-hpc-3.0.0, with the text and the anchor of each rule."""
    return through("compliance", "rules", *arguments)


@click.command("download")
@click.argument("name", metavar="NAME|all")
@click.argument("destination", required=False, type=click.Path(path_type=Path))
@click.option("--user", help="Account on the publisher's own machine: fetch with rsync over ssh.")
@click.option("--source", help="s3, rsync, http, or the address of the set's folder; {name} in it stands for the set.")
@click.option("--mirror", multiple=True, help="Mirror of the list, or its address; the first one is asked first.")
@click.option("--jobs", type=click.IntRange(min=1), help="Files at once (default: 4).")
@click.option("--verify-only", is_flag=True, help="Read what is here against its hashes; ask nobody.")
@click.option("--print", "show", is_flag=True, help="Print the commands of other programs and stop.")
def download(name: str, destination: Path | None, **options: Any) -> int:
    """Download a data set into DESTINATION, which is $SCIML_BENCH_DATA or data/ in the checkout.

    The same command goes on where it was stopped. Nothing half-written carries its final name.
    """
    words = [",".join(map(_dataset, name.split(","))), str((destination or data_root()).resolve())]
    words += [word for mirror in options["mirror"] for word in ("--mirror", mirror)]
    for key in ("user", "source", "jobs"):
        words += [f"--{key}", str(options[key])] if options[key] is not None else []
    words += ["--verify-only"] if options["verify_only"] else []
    words += ["--print"] if options["show"] else []
    return through("datasets.download", *words, home=_home(name))


def _dataset(name: str) -> str:
    """Name of the data set of a benchmark; other words are the download's to judge."""
    known = registry.normalise(name)
    return registry.load(known).dataset if known in registry.names() else name


def _home(name: str) -> Path:
    """Folder of the benchmark, which may lie outside the checkout."""
    known = registry.normalise(name)
    return registry.load(known).home if known in registry.names() else ROOT

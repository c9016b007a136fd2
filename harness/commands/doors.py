"""Verbs of other rooms: each starts that room's own program and passes its exit code on."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import rich_click as click

from harness import process, registry
from harness.paths import ROOT, data_root
from harness.stops import Stops

_PASS = {"ignore_unknown_options": True, "help_option_names": []}
_DAY_S = 86_400.0


def through(module: str, *arguments: str, home: Path = ROOT) -> int:
    """Run `python -m module …` of the checkout, or of another home, on this terminal in the folder of the user."""
    argv = [sys.executable, "-P", "-c", _BOOT, os.pathsep.join([str(ROOT), str(home)]), module, *arguments]
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


@click.command("check", context_settings=_PASS)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="PATH…")
def check(arguments: tuple[str, ...]) -> int:
    """Judge logs and run directories: exit 0 compliant, 1 findings, 2 usage, 3 internal error of the checker."""
    known = [word for path in registry.outside() for word in ("--benchmark", str(path))]
    return through("compliance", "check", *known, *arguments)


@click.command("rules", context_settings=_PASS)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[NAME]")
def rules(arguments: tuple[str, ...]) -> int:
    """Print a rule set, sciml-1.0 or mlperf-hpc-3.0.0, with the text and the anchor of each rule."""
    return through("compliance", "rules", *arguments)


@click.command("download")
@click.argument("name")
@click.argument("destination", required=False, type=click.Path(path_type=Path))
@click.option("--user", help="Account on the site's own machine: fetch with rsync over ssh.")
@click.option("--endpoint", help="Another store than the default one.")
@click.option("--print", "show", is_flag=True, help="Print the commands and stop.")
def download(name: str, destination: Path | None, user: str | None, endpoint: str | None, show: bool) -> int:
    """Download a data set into DESTINATION, which is $SCIML_BENCH_DATA or data/ in the checkout."""
    known = registry.normalise(name)
    words = [known if known in registry.names() else name, str((destination or data_root()).resolve())]
    words += ["--user", user] if user else []
    words += ["--endpoint", endpoint] if endpoint else []
    return through("datasets.download", *words, *(["--print"] if show else []))

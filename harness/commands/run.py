"""`run NAME…`, and a benchmark's name as a verb."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any, cast

import rich_click as click

from harness import registry
from harness.commands.options import HYPERPARAMETER, SETTING, given, hyperparameter_option, setting_options
from harness.documents import nearest
from harness.errors import ConfigError, Exit, Refusal

ALL = "all"
"""Names every benchmark."""

_NAMES = "harness.commands.run.names"


class RunCommand(click.RichCommand):
    """A run's command: the options of a run, and those of the one benchmark that is named."""

    def __init__(self, *args: Any, fixed: str | None = None, **named: Any) -> None:
        super().__init__(*args, **named)
        self._fixed = fixed

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Find the benchmarks first, because they decide which options there are."""
        known = registry.names()
        found = known if ALL in args else [name for word in args if (name := registry.normalise(word)) in known]
        ctx.meta[_NAMES] = [self._fixed] if self._fixed else found
        return super().parse_args(ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Options of the run, and of its benchmark where there is just one."""
        named = ctx.meta.get(_NAMES, [])
        hyperparameters = _hyperparameters(named[0]) if len(named) == 1 else []
        return [*hyperparameters, *super().get_params(ctx)]


def for_benchmark(name: str) -> click.Command:
    """The verb of one benchmark."""
    benchmark = registry.load(name)
    text = f"{benchmark.title}.\n\n{benchmark.summary}"
    return RunCommand(name, params=_run_params(), callback=_run, help=text, fixed=name)


def _run_params() -> list[click.Parameter]:
    return [
        *setting_options(),
        click.RichOption(["config", "--config"], type=click.Path(path_type=Path), metavar="FILE.yml",
                         help="Configuration file; options win over it. examples/slstr_cloud.yml names every key."),
        click.RichOption(["dry_run", "--dry-run"], is_flag=True,
                         help="Print the exact command line and run.json, and start nothing."),
        click.RichOption(["check", "--check/--no-check"], default=True, help="Judge the run at its end."),
        click.RichOption(["stop_hopeless", "--stop-hopeless"], is_flag=True,
                         help="Stop the run as soon as its log can no longer be compliant; the log says so."),
        click.RichOption(["quiet", "-q", "--quiet"], is_flag=True, help="Say nothing but the summary."),
    ]  # fmt: skip


def _hyperparameters(name: str) -> list[click.Parameter]:
    benchmark = registry.load(name)
    return [hyperparameter_option(key, schema, schema["default"]) for key, schema in benchmark.hyperparameters.items()]


def _run(**parameters: Any) -> int:
    from harness import streams
    from harness.config import Request
    from harness.run import Manner, run

    names = _requested(parameters.get("names", ()), _context().meta.get(_NAMES, []))
    manner = Manner(
        dry_run=parameters.get("dry_run", False),
        check=parameters.get("check", True),
        quiet=parameters.get("quiet", False),
        stop_hopeless=parameters.get("stop_hopeless", False),
    )
    codes = []
    # What a dry run shows is all that it does.
    with contextlib.nullcontext() if manner.dry_run else streams.lasting():
        for name in names:
            request = Request(
                benchmark=name,
                given=given(parameters, SETTING),
                hyperparameters=given(parameters, HYPERPARAMETER),
                file=parameters.get("config"),
            )
            codes.append(_one(name, lambda request=request: run(request, manner), several=len(names) > 1))
            if codes[-1] >= 128:
                break
    return max(codes, default=Exit.OK)


def _context() -> click.Context:
    return cast(click.Context, click.get_current_context())


def _requested(words: tuple[str, ...], found: list[str]) -> list[str]:
    """The benchmarks to run: the named ones, else all.

    Raises:
        ConfigError: a name is none of a benchmark.
    """
    known = registry.names()
    if ALL in words:
        return known
    for word in words:
        if registry.normalise(word) not in known:
            raise ConfigError(f"{word}: expected a benchmark, found no such name — {nearest(word, known)}")
    return list(dict.fromkeys(found)) or known


def _one(name: str, program: Any, *, several: bool) -> int:
    """Run one of several: what is refused for one does not keep the others from running."""
    if not several:
        return int(program())
    try:
        return int(program())
    except Refusal as refusal:
        sys.stderr.write(f"sciml-bench: {name}: {refusal}\n")
        return refusal.exit_code


command = RunCommand(
    "run",
    params=[click.RichArgument(["names"], nargs=-1, metavar="[BENCHMARK]…"), *_run_params()],
    callback=_run,
    help="Run benchmarks; without a name, or with `all`, every one with its defaults.\n\n"
    "With one name, its hyperparameters are options as well: `sciml-bench run slstr_cloud --help`.",
)

"""The command line: one table of verbs, each loaded when it is called; a benchmark's name is a verb too."""

from __future__ import annotations

import importlib
import sys
from typing import Any, cast

import rich_click as click

from harness import registry, streams
from harness.errors import ConfigError, guarded

VERBS: dict[str, tuple[str, str]] = {
    "run": ("harness.commands.run:command", "Run benchmarks; without a name, all of them with their defaults."),
    "list": ("harness.commands.catalogue:list_command", "List the benchmarks."),
    "describe": (
        "harness.commands.catalogue:describe_command",
        "Describe a benchmark: sizes, targets, hyperparameters.",
    ),
    "check": ("harness.commands.doors:check", "Judge logs, run directories and packages."),
    "rules": ("harness.commands.doors:rules", "Print a rule set with the text of each rule."),
    "score": ("harness.commands.doors:score", "Score sets of runs."),
    "diff": ("harness.commands.doors:diff", "Show in what two runs or submissions differ."),
    "package": ("harness.commands.doors:package", "Build a submission package from runs, in MLPerf's layout."),
    "report": ("harness.commands.report:command", "Write the page of a run: report.html."),
    "predict": ("harness.commands.predict:command", "Predict with a trained model."),
    "data": ("harness.commands.data:group", "Make, verify and describe data sets."),
    "download": ("harness.commands.doors:download", "Download a data set, or go on with it."),
    "doctor": ("harness.commands.doctor:command", "Check this machine, with a hint for each fault."),
}
"""Verb → where its command is, and its line in `--help`."""


class Verbs(click.RichGroup):
    """The verbs of the table and the benchmarks, none of them imported before it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All names that `--help` shows."""
        return [*VERBS, *registry.names()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself, or, where only its line of help is wanted, a stand-in for it."""
        if ctx.meta.get(_HELP):
            return self._stand_in(cmd_name)
        if cmd_name in VERBS:
            return cast(click.Command, _load(VERBS[cmd_name][0]))
        name = registry.normalise(cmd_name)
        if name in registry.names():
            return cast(click.Command, _load("harness.commands.run:for_benchmark")(name))
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a verb; an unknown one is refused with the nearest known one.

        Raises:
            ConfigError: there is no such verb.
        """
        if args and self.get_command(ctx, args[0]) is None:
            from harness.documents import nearest

            known = self.list_commands(ctx)
            raise ConfigError(f"{args[0]}: expected a verb or a benchmark, found neither — {nearest(args[0], known)}")
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help of all verbs without importing any."""
        ctx.meta[_HELP] = True
        super().format_help(ctx, formatter)

    def _stand_in(self, name: str) -> click.Command:
        text = VERBS[name][1] if name in VERBS else f"Run it: {registry.title(name)}."
        return click.RichCommand(name=name, help=text)


_HELP = "harness.cli.help"


@click.group(
    cls=Verbs,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
@click.version_option(package_name="sciml-bench", prog_name="sciml-bench")
@click.pass_context
def cli(ctx: click.Context) -> int:
    """Benchmarks of scientific machine learning, run under mpirun and judged.

    Without a verb, every benchmark runs with its defaults. `sciml-bench BENCHMARK --help` shows its hyperparameters.
    """
    if ctx.invoked_subcommand is None:
        return int(ctx.invoke(cast(click.Command, _load(VERBS["run"][0]))) or 0)
    return 0


def main(arguments: list[str] | None = None) -> int:
    """The program `sciml-bench`; returns the exit code of harness/errors.py."""
    streams.prepare()
    return guarded(lambda: _main(arguments))


def _main(arguments: list[str] | None) -> int:
    try:
        code = cli.main(arguments, prog_name="sciml-bench", standalone_mode=False)
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        sys.stderr.write(f"sciml-bench: {error.format_message()}\n")
        return error.exit_code
    return code if isinstance(code, int) else 0


def _load(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)

"""`report RUN…`: write a run's page anew."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from harness.errors import ConfigError


@click.command("report")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN…")
def command(runs: tuple[Path, ...]) -> None:
    """Write report.html into run directories: one self-contained page each."""
    from harness.report.page import write_report

    for run in runs:
        if not (run / "run.json").is_file():
            raise ConfigError(f"{run}: expected a run directory, found no run.json in it — check the path")
        click.echo(write_report(run))

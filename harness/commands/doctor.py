"""`doctor`: what to look at before asking for help, as a block of plain text to paste."""

from __future__ import annotations

import rich_click as click

from harness.errors import Exit


@click.command("doctor")
def command() -> int:
    """Check this machine, with a hint for each fault; exit 0 where no check failed, else 4."""
    from harness.doctor import examine

    failed = 0
    for check in examine():
        failed += check.state == "fail"
        click.echo(f"{check.state:<5} {check.name:<18} {check.found}")
        if check.hint:
            click.echo(f"{'':<24} → {check.hint}")
    click.echo(f"{failed} failed" if failed else "nothing failed")
    return Exit.FAILED if failed else Exit.OK

"""The story of one run, read from top to bottom."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
from dataclasses import dataclass

from rich.console import Console

from harness import (
    dataset,
    display,
    eventfile,
    harness_log,
    judge,
    merge,
    process,
    provenance,
    runconfig,
    rundir,
    summary,
    system,
)
from harness.config import Request, resolve
from harness.configuration import Configuration
from harness.documents import read_json
from harness.errors import FULL, ConfigError, Exit, RunFailed, disk_full_message
from harness.execution import carry_out
from harness.files import write_json
from harness.launch import Launch, prepare
from harness.outcome import Outcome
from harness.paths import ROOT
from harness.rundir import RunDirectory
from harness.stops import Stops
from harness.telemetry import energy, power_log


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a run is to be carried out; nothing of it changes a result."""

    dry_run: bool = False
    """Print the command line and run.json, and start nothing."""

    check: bool = True
    """Judge the run at its end."""

    quiet: bool = False
    """Say nothing but the summary."""

    stop_hopeless: bool = False
    """Stop the run as soon as its log can no longer be compliant."""


def run(request: Request, manner: Manner) -> int:
    """Carry out one run, from the request to the summary; the exit code is that of errors.py.

    Raises:
        Refusal: it was refused before anything was launched, or could not be carried out.
        OSError: the run directory could not be written.
    """
    configuration = resolve(request)
    directory = rundir.plan(configuration.output_dir, configuration.benchmark.name, configuration.implementation.name)
    if manner.dry_run:
        return _show_plan(configuration, directory)
    with Stops() as stops:
        show = display.choose(quiet=manner.quiet)
        try:
            data = dataset.ensure(configuration, say=show.say, stops=stops)
            stops.check()
            rundir.create(directory)
            with rundir.kept(directory):
                write_json(directory.run_json, runconfig.training(configuration, directory, data), mode=0o444)
                _write_system(configuration, directory, data)
                show.say(f"run directory: {directory.root}")

                def announce(launch: Launch, commit: provenance.Commit) -> None:
                    with harness_log.open_log(directory) as log:
                        harness_log.before(log, configuration, data, directory, commit=commit, launch=launch)

                ended = carry_out(
                    configuration,
                    directory,
                    show=show,
                    stops=stops,
                    announce=announce,
                    stop_hopeless=manner.stop_hopeless,
                )
                if configuration.hosts:
                    _write_system(configuration, directory, data)
        finally:
            show.close()
        with rundir.kept(directory):
            return _conclude(configuration, directory, ended, manner)


def _show_plan(configuration: Configuration, directory: RunDirectory) -> int:
    launch = prepare(configuration, directory)
    document = runconfig.training(configuration, directory, None)
    lines = [f"{name}={shlex.quote(value)} \\" for name, value in sorted(launch.variables.items())]
    sys.stdout.write("\n".join([*lines, shlex.join(launch.command), "", json.dumps(document, indent=2), ""]))
    return Exit.OK


def _conclude(configuration: Configuration, directory: RunDirectory, ended: Outcome, manner: Manner) -> int:
    """Telemetry, the merged log, the verdict and the summary: written for a broken run as for a good one."""
    try:
        with harness_log.open_log(directory) as log:
            harness_log.after(log, *_telemetry(directory))
            harness_log.seal(log, directory)
        notes = merge.merge([directory.harness_log, directory.rank0_log], directory.result)
        judgement = judge.judge(directory, configuration.benchmark) if manner.check else judge.NOT_ASKED
        document = {**summary.summarise(configuration, directory, ended, judgement), "merge_notes": notes}
        write_json(directory.root / "summary.json", document)
        _write_report(directory)
    except OSError as error:
        if error.errno in FULL and ended.kind != "ok":
            raise RunFailed(f"{ended.text}\n{disk_full_message(error)}") from None
        raise
    summary.show(document, Console())
    _show_last_words(ended, directory)
    if ended.exit_code != Exit.OK:
        return ended.exit_code
    if judgement.compliant is None and manner.check:
        raise RunFailed(f"no verdict: {judgement.reason}")
    return Exit.NOT_COMPLIANT if judgement.compliant is False else Exit.OK


def _write_system(configuration: Configuration, directory: RunDirectory, data: dataset.DataSet) -> None:
    """Describe this machine, or the nodes where ranks ran on others; what only a person knows is the submission's."""
    who = configuration.submission
    stated = {"submitter": who.org, "division": who.division, "status": who.status, "system_name": who.platform}
    nodes = []
    for path in sorted((directory.root / "nodes").glob("*.json")):
        # A node's own program wrote it: where that failed, its words lie beside it, and the node is left out.
        with contextlib.suppress(ConfigError):
            nodes.append(read_json(path))
    write_json(directory.root / "system.json", system.describe(nodes, stated=stated, data=data.directory))


def _telemetry(directory: RunDirectory) -> tuple[energy.TelemetrySummary | None, str]:
    times = {event.key: event.time_ms for event in eventfile.read(directory.rank0_log)}
    if not {"run_start", "run_stop"} <= times.keys() or times["run_stop"] < times["run_start"]:
        return None, "the log has no run_start and run_stop between which to measure"
    start_ms, stop_ms = times["run_start"], times["run_stop"]
    power_log.write_power_logs(directory.telemetry, directory.root / "power" / "result_0", start_ms, stop_ms)
    return energy.summarise(directory.telemetry, start_ms=start_ms, stop_ms=stop_ms), ""


def _write_report(directory: RunDirectory) -> None:
    """Write report.html in a process of its own: a page that cannot be drawn takes nothing from the run."""
    done = process.run([sys.executable, "-m", "harness", "report", str(directory.root)], timeout_s=300, cwd=ROOT)
    if done.returncode != 0:
        sys.stderr.write(f"no report.html: {done.stderr.strip()}\n")


def _show_last_words(ended: Outcome, directory: RunDirectory) -> None:
    """What the rank that failed first said last, and where the rest of it is."""
    if ended.root_cause is None or ended.kind == "interrupted" or not ended.root_cause.stderr_tail:
        return
    lines = "".join(f"  {line}\n" for line in ended.root_cause.stderr_tail[-5:])
    path = directory.ranks / f"rank-{ended.root_cause.rank:05d}.err"
    sys.stderr.write(f"last lines of {path}:\n{lines}")

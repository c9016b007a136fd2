"""The harness's own events: who runs what where, before the launch; what telemetry saw, after it."""

from __future__ import annotations

import hashlib

from harness import gpus, provenance
from harness.configuration import Configuration
from harness.dataset import DataSet
from harness.eventfile import event_lines
from harness.launch import Launch
from harness.launchers.plan import nodes_used
from harness.paths import ROOT
from harness.rundir import RunDirectory
from harness.telemetry.energy import TelemetrySummary
from logging_spec.emitter import Emitter

SPEC_VERSION = "1.0"


def open_log(directory: RunDirectory) -> Emitter:
    """Open the harness's event file."""
    return Emitter(directory.harness_log, root=ROOT)


def before(
    log: Emitter,
    configuration: Configuration,
    data: DataSet,
    directory: RunDirectory,
    *,
    commit: provenance.Commit,
    launch: Launch,
) -> None:
    """Log all that is known before the ranks start."""
    submission = configuration.submission
    log.point("submission_benchmark", configuration.benchmark.name)
    log.point("submission_org", submission.org)
    log.point("submission_division", submission.division)
    log.point("submission_status", submission.status)
    log.point("submission_platform", submission.platform)
    log.point("spec_version", SPEC_VERSION)
    log.point("run_id", directory.run_id)
    log.point("scale", configuration.scale)
    log.point("cache_clear", False, {"reason": "the harness does not drop the page cache"})
    why = {"reason": commit.reason} if commit.reason else {}
    log.point("code_commit", commit.commit, {"dirty": commit.dirty, **why})
    log.point("dataset_id", data.dataset_id, {"simulated": data.simulated})
    log.point("dataset_manifest_sha256", data.manifest_sha256)
    log.point("number_of_nodes", nodes_used(configuration.hosts, configuration.ranks))
    boards = len(gpus.compute_capabilities())
    log.point("accelerators_per_node", boards, {} if boards else {"reason": "no NVIDIA driver answers on this machine"})
    version = configuration.launcher.version_text
    log.point("launcher", configuration.launcher.family, {"version": version} if version else {})
    log.point("launch_environment", dict(launch.variables))


def after(log: Emitter, summary: TelemetrySummary | None, reason: str) -> None:
    """Log what was recorded while the run went on.

    Args:
        log: the harness's event file.
        summary: what telemetry says of the time between run_start and run_stop; None where there was no such time.
        reason: why there is no summary.
    """
    if summary is None:
        log.point("telemetry", "unavailable", {"source": "all", "reason": reason})
        log.point("energy", None, {"source": "all", "reason": reason})
        return
    for fact in summary.sources:
        why = {"reason": fact.reason} if fact.reason else {}
        log.point("telemetry", fact.status, {"source": fact.source, "host": fact.host, **why})
    for problem in summary.problems:
        log.point("telemetry", "unavailable", {"source": "recording", "reason": problem})
    for energy in summary.energies:
        why = {"reason": energy.reason} if energy.reason else {}
        log.point("energy", energy.energy_j, {"source": energy.source, **why})


def seal(log: Emitter, directory: RunDirectory) -> None:
    """Log what rank 0's file holds now that the run is over: the last event of this file.

    Raises:
        OSError: rank 0's file is there and cannot be read.
    """
    digest, count = hashlib.sha256(), 0
    for line in event_lines(directory.rank0_log):
        digest.update(line)
        count += 1
    log.point("log_seal", digest.hexdigest(), {"events_file": directory.rank0_log.name, "lines": count})

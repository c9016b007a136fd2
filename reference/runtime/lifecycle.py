"""The life cycle of a run as events: intervals that are opened and closed in pairs, and facts of the start."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from logging_spec.emitter import Emitter

from .runconfig import ROOT, RunConfig


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a backend measured about itself; logged as it is, and never copied from the configuration."""

    framework: str
    """Name of the framework."""

    framework_version: str
    """Its version."""

    horovod_version: str
    """Version of Horovod."""

    device: str
    """Name of the device that this rank computes on."""

    device_kind: str
    """`cpu` or `gpu`."""

    threads: int
    """Compute threads of this rank, as the framework reports them."""

    ranks: int
    """World size, as Horovod reports it."""

    parameters: int
    """Trainable parameters, counted on the model that was built."""


class EventLog(Emitter):
    """A rank's event file. Every rank writes its intervals, so that a slow one can be found; rank 0 writes the rest."""

    def point(self, key: str, value: Any = None, metadata: dict[str, Any] | None = None) -> None:
        """Log that something is so, or happened, now; only rank 0 writes it."""
        if self.rank == 0:
            self._write("POINT_IN_TIME", key, value, metadata)

    def __enter__(self) -> EventLog:
        return self

    def interval(self, name: str, **metadata: Any) -> Interval:
        """Return the context manager of the pair `<name>_start`, `<name>_stop`; `metadata` is written with both."""
        return Interval(log=self, name=name, metadata=metadata)


@dataclass(kw_only=True)
class Interval:
    """A pair of events around a block. Where the block raises, only the run's pair is closed, and says why."""

    log: EventLog
    """File that the events go to."""

    name: str
    """Key without its ending."""

    metadata: dict[str, Any]
    """Written with both events."""

    stop: dict[str, Any] = field(default_factory=dict)
    """Written with the second event as well; the block fills it in."""

    def __enter__(self) -> Interval:
        self.log._write("INTERVAL_START", f"{self.name}_start", None, self.metadata)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            if self.name != "run":
                return
            reason = (str(error).splitlines() or [""])[0][:1000]
            self.stop = {**self.stop, "status": "aborted", "reason": f"{type(error).__name__}: {reason}"}
        self.log._write("INTERVAL_END", f"{self.name}_stop", None, {**self.metadata, **self.stop})


def open_log(run: RunConfig, rank: int) -> EventLog:
    """Open this rank's event file, `events/rank%05d.mllog`."""
    run.output.events.mkdir(parents=True, exist_ok=True)
    return EventLog(run.output.events / f"rank{rank:05d}.mllog", rank=rank, root=ROOT)


def log_facts(log: EventLog, run: RunConfig, facts: Facts, hosts: int) -> None:
    """Log who computes what on what, as the backend measured it."""
    versions = {"version": facts.framework_version, "horovod": facts.horovod_version}
    log.point("implementation", run.implementation)
    log.point("framework", facts.framework, versions)
    log.point("number_of_ranks", facts.ranks, {"hosts": hosts})
    log.point("device", facts.device, {"kind": facts.device_kind})
    log.point("threads_per_rank", facts.threads)
    log.point("seed", run.seed)
    log.point("deterministic", run.deterministic)
    log.point("precision", run.precision)
    log.point("model_parameters", facts.parameters)
    log.point("hyperparameters", run.hyperparameters)

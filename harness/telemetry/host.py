"""The host, and the processes of the run on it, through psutil."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import psutil

from harness.telemetry.source import Item
from logging_spec.ranks import from_environment

RUN_MARKER = "SCIML_RUN_ID"
"""Environment variable that the harness gives to every process of a run."""


class Host:
    """Processor, memory, disk and network of the whole node, whoever uses them."""

    name = "host"

    def __init__(self) -> None:
        psutil.cpu_percent(None)  # the first call has nothing to compare with

    def facts(self) -> dict[str, Any]:
        """Return the number of logical processors and the memory in bytes."""
        return {"logical_cpus": psutil.cpu_count(), "memory_bytes": psutil.virtual_memory().total}

    def read(self) -> list[Item]:
        """Read the load of the node; disk and network are counters since it booted, in bytes."""
        memory = psutil.virtual_memory()
        item: Item = {
            "id": "host",
            "cpu_percent": psutil.cpu_percent(None),
            "memory_used_bytes": memory.total - memory.available,
            "load_1min": os.getloadavg()[0],
        }
        disk = _or_none(psutil.disk_io_counters)
        net = _or_none(psutil.net_io_counters)
        if disk is not None:
            item |= {"disk_read_bytes": disk.read_bytes, "disk_written_bytes": disk.write_bytes}
        if net is not None:
            item |= {"net_sent_bytes": net.bytes_sent, "net_received_bytes": net.bytes_recv}
        return [item]

    def close(self) -> None:
        """Hold nothing."""


class Ranks:
    """The processes of the run on this node: those with its marker, and all that descend from the sampler's parent."""

    name = "ranks"
    SIGHTINGS = 2  # a process seen between fork and exec still shows its parent's environment: look at it once more

    def __init__(self, run_id: str | None, parent_pid: int) -> None:
        self._run_id = run_id
        self._parent_pid = parent_pid
        self._own: dict[int, psutil.Process] = {}
        self._sightings: dict[int, int] = {}

    def facts(self) -> dict[str, Any]:
        """Return how the processes of the run are told from others."""
        return {"run_id": self._run_id, "parent_pid": self._parent_pid}

    def read(self) -> list[Item]:
        """Read processor share (100 is one processor) and resident memory of each; one that just ended is left out."""
        self._look_for_new()
        return [item for process in list(self._own.values()) if (item := self._read_one(process)) is not None]

    def close(self) -> None:
        """Hold nothing."""

    def _read_one(self, process: psutil.Process) -> Item | None:
        try:
            if not process.is_running():  # the pid may by now belong to a stranger
                raise psutil.NoSuchProcess(process.pid)
            with process.oneshot():
                return {
                    "id": str(process.pid),
                    "name": process.name(),
                    "rank": _rank(process),
                    "cpu_percent": process.cpu_percent(None),
                    "rss_bytes": process.memory_info().rss,
                    "threads": process.num_threads(),
                }
        except psutil.Error:
            self._own.pop(process.pid, None)
            return None

    def _look_for_new(self) -> None:
        alive = psutil.pids()
        self._sightings = {pid: self._sightings[pid] for pid in alive if pid in self._sightings}
        for pid in alive:
            sightings = self._sightings.get(pid, 0)
            if pid in self._own or sightings >= self.SIGHTINGS:
                continue
            self._sightings[pid] = sightings + 1
            process = self._of_run(pid)
            if process is not None:
                self._own[pid] = process

    def _of_run(self, pid: int) -> psutil.Process | None:
        if pid == os.getpid():
            return None
        try:
            process = psutil.Process(pid)
            related = pid == self._parent_pid or process.ppid() in {self._parent_pid, *self._own}
            if related or (self._run_id is not None and process.environ().get(RUN_MARKER) == self._run_id):
                process.cpu_percent(None)  # the first call has nothing to compare with
                return process
        except psutil.Error:
            pass  # ended meanwhile, or another user's
        return None


def _rank(process: psutil.Process) -> int | None:
    try:
        place = from_environment(process.environ())
    except (psutil.Error, ValueError):
        return None
    return None if place.launcher == "none" else place.rank


def _or_none(counters: Callable[[], Any]) -> Any:
    """Read counters that some containers hide."""
    try:
        return counters()
    except (OSError, RuntimeError, NotImplementedError):
        return None

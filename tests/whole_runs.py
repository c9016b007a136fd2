"""Tools for tests of whole runs: a data set that costs nothing, and the command line as its user meets it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FAKES = ROOT / "tests" / "conformance" / "fakes"


@dataclass(kw_only=True)
class Finished:
    """A call of the command line that ended."""

    code: int
    """Its exit code."""

    stdout: str
    """Its output."""

    stderr: str
    """Its error output."""

    directory: Path | None
    """The run directory, where it made one."""

    def document(self, name: str) -> dict[str, Any]:
        """A JSON document of the run directory."""
        assert self.directory is not None, self.stderr
        return json.loads((self.directory / f"{name}.json").read_text(encoding="utf-8"))

    def events(self) -> list[dict[str, Any]]:
        """The judged log."""
        assert self.directory is not None, self.stderr
        lines = (self.directory / "result_0.txt").read_text(encoding="utf-8").splitlines()
        return [json.loads(line.removeprefix(":::MLLOG ")) for line in lines]


@dataclass(kw_only=True)
class Bench:
    """`sciml-bench` with its own data and output folders."""

    data: Path
    """Folder of the fake data set."""

    output: Path
    """Folder for run directories."""

    environment: dict[str, str] = field(default_factory=lambda: {**os.environ})
    """Environment of the calls."""

    started: list[subprocess.Popen[str]] = field(default_factory=list)
    """Calls that are under way."""

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start it as it is."""
        child = subprocess.Popen(
            [sys.executable, "-m", "harness", *map(str, arguments)],
            cwd=ROOT,
            env={**self.environment, "SCIML_BENCH_OUTPUT": str(self.output)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.started.append(child)
        return child

    def start_fake(self, behave: str, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start a run of the stand-in."""
        implementation = FAKES / f"{behave}.json"
        return self.start("slstr_cloud", "-i", implementation, "--scale", "tiny", "--data-dir", self.data, *arguments)

    def finish(self, child: subprocess.Popen[str], seconds: float = 120.0) -> Finished:
        """Wait for a call."""
        stdout, stderr = child.communicate(timeout=seconds)
        found = sorted(self.output.glob("*/*/*/"))
        return Finished(code=child.returncode, stdout=stdout, stderr=stderr, directory=found[-1] if found else None)

    def run(self, *arguments: str | Path, seconds: float = 120.0) -> Finished:
        """Call it as it is."""
        return self.finish(self.start(*arguments), seconds)

    def run_fake(self, behave: str, *arguments: str | Path) -> Finished:
        """Run the stand-in."""
        return self.finish(self.start_fake(behave, *arguments))

    def wait_for(self, key: str, seconds: float = 60.0) -> Path:
        """Wait until rank 0 has logged an event; the run directory."""
        return wait_until(lambda: self._logged(key), f"the event {key}", seconds)

    def run_ids(self) -> list[str]:
        """Every run that was started."""
        return [path.name for path in self.output.glob("*/*/*/")]

    def processes(self) -> list[str]:
        """Processes that carry the mark of one of these runs, other than the command line's own."""
        return [line for run_id in self.run_ids() for line in marked(run_id)]

    def _logged(self, key: str) -> Path | None:
        for log in self.output.glob("*/*/*/events/rank00000.mllog"):
            if f'"{key}"' in log.read_text(encoding="utf-8", errors="replace"):
                return log.parents[1]
        return None


def marked(run_id: str) -> list[str]:
    """Living processes whose environment names a run, found without the suite's own code."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            state = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"SCIML_RUN_ID={run_id}\0".encode() in environment and state not in "ZX":
            found.append(f"{folder.name} {command}")
    return found


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """Wait for something to come true, and return it; the limit is for a broken suite, not a measurement."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come within {seconds:g} s")


def make_fake_data(folder: Path) -> Path:
    """A data set of the tiny scale's name whose files hold nothing that can be trained on."""
    files = []
    for split in ("train", "test"):
        path = folder / split / "S3A_fake.hdf"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(2048))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        files.append({"path": f"{split}/{path.name}", "size": path.stat().st_size, "sha256": digest})
    manifest = {
        "manifest_version": 1,
        "dataset": "slstr_cloud",
        "dataset_id": "slstr_cloud-sim-tiny-v1",
        "simulated": True,
        "licence": "none",
        "layout": {},
        "splits": {split: [f"{split}/S3A_fake.hdf"] for split in ("train", "test")},
        "files": files,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder

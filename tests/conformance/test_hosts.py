"""Several machines, played by one: Open MPI's daemons start through an agent that renames the host they see."""

from __future__ import annotations

import json
import subprocess

import pytest
from whole_runs import wait_until

AGENT = """\
#!/bin/bash
while [[ "$1" == -* ]]; do shift; done
host=$1; shift
exec unshare --uts bash -c "hostname $host; $*"
"""


@pytest.fixture
def two_machines(bench, tmp_path):
    """Environment in which mpirun reaches the machines `nodea` and `nodeb`."""
    tried = subprocess.run(["unshare", "--uts", "hostname", "elsewhere"], capture_output=True, text=True)
    if tried.returncode != 0:
        pytest.skip(f"a process cannot have a host name of its own here: {tried.stderr.strip()}")
    agent = tmp_path / "agent"
    agent.write_text(AGENT)
    agent.chmod(0o755)
    bench.environment |= {"PRTE_MCA_plm_ssh_agent": str(agent), "OMPI_MCA_plm_rsh_agent": str(agent)}
    return bench


@pytest.mark.mpi
def test_a_run_on_two_machines(two_machines):
    run = two_machines.run_fake("slow", "--hosts", "nodea:1,nodeb:2")
    assert run.code == 0, run.stdout + run.stderr
    records = [json.loads(path.read_text()) for path in sorted((run.directory / "ranks").glob("*.exit.json"))]
    assert [record["host"] for record in records] == ["nodea", "nodeb", "nodeb"]
    values = {event["key"]: event["value"] for event in run.events()}
    assert (values["number_of_ranks"], values["number_of_nodes"]) == (3, 2)
    assert {path.stem for path in (run.directory / "telemetry").glob("*.jsonl")} == {"nodea", "nodeb"}
    nodes = run.document("system")["nodes"]
    assert [node["host"]["value"] for node in nodes] == ["nodea", "nodeb"]


@pytest.mark.mpi
def test_a_killed_harness_takes_other_machines_along(two_machines):
    child = two_machines.start_fake("ignore-term", "--hosts", "nodea:1,nodeb:1")
    two_machines.wait_for("checkpoint")
    child.kill()
    child.communicate()
    wait_until(lambda: not two_machines.processes(), "the end of the ranks")


@pytest.mark.slow
@pytest.mark.mpi
@pytest.mark.parametrize("form", ["files", "samples"])
def test_each_of_two_machines_stages_a_copy_of_its_own(two_machines, tiny_data, tmp_path, form):
    folder = tmp_path / "scratch"
    folder.mkdir()
    words = ("dms_classifier", "-i", "pt", "--scale", "tiny", "--epochs", 1, "--data-dir", tiny_data)
    staging = ("--stage", folder, "--stage-as", form)
    run = two_machines.run("run", *words, "--hosts", "nodea:1,nodeb:2", *staging, seconds=560)
    assert run.document("launch")["outcome"]["kind"] == "ok", run.stderr
    stops = [staging_stop(run.directory / "events" / f"rank{rank:05d}.mllog") for rank in range(3)]
    size = sum(path.stat().st_size for path in tiny_data.glob("dms_classifier-*/**/*.h5"))
    written = [stop.get("bytes", 0) for stop in stops]
    assert written[0] == written[1] == size, "the first rank of each machine speaks of its copy"
    assert written[2] == 0, "the second rank of nodeb wrote a share of the first one's"
    assert not list(folder.iterdir()), "the copies go with the run"


def staging_stop(log):
    """What a rank says of its copy at the end of staging."""
    events = [json.loads(line.removeprefix(":::MLLOG ")) for line in log.read_text(encoding="utf-8").splitlines()]
    (stop,) = [event for event in events if event["key"] == "staging_stop"]
    return stop["metadata"]

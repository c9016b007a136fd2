"""Whole command lines, token by token."""

from __future__ import annotations

import pytest

from harness.errors import ConfigError
from harness.launchers import LAUNCHERS
from harness.launchers.detect import parse_version
from harness.launchers.plan import Host, LaunchPlan, nodes_used, parse_hostfile, parse_hosts, ranks_per_node

PROGRAM = ("python", "-m", "harness.rank", "--", "a b", "$HOME; reboot")
TWO_HOSTS = (Host(name="a", slots=2), Host(name="b", slots=2))


def plan(**changes):
    return LaunchPlan(**{"argv": PROGRAM, "ranks": 4, "mpirun": "/opt/mpirun", **changes})


@pytest.mark.parametrize(
    ("family", "changes", "tokens"),
    [
        ("local", {"ranks": 1}, []),
        (
            "openmpi", {"version": (5, 0, 11)},
            ["/opt/mpirun", "-np", "4", "--bind-to", "none", "--map-by", "slot:OVERSUBSCRIBE"],
        ),
        (
            "openmpi", {"version": (4, 1, 4)},
            ["/opt/mpirun", "-np", "4", "--bind-to", "none", "--map-by", "slot", "--oversubscribe"],
        ),
        (
            "openmpi", {"version": (5, 0, 11), "hosts": TWO_HOSTS, "forward": ("PATH", "SEED")},
            ["/opt/mpirun", "-np", "4", "--bind-to", "none", "--map-by", "slot", "--host", "a:2,b:2",
             "-x", "PATH", "-x", "SEED"],
        ),
        (
            "mpich", {"hosts": TWO_HOSTS, "forward": ("PATH", "SEED")},
            ["/opt/mpirun", "-n", "4", "-bind-to", "none", "-hosts", "a:2,b:2", "-genvlist", "PATH,SEED"],
        ),
        ("mpich", {}, ["/opt/mpirun", "-n", "4", "-bind-to", "none"]),
        (
            "srun", {"mpirun": "/usr/bin/srun", "hosts": TWO_HOSTS, "forward": ("PATH",)},
            ["/usr/bin/srun", "--ntasks=4", "--mpi=pmix", "--kill-on-bad-exit=1", "--cpu-bind=none", "--nodes=2",
             "--nodelist=a,b", "--export=PATH"],
        ),
    ],
)  # fmt: skip
def test_command_lines(family, changes, tokens):
    assert LAUNCHERS[family](plan(**changes)) == [*tokens, *PROGRAM]


def test_many_hosts_are_reached_without_a_tree_by_open_mpi_4():
    hosts = tuple(Host(name=f"n{number}", slots=1) for number in range(65))
    tokens = LAUNCHERS["openmpi"](plan(ranks=65, hosts=hosts, version=(4, 1, 4)))
    assert tokens[tokens.index("--mca") : tokens.index("--mca") + 3] == ["--mca", "plm_rsh_no_tree_spawn", "1"]
    assert "--mca" not in LAUNCHERS["openmpi"](plan(ranks=65, hosts=hosts, version=(5, 0, 0)))


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("mpirun (Open MPI) 5.0.11\n\nReport bugs to …", ("openmpi", (5, 0, 11))),
        ("mpirun (Open MPI) 4.1.4\n", ("openmpi", (4, 1, 4))),
        ("HYDRA build details:\n    Version:                                 5.0.2\n", ("mpich", (5, 0, 2))),
        ("Intel(R) MPI Library for Linux* OS, Version 2021.9 Build 2023", ("mpich", (2021, 9))),
        ("something else 1.2.3", None),
    ],
)
def test_versions(text, known):
    assert parse_version(text) == known


def test_hosts_and_their_slots():
    assert parse_hosts("a:2, b.example.org") == (Host(name="a", slots=2), Host(name="b.example.org", slots=1))
    assert [nodes_used(TWO_HOSTS, ranks) for ranks in (1, 2, 3, 4)] == [1, 1, 2, 2]
    assert nodes_used((), 8) == 1
    assert [ranks_per_node(TWO_HOSTS, ranks) for ranks in (1, 3)] == [1, 2]
    assert ranks_per_node((), 3) == 3


def test_a_hostfile(tmp_path):
    path = tmp_path / "hosts"
    path.write_text("# the machines\na slots=2\n\nb   # one\n")
    assert parse_hostfile(path) == (Host(name="a", slots=2), Host(name="b", slots=1))
    path.write_text("a slots=2\nb slots=two\n")
    with pytest.raises(ConfigError, match="hosts:2: expected NAME slots=N, found 'b slots=two'"):
        parse_hostfile(path)
    path.write_text("# none\n")
    with pytest.raises(ConfigError, match="expected at least one host"):
        parse_hostfile(path)

"""The doctor: every check answers, and a check that breaks is one that failed."""

from __future__ import annotations

import pytest

from harness import doctor
from harness.cli import main
from harness.errors import RunFailed
from harness.launchers.detect import Launcher


def broken() -> doctor.Check:
    """A check that cannot be made."""
    raise RunFailed("mpirun: expected an end within 30 s, found none")


def good() -> doctor.Check:
    """A check that finds all well."""
    return doctor.Check(name="good", state="ok", found="all well")


@pytest.mark.parametrize(("checks", "code"), [((good,), 0), ((good, broken), 4)])
def test_the_exit_code_says_whether_a_check_failed(monkeypatch, capsys, checks, code):
    monkeypatch.setattr(doctor, "CHECKS", checks)
    assert main(["doctor"]) == code
    shown = capsys.readouterr().out
    assert "ok    good               all well\n" in shown
    assert ("fail  broken             mpirun: expected an end within 30 s" in shown) == (code == 4)


def test_another_mpi_than_the_launchers_is_a_fault(monkeypatch):
    monkeypatch.setattr(doctor.detect, "find_mpirun", lambda: Launcher(family="openmpi", program="x", version=(5,)))
    monkeypatch.setattr(doctor, "_python", lambda _: "MPICH Version: 4.0")
    assert doctor.mpi_library().state == "fail"
    monkeypatch.setattr(doctor, "_python", lambda _: "Open MPI v5.0.11, package: …")
    assert doctor.mpi_library().state == "ok"


def test_threads_that_the_user_has_set_are_pointed_out(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    found = doctor.cores()
    assert found.state == "warn"
    assert found.hint.startswith("OMP_NUM_THREADS in your environment goes before")


def test_writes_are_tried_where_runs_will_be_written(monkeypatch, tmp_path):
    monkeypatch.setenv("SCIML_BENCH_OUTPUT", str(tmp_path / "later"))
    assert doctor.whole_writes().state == "ok"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.mpi
def test_this_environment_is_in_order():
    assert [check for check in doctor.examine() if check.state == "fail"] == []

"""The run directory: what is said where it cannot be made, or fails during a run."""

from __future__ import annotations

import errno
import resource
import shutil

import pytest

from harness import rundir
from harness.errors import ConfigError, RunFailed


@pytest.fixture
def directory(tmp_path):
    made = rundir.plan(tmp_path, "bench", "pt")
    rundir.create(made)
    return made


@pytest.mark.parametrize(
    ("folder", "found"),
    [
        ("file/below", "Not a directory — choose a folder that you may write to"),
        ("x" * 300, "File name too long — choose a shorter path"),
    ],
)
def test_an_output_folder_that_cannot_be_is_refused(tmp_path, folder, found):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError) as refusal:
        rundir.create(rundir.plan(tmp_path / folder, "bench", "pt"))
    assert str(refusal.value).startswith(f"--output-dir: {tmp_path / folder}")
    assert str(refusal.value).endswith(f"expected a folder for the run, found: {found}")


def test_a_limit_of_a_files_size_is_refused(tmp_path):
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limit[1]))
    try:
        with pytest.raises(ConfigError, match="File too large — raise the limit of a file's size, `ulimit -f`"):
            rundir.create(rundir.plan(tmp_path, "bench", "pt"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)


def test_what_fails_elsewhere_or_for_want_of_room_has_its_own_words(directory, tmp_path):
    for error in (
        OSError(errno.ENOSPC, "x", str(directory.run_json)),
        OSError(errno.EIO, "x", str(tmp_path / "elsewhere")),
        OSError(errno.EIO, "x"),
    ):
        with pytest.raises(OSError) as raised, rundir.kept(directory):  # noqa: PT011 - the very one is asserted
            raise error
        assert raised.value is error


def test_a_folder_that_fails_is_a_failed_run(directory):
    words = r"verdict\.json: expected the folder of the run, found: Input/output error — "
    with pytest.raises(RunFailed, match=words), rundir.kept(directory):
        raise OSError(errno.EIO, "Input/output error", str(directory.root / "verdict.json"))


@pytest.mark.parametrize("move", [shutil.rmtree, lambda path: path.rename(path.with_name("moved"))])
def test_a_folder_that_goes_during_a_run(bench, move):
    child = bench.start_fake("slow", "--np", "1")
    root = bench.wait_for("tracked_stats")
    move(root)
    run = bench.finish(child)
    assert run.code == 4
    assert "how the run ended: " in run.stderr
    assert f"{root}/launch.json: expected the folder of the run, found: No such file or directory" in run.stderr
    assert "crash report" not in run.stderr

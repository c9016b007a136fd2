"""Whatever files, streams and callers do, the checker ends with one of its exit codes and a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from checking import GOLDEN, check

from compliance import judge as judging

ROOT = GOLDEN.parents[1]
VALID, INVALID = GOLDEN / "valid" / "slstr_cloud-pt.mllog", GOLDEN / "invalid" / "samples-001.mllog"


def shell(script: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which `$check` is the checker, in the checkout, with a time limit."""
    line = f'check="{sys.executable} -m compliance check"; {script}'
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(
        ["bash", "-c", line, "bash", *map(str, arguments)],
        cwd=ROOT,
        env={**buffered, **environment},
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("log", [VALID, INVALID])
def test_a_reader_that_leaves_early_changes_no_exit_code(log: Path) -> None:
    done = shell('$check "$1" | true; exit ${PIPESTATUS[0]}', log)
    assert done.returncode == (0 if log == VALID else 1)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("script", "code", "words"),
    [
        ('$check "$1" > /dev/full', 2, "stdout: No space left on device"),
        ('$check "$1" >&-', 2, "stdout: expected a stream, found it closed"),
        ('$check "$1" 2>&-', 1, ""),
        ("$check no-such-log 2>/dev/full", 2, ""),
        ("$check no-such-log 2>&- >&-", 2, ""),
        ('$check "$1" <&-', 1, ""),
    ],
)
def test_streams_that_take_nothing(script: str, code: int, words: str) -> None:
    done = shell(script, INVALID)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-16", "cp037", "shift_jis"])
@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit", "github"])
def test_encodings_of_stdout(encoding: str, form: str, tmp_path: Path) -> None:
    odd = tmp_path / "é\n€"
    odd.write_bytes(INVALID.read_bytes())
    done = shell(f'$check "$1" --format {form} | cat', odd, PYTHONIOENCODING=encoding)
    assert done.stderr == ""
    assert done.stdout


def test_special_files_are_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    done = shell('$check "$1" /dev/zero /nowhere', pipe)
    assert done.returncode == 2
    assert done.stderr.count("found something else") == 2
    assert done.stderr.count("found nothing") == 1
    assert shell('$check "$1" --benchmark "$2"', VALID, pipe).returncode == 2
    assert shell('$check "$1" --benchmark /dev/zero', VALID).returncode == 2


@pytest.mark.parametrize("file", ["run.json", "result_0.txt"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "loop"])
def test_special_files_in_a_run_directory(file: str, kind: str, tmp_path: Path) -> None:
    run = GOLDEN / "valid" / "run-directory"
    for name in ("run.json", "result_0.txt"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    path = tmp_path / file
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path)
    done = shell('$check "$1"', tmp_path)
    assert done.returncode == 1
    assert "sciml-run-001" in done.stdout


def test_names_that_look_like_options(tmp_path: Path) -> None:
    (tmp_path / "--format").write_bytes(INVALID.read_bytes())
    done = shell('cd "$1" && PYTHONPATH="$2" $check -- --format', tmp_path, ROOT)
    assert done.returncode == 1
    assert done.stdout.startswith("--format:44: sciml-samples-001")
    assert shell('cd "$1" && PYTHONPATH="$2" $check --format', tmp_path, ROOT).returncode == 2


def test_a_long_path_is_printed_whole(tmp_path: Path) -> None:
    log = tmp_path / ("long" * 30)
    log.write_bytes(INVALID.read_bytes())
    assert check(log).out.startswith(f"{log}:44: ")


def test_a_log_that_cannot_be_read_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = judging.judge

    def refuse(path: Path, *rest: object) -> object:
        if path == VALID:
            raise PermissionError(13, "Permission denied", str(path))
        return whole(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(judging, "judge", refuse)
    answer = check(VALID, INVALID)
    assert answer.code == 2
    assert answer.err == f"compliance: {VALID}: Permission denied — name a file that can be read\n"
    assert answer.lines[0].startswith(f"{INVALID}:44: ")
    assert check(VALID).out == ""


def test_a_log_as_large_as_a_disk_takes_no_memory(tmp_path: Path) -> None:
    """A sparse file: a gigabyte of zeros is one line that is too long."""
    log = tmp_path / "log"
    with log.open("wb") as file:
        file.truncate(1 << 30)
    done = shell('ulimit -v 400000; $check "$1"', log)
    assert done.returncode == 1
    assert "sciml-file-004 line: expected at most 65536 bytes, found 1073741824 bytes" in done.stdout

"""The one door from exceptions to exit codes."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

from harness import errors


def raising(error):
    def program():
        raise error

    return program


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (errors.ConfigError("a: b"), 2, "sciml-bench: a: b\n"),
        (errors.DataError("a: b"), 3, "sciml-bench: a: b\n"),
        (errors.RunFailed("a: b"), 4, "sciml-bench: a: b\n"),
        (errors.Stopped(2), 130, "sciml-bench: interrupted\n"),
        (errors.Stopped(15), 143, "sciml-bench: stopped\n"),
        (KeyboardInterrupt(), 130, "sciml-bench: interrupted\n"),
        (OSError(errno.ENOSPC, "x", "/out/run.json"), 4,
         "sciml-bench: /out/run.json: no space left — free some space or choose another folder with --output-dir\n"),
        (OSError(errno.EACCES, "Permission denied", "/out"), 2,
         "sciml-bench: /out: Permission denied — choose a folder that you may write to\n"),
    ],
)  # fmt: skip
def test_messages_and_codes(capsys, error, code, message):
    assert errors.guarded(raising(error)) == code
    assert capsys.readouterr().err == message


def test_the_unforeseen_leaves_a_report_and_no_traceback(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv(errors.DEBUG_VARIABLE, raising=False)
    assert errors.guarded(raising(ValueError("odd"))) == 5
    text = capsys.readouterr().err
    assert "Traceback" not in text
    report = Path(re.search(r"a crash report is in (\S+);", text)[1])
    assert report.parent == tmp_path
    content = report.read_text(encoding="utf-8")
    assert "ValueError: odd" in content
    assert "Traceback" in content


def test_debugging_shows_the_traceback(monkeypatch):
    monkeypatch.setenv(errors.DEBUG_VARIABLE, "1")
    with pytest.raises(ValueError, match="odd"):
        errors.guarded(raising(ValueError("odd")))


def test_the_table_lists_every_code():
    listed = {int(number) for number in re.findall(r"^\| (\d) \|", errors.__doc__, re.MULTILINE)}
    assert listed == {int(code) for code in errors.Exit}


def test_a_program_that_ends_well():
    assert errors.guarded(lambda: 0) == 0

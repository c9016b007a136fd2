"""Whole writes: all of a file or the one before it, and nothing beside it."""

from __future__ import annotations

import os

import pytest

from harness import files


def test_a_file_is_replaced_whole_with_its_mode(tmp_path):
    path = tmp_path / "a.json"
    files.write_json(path, {"b": 1, "a": "é"}, mode=0o444)
    assert path.read_text(encoding="utf-8") == '{\n  "b": 1,\n  "a": "é"\n}\n'
    assert path.stat().st_mode & 0o777 == 0o444
    files.write_json(path, {})
    assert os.listdir(tmp_path) == ["a.json"]


def test_what_is_not_json_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert os.listdir(tmp_path) == []


def test_a_tail_is_fit_to_be_shown(tmp_path):
    path = tmp_path / "err"
    path.write_bytes(b"first\n" + b"x" * 20000 + b"\nred \x1b[31m\x00 \xff\n\nlast\n")
    assert files.tail(path, lines=2) == ["red �[31m� �", "last"]
    assert files.tail(tmp_path / "absent", lines=3) == []

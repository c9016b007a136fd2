"""The one door for the harness's file writes: whole files or none. Standard library only; the rank wrapper uses it."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from logging_spec.whole import whole_file


def write_whole(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write `data` to `path` so that a reader sees all of it or the file that was there before.

    Raises:
        OSError: it could not be written; nothing is left behind, and `filename` is `path`.
    """
    with whole_file(path, mode=mode) as file:
        file.write(data)


def write_json(path: Path, value: Any, *, mode: int = 0o644) -> None:
    """Write a JSON document whole, for people too: indented, names in the order given.

    Raises:
        ValueError: the value holds NaN, Infinity or something that is not JSON.
        OSError: it could not be written.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_whole(path, f"{text}\n".encode(), mode=mode)


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tail(path: Path, *, lines: int, limit_bytes: int = 16384) -> list[str]:
    """Return the last lines of a text file, fit to be shown; none where it cannot be read.

    Bytes that are no text, and control characters that would drive a terminal, become replacement characters.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - limit_bytes))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    clean = "".join(char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in text)
    return [line[:500] for line in clean.split("\n") if line.strip()][-lines:]

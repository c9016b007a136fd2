"""Write files whole: a reader finds the old file or the new one, never a half of either."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: Path, *, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path`, and give it that name once the block has ended and the disk has it.

    The temporary name, which is the file's `name`, is unique, so that two writers of one file never write into one
    another's.

    Raises:
        OSError: the file cannot be written; none is left behind, the one before it stands, and `filename` is `path`.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        try:
            with open(name, "wb", opener=lambda *_: handle) as file:  # which knows its name, as an fdopen would not
                yield file
                file.flush()
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
        sync_folder(path.parent)
    except OSError as error:
        if error.errno is None:  # a library's own error, whose words would be lost
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a loss of power.

    Raises:
        OSError: the folder cannot be opened or synced.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

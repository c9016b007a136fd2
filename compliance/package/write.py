"""Write a package: the same files make the same bytes, whole or not at all, and nothing that is there is replaced."""

from __future__ import annotations

import io
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from logging_spec.whole import sync_folder

Source = bytes | Path
"""Content of a file, or the file that holds it."""

Files = Mapping[str, Source]
"""Files by their names in the package."""

FILE_MODE, PROGRAM_MODE, FOLDER_MODE = 0o644, 0o755, 0o755
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold: when a package was made is no part of it."""

UNIX = 3


def writer_of(path: Path) -> Callable[[Files, Path], None]:
    """Return what writes a package of the kind that the name of `path` says."""
    endings = {".tar": _write_tar, ".zip": _write_zip}
    return endings.get(path.suffix.lower(), _write_folder)


@contextmanager
def published(path: Path) -> Iterator[Path]:
    """Give the name of a package to write; once the block has ended, what stands there becomes `path`.

    Raises:
        FileExistsError: `path` is there; it is left as it is.
        OSError: the package cannot be written; nothing is left of it.
    """
    if path.exists() or path.is_symlink():
        raise FileExistsError(17, "exists already", str(path))
    scratch = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part"))
    try:
        draft = scratch / path.name
        yield draft
        _claim(path, folder=draft.is_dir())
        os.replace(draft, path)
        sync_folder(path.parent)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def content_of(source: Source) -> bytes:
    """Return the bytes of a file.

    Raises:
        OSError: it cannot be read.
    """
    return source if isinstance(source, bytes) else source.read_bytes()


def _claim(path: Path, *, folder: bool) -> None:
    """Make an empty `path`, so that whoever else makes one meanwhile is not overwritten."""
    if folder:
        path.mkdir()
    else:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))


def _write_folder(files: Files, path: Path) -> None:
    for name in sorted(files):
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            content = content_of(files[name])
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), _mode(content))
            os.fsync(file.fileno())
    for folder, _, _ in os.walk(path):
        sync_folder(Path(folder))


def _write_tar(files: Files, path: Path) -> None:
    with path.open("xb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for name in sorted(files):
                content = content_of(files[name])
                info = tarfile.TarInfo(name)
                info.size, info.mode = len(content), _mode(content)
                archive.addfile(info, io.BytesIO(content))
        _finish(file)


def _write_zip(files: Files, path: Path) -> None:
    with path.open("xb") as file:
        # Stored, not deflated: two builds of zlib make different bytes of the same file.
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
            for name in sorted(files):
                info = zipfile.ZipInfo(name, ZIP_TIME)
                info.create_system = UNIX
                content = content_of(files[name])
                info.external_attr = (stat.S_IFREG | _mode(content)) << 16
                archive.writestr(info, content)
        _finish(file)


def _finish(file: io.BufferedWriter) -> None:
    file.flush()
    os.fchmod(file.fileno(), FILE_MODE)
    os.fsync(file.fileno())


def _mode(content: bytes) -> int:
    """A script can be run, whatever its mode was where it came from."""
    return PROGRAM_MODE if content.startswith(b"#!") else FILE_MODE

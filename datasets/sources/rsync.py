"""Files behind rsync: over ssh with an account, or of a daemon.

rsync writes into the part file itself (`--inplace`) and resumes at any byte by comparing checksums of blocks, whatever
is in it: a kill, another mirror's half, an older version. It ends with a checksum of the whole file.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from datasets.sources.source import Changed, Missing, Refused, SourceError, Unavailable
from datasets.transfer_part import At, Part, RemoteFile

SSH = "ssh -o BatchMode=yes -o ConnectTimeout=15"
"""No password is asked for: a key, or an agent, opens the door."""
END_AT_ONCE = signal.SIGUSR1
"""By which rsync's processes tell each other to end.

On SIGTERM it first reads what is under way, and on SIGKILL the half of it that writes lives on until it misses the
other: either may last, on a slow line, and it holds the lock of the set meanwhile.
"""
SILENCE_S = 60
POLL_S = 0.2

_LINE = re.compile(rb"-\S{9}\S*\s+([0-9]+) (\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) (.+)")
_PROGRESS = re.compile(rb"\s([0-9]+)\s+[0-9]+%")
_OCTAL = re.compile(rb"\\#([0-7]{3})")
_TIME = "%Y/%m/%d %H:%M:%S"
_SHOWN = 3
_WILD = re.compile(r"[\\*?\[]")


class Rsync:
    """A folder that rsync reaches."""

    def __init__(self, address: str) -> None:
        """Ask nothing yet; `address` is `rsync://host/module/folder` or `[user@]host:folder`."""
        self.name = address.rstrip("/")

    def files(self) -> list[RemoteFile]:
        """List the files of the folder, links resolved.

        Raises:
            SourceError: there is no answer, no such folder, no right to read it, or nothing in it.
        """
        text = _output([*self._command(), "--list-only", "--recursive", "--copy-links", f"{self.name}/"])
        found = [_listed(*match.groups()) for line in text.split(b"\n") if (match := _LINE.fullmatch(line))]
        if not found:
            raise Missing("expected files, found none")
        return found

    def detail(self, file: RemoteFile) -> RemoteFile:
        """Add nothing: rsync compares the content itself."""
        return file

    def fetch(self, file: RemoteFile, part: Part, at: At) -> None:
        """Bring a part file to its full length, from whatever of it is there.

        Raises:
            SourceError: the file did not come, or not to its end; what came is kept.
            OSError: the disk refuses.
        """
        part.forget()  # what rsync writes is not in the order of the file
        part.make_place()
        options = ["--times", "--ignore-times", "--inplace", "--copy-links", "--info=progress2", "--outbuf=N"]
        place = f"{self.name}/{_literal(file.path)}"
        with _running([*self._command(), *options, place, str(part.path.absolute())]) as child:
            _watch(child, at)
            _require_done(child)
        stat = part.path.stat()
        found = f"{time.strftime(_TIME, time.gmtime(stat.st_mtime))} {stat.st_size}"
        if found != file.version:
            raise Changed(f"{file.path}: expected the file of {file.version} bytes, found {found}")
        at(file.size)

    def _command(self) -> list[str]:
        daemon = self.name.startswith("rsync://")
        reach = ["--contimeout=15"] if daemon else ["-e", SSH]
        return ["rsync", "--no-motd", "--no-human-readable", "--protect-args", f"--timeout={SILENCE_S}", *reach]


def _literal(path: str) -> str:
    """Return a path in which the other side's rsync sees no pattern: `a[1].h5` would bring `a1.h5`."""
    return _WILD.sub(r"\\\g<0>", path) if any(wild in path for wild in "*?[") else path


def _listed(size: bytes, modified: bytes, path: bytes) -> RemoteFile:
    try:
        named = _OCTAL.sub(lambda match: bytes([int(match[1], 8)]), path).decode()
    except UnicodeDecodeError:
        raise Refused(f"expected names in UTF-8, found {path!r}") from None
    return RemoteFile(path=named, size=int(size), version=f"{modified.decode()} {int(size)}")


def _die_with(parent: int) -> None:
    """In a child, before its program starts: end when the parent dies, however it dies (prctl(2)).

    rsync goes on without a reader of its words, and would write beside the next download.
    """
    ctypes.CDLL(None).prctl(1, END_AT_ONCE, 0, 0, 0)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(127)


class _Child:
    """A running rsync. It inherits the lock of the set, so that one that outlives us keeps a second writer out."""

    def __init__(self, command: Sequence[str]) -> None:
        self.args = command
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._words,
                close_fds=False,
                preexec_fn=partial(_die_with, os.getpid()),
                process_group=0,
                env={**os.environ, "TZ": "UTC"},  # lists tell times of here: a version holds in every time zone
            )
        except FileNotFoundError:
            raise Refused(
                f"{command[0]}: expected this program on PATH, found none — install rsync, or leave --user out"
            ) from None
        assert self.process.stdout is not None
        self.stream = self.process.stdout

    @property
    def errors(self) -> str:
        """What it said to stderr."""
        self._words.seek(0)
        return self._words.read().decode(errors="replace")

    def close(self) -> None:
        """End it where it still runs, and with it all of its processes."""
        self.process.send_signal(END_AT_ONCE)
        try:
            self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.stream.close()
        self._words.close()


@contextmanager
def _running(command: Sequence[str]) -> Iterator[_Child]:
    child = _Child(command)
    try:
        yield child
    finally:
        child.close()


def _output(command: Sequence[str]) -> bytes:
    with _running(command) as child:
        text = child.stream.read()
        child.process.wait()
        _require_done(child)
    return text


def _watch(child: _Child, at: At) -> None:
    """Tell `at` where rsync is until it ends; also while it says nothing, so that a stop is heard."""
    stream, position = child.stream, 0
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while True:
            at(position)
            if not selector.select(POLL_S):
                continue
            words = os.read(stream.fileno(), 4096)
            if not words:
                break
            if numbers := _PROGRESS.findall(words):
                position = int(numbers[-1])
    child.process.wait()


def _require_done(child: _Child) -> None:
    """Raise what an exit code of rsync(1) means, with its own last words."""
    code, errors = child.process.returncode, child.errors
    if code == 0:
        return
    words = "; ".join(errors.strip().splitlines()[:_SHOWN]) or f"rsync: exit code {code}"
    if "No space left on device" in errors or "Disk quota exceeded" in errors:
        raise OSError(errno.ENOSPC, words)
    raise _kind(errors)(words)


def _kind(errors: str) -> type[SourceError]:
    if any(text in errors for text in ("No such file", "Unknown module", "vanished")):
        return Missing
    if any(text in errors for text in ("ermission denied", "auth failed", "ccess denied", "Host key verification")):
        return Refused
    return Unavailable

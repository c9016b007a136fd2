"""Places to download from, all on the loopback interface: an S3 store, a web server, rsync's daemon, and a bad line."""

from __future__ import annotations

import http.server
import os
import random
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

BLOCK_BYTES = 16 << 10


@dataclass(kw_only=True)
class Line:
    """What a bad line does to the answers that go over it. The first number of a list is used up when it happens."""

    upstream_port: int
    """Where the requests go."""

    port: int = 0
    """Where they come in."""

    drops_after: list[int] = field(default_factory=list)
    """Bytes of answers on one connection after which it is reset."""

    flips_at: list[int] = field(default_factory=list)
    """Position in the answers on one connection of which a bit is flipped."""

    bytes_per_s: float | None = None
    """Rate of all connections together."""

    refusing: bool = False
    """Whether connections are closed at once."""

    when_served: tuple[int, Callable[[], None]] | None = None
    """Called once when so many bytes of answers have gone through."""

    served: int = 0
    """Bytes of answers that went through."""

    ranges: list[int] = field(default_factory=list)
    """Positions that requests asked for."""

    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """Its address for the web."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def bad_line(upstream_port: int) -> Iterator[Line]:
    """Start a line to a port; it is perfect until it is told otherwise."""
    line = Line(upstream_port=upstream_port)
    with socket.create_server(("127.0.0.1", 0)) as server:
        line.port = server.getsockname()[1]
        thread = threading.Thread(target=_accept, args=(server, line), daemon=True)
        thread.start()
        yield line
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def _accept(server: socket.socket, line: Line) -> None:
    while True:
        try:
            inside, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(inside, line), daemon=True).start()


def _serve(inside: socket.socket, line: Line) -> None:
    if line.refusing:
        inside.close()
        return
    with inside, socket.create_connection(("127.0.0.1", line.upstream_port)) as outside:
        requests = threading.Thread(target=_requests, args=(inside, outside, line), daemon=True)
        requests.start()
        if _answers(outside, inside, line):  # a reset, as when a machine goes away
            inside.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        for end in (inside, outside):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RD)
        requests.join()


def _requests(inside: socket.socket, outside: socket.socket, line: Line) -> None:
    try:
        while data := inside.recv(BLOCK_BYTES):
            line.ranges += [int(start) for start in re.findall(rb"[Rr]ange: bytes=([0-9]+)-", data)]
            outside.sendall(data)
        outside.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def _answers(outside: socket.socket, inside: socket.socket, line: Line) -> bool:
    """Pass answers on; returns whether the connection is to be dropped."""
    position = 0
    try:
        while data := outside.recv(BLOCK_BYTES):
            with line.lock:
                data, dropped = _harmed(data, position, line)
            inside.sendall(data)
            position += len(data)
            _count(line, len(data))
            if dropped:
                return True
        inside.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    return False


def _harmed(data: bytes, position: int, line: Line) -> tuple[bytes, bool]:
    """Return what the line makes of a block, and whether it breaks after it."""
    if line.flips_at and position <= line.flips_at[0] < position + len(data):
        index = line.flips_at.pop(0) - position
        data = data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]
    if line.drops_after and position + len(data) >= line.drops_after[0]:
        return data[: max(0, line.drops_after.pop(0) - position)], True
    return data, False


def _count(line: Line, count: int) -> None:
    with line.lock:
        line.served += count
        due = line.when_served
        if due is not None and line.served >= due[0]:
            line.when_served = None
            due[1]()
        if line.bytes_per_s:
            time.sleep(count / line.bytes_per_s)


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket of an S3 store."""

    port: int
    """Port of the store."""

    client: Any
    """A client that may write."""

    def fill(self, folder: Path, prefix: str, *, piece_bytes: int | None = None) -> None:
        """Upload a folder, in pieces where asked for."""
        from boto3.s3.transfer import TransferConfig

        size = piece_bytes or 1 << 40
        how = TransferConfig(multipart_threshold=size, multipart_chunksize=size)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                key = f"{prefix}/{path.relative_to(folder)}"
                self.client.upload_file(str(path), "sciml-datasets", key, Config=how)

    def put(self, key: str, data: bytes) -> None:
        """Store one object."""
        self.client.put_object(Bucket="sciml-datasets", Key=key, Body=data)


@contextmanager
def s3_store() -> Iterator[Bucket]:
    """Start moto's server with a public bucket `sciml-datasets`."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]
    secrets = {"aws_access_key_id": "none", "aws_secret_access_key": "none", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", **secrets)
    client.create_bucket(Bucket="sciml-datasets", ACL="public-read")
    yield Bucket(port=port, client=client)
    client.close()
    server.stop()


class Asked(http.server.BaseHTTPRequestHandler):
    """A question to a server that answers as a test says; `send` is what most answers are made with."""

    protocol_version = "HTTP/1.1"
    answer: Callable[[Asked], None]

    def do_GET(self) -> None:
        self.answer()

    do_HEAD = do_GET  # noqa: N815 - the library's name

    @property
    def start(self) -> int:
        """Position from which on the question wants a file."""
        match = re.fullmatch(r"bytes=([0-9]+)-", self.headers.get("Range", ""))
        return int(match[1]) if match else 0

    def send(self, status: int, body: bytes, *, sent: int | None = None, **headers: str) -> None:
        """Answer with headers, whose names have _ for -, and a body, of which only so many bytes are sent."""
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body if sent is None else body[:sent])
        self.close_connection = self.close_connection or sent is not None

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def odd_server(answer: Callable[[Asked], None]) -> Iterator[str]:
    """Start a web server that answers as a function does; return its address."""
    server = _Server(("127.0.0.1", 0), type("Odd", (Asked,), {"answer": answer}))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


class _Ranges(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; knows `Range: bytes=N-`, where `ranges` says so."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: Any, ranges: bool, **named: Any) -> None:
        self.ranges = ranges
        super().__init__(*arguments, **named)

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        match = re.fullmatch(r"bytes=([0-9]+)-", self.headers.get("Range", "")) if self.ranges else None
        start = int(match[1]) if match else 0
        self.send_response(206 if match else 200)
        self.send_header("Content-Length", str(len(data) - start))
        if match:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        self.wfile.write(data[start:])

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that goes away is what these tests are about."""


@contextmanager
def web_server(folder: Path, *, ranges: bool = True) -> Iterator[int]:
    """Serve a folder, and return the port."""
    server = _Server(("127.0.0.1", 0), partial(_Ranges, directory=str(folder), ranges=ranges))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def rsync_daemon(folder: Path, scratch: Path) -> Iterator[int]:
    """Start rsync's daemon with the module `sets`, and `closed`, which wants a password; return its port."""
    if shutil.which("rsync") is None:
        pytest.skip("no rsync on PATH: Debian's package rsync brings it, as .ci/run does")
    port = free_port()
    scratch.mkdir(parents=True, exist_ok=True)
    (scratch / "secrets").write_text("alice:secret\n")
    (scratch / "secrets").chmod(0o600)
    own = "uid = root\ngid = root\n" if os.getuid() == 0 else ""  # else it gives its rights up
    (scratch / "rsyncd.conf").write_text(
        f"{own}use chroot = no\nlog file = {scratch}/log\nlock file = {scratch}/lock\nread only = yes\n"
        f"[sets]\npath = {folder}\n[closed]\npath = {folder}\nauth users = alice\nsecrets file = {scratch}/secrets\n"
    )
    command = ["rsync", "--daemon", "--no-detach", "--address=127.0.0.1", f"--port={port}"]
    daemon = subprocess.Popen([*command, f"--config={scratch}/rsyncd.conf"], stdin=subprocess.DEVNULL)
    try:
        _await_port(port)
        yield port
    finally:
        daemon.terminate()
        daemon.wait()


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _await_port(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"nothing listens on port {port}")


def contents(folder: Path, names: str = "*.h5") -> dict[str, bytes]:
    """Return the bytes of the files of a folder by path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob(names) if path.is_file()}


def fake_ssh(folder: Path) -> Path:
    """Make a program `ssh` that runs the command here, with the account `alice` alone; return its folder."""
    folder.mkdir(parents=True)
    program = folder / "ssh"
    program.write_text(
        "#!/bin/sh\n"
        'while [ "$1" = -o ] || [ "$1" = -l ]; do [ "$1" = -l ] && user=$2; shift 2; done\n'
        'if [ "$user" != alice ]; then echo "$user@$1: Permission denied (publickey)." >&2; exit 255; fi\n'
        'shift\nexec sh -c "$*"\n'
    )
    program.chmod(0o755)
    return folder


def moments(seed: int, count: int) -> list[float]:
    """Return so many shares between 0 and 1."""
    generator = random.Random(seed)
    return [generator.random() for _ in range(count)]

"""Files behind a web server, listed by the manifest.json that this suite wrote beside them.

So any folder that `download` or `simulate` made is a source for others once a web server shows it, hashes included.
An address may carry an account (`https://NAME:WORD@HOST/…`) and a token (`https://HOST/…?TOKEN`): they are sent to
that host and nowhere else, and are in no message and no record.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, Any

from datasets.common.failures import one_line
from datasets.common.files import MANIFEST
from datasets.sources.answers import Answer, position_of, rest_of, seconds_to_wait
from datasets.sources.source import Changed, Missing, Refused, SourceError, Unavailable
from datasets.transfer_part import At, Part, RemoteFile

BLOCK_BYTES = 256 << 10
TIMEOUT_S = 30
MANIFEST_BYTES = 256 << 20
"""More than any manifest has; an answer without an end is not read into memory."""

_AS_IT_IS = "/%:@!$&'()*+,;=~"
"""What a path of an address holds beside letters and digits; the rest is escaped."""


class Web:
    """A folder of a web server."""

    def __init__(self, address: str) -> None:
        """Ask nothing yet.

        Args:
            address: that of the folder, by http or https.

        Raises:
            ValueError: it is no address.
        """
        parts = urllib.parse.urlsplit(address)
        if not parts.hostname or (parts.port or 1) < 1:
            raise ValueError("no host in it")
        parts.hostname.encode("idna")
        account, _, host = parts.netloc.rpartition("@")
        path = urllib.parse.quote(parts.path, safe=_AS_IT_IS).rstrip("/")
        self.name = f"{parts.scheme}://{host}{path}"
        self._token = f"?{urllib.parse.quote(parts.query, safe=_AS_IT_IS + '?')}" if parts.query else ""
        word = base64.b64encode(urllib.parse.unquote(account).encode()).decode()
        self._account = f"Basic {word}" if account else None
        self._opener = urllib.request.build_opener(_Redirects)

    def files(self) -> list[RemoteFile]:
        """List the files of the manifest, and the manifest.

        Raises:
            SourceError: there is no answer, no manifest, or one of another form.
        """
        where = f"{self.name}/{MANIFEST}"
        with _asking(where), self._open(MANIFEST, 0) as answer:
            if (encoding := _encoding(answer)) is not None:
                raise Refused(_encoded(where, encoding))
            text = answer.read(MANIFEST_BYTES)
            if answer.length:  # read() raises where the end is missing, read(count) does not
                raise Unavailable(f"{where}: expected {answer.length} more bytes, found the end of the answer")
        try:
            stated = json.loads(text.decode())["files"]
            listed = [_listed(entry["path"], entry["size"], entry["sha256"]) for entry in stated]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Missing(f"{where}: expected the manifest of a data set, found something else") from None
        if not listed:
            raise Missing(f"{where}: expected the manifest of a data set, found one without a file")
        return [*listed, _listed(MANIFEST, len(text), hashlib.sha256(text).hexdigest())]

    def detail(self, file: RemoteFile) -> RemoteFile:
        """Add nothing: the manifest has said all."""
        return file

    def fetch(self, file: RemoteFile, part: Part, at: At) -> None:
        """Bring a part file to its full length, from whatever of it is there.

        Raises:
            SourceError: the file did not come, or not to its end; what came is kept.
            OSError: the disk refuses.
        """
        part.append(file, lambda start: rest_of(file, start, partial(self._ask, file)), at)

    def _ask(self, file: RemoteFile, start: int) -> Answer:
        with _asking(file.path):
            answer = self._open(file.path, start)
        try:
            position = _position(file, answer)
        except SourceError:
            answer.close()
            raise

        def read(count: int) -> bytes:
            with _asking(file.path):
                block: bytes = answer.read1(min(BLOCK_BYTES, count))
            return block

        return Answer(position=position, read=read, close=answer.close)

    def _open(self, path: str, start: int) -> Any:
        headers = {"Range": f"bytes={start}-"} if start else {}
        address = f"{self.name}/{urllib.parse.quote(path)}{self._token}"
        request = urllib.request.Request(address, headers=headers)  # noqa: S310 - http and https alone come here
        if self._account is not None:
            request.add_unredirected_header("Authorization", self._account)
        return self._opener.open(request, timeout=TIMEOUT_S)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a server to another one of the web, and never from https to a line that anybody may change."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Return the next question.

        Raises:
            Refused: it would leave the web, or https.
        """
        there = urllib.parse.urlsplit(newurl)
        if there.scheme not in ("https", req.type):
            raise Refused(f"expected to be sent on by {req.type}, found {there.scheme}://{there.hostname}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _position(file: RemoteFile, answer: Any) -> int | None:
    """Return where in a file an answer begins; None where it does not say.

    Raises:
        Refused: it is not the bytes of the file, but compressed ones.
        Changed: it is a file of another size.
    """
    length, encoding = answer.headers.get("Content-Length", ""), _encoding(answer)
    if encoding is not None and answer.status != 206 and length != str(file.size):
        raise Refused(_encoded(file.path, encoding))
    return position_of(file, answer.status, content_range=answer.headers.get("Content-Range", ""), length=length)


def _encoding(answer: Any) -> str | None:
    encoding = str(answer.headers.get("Content-Encoding", "")).strip()
    return None if encoding.lower() in ("", "identity") else encoding


def _encoded(what: str, encoding: str) -> str:
    return (
        f"{what}: expected the bytes as they are, as was asked for, found them encoded as {encoding} — "
        "let the server send this folder without, or name another source"
    )


def _listed(path: object, size: object, sha256: object) -> RemoteFile:
    if not isinstance(path, str) or not isinstance(sha256, str) or not isinstance(size, int) or size < 0:
        raise TypeError("not the entry of a file")
    return RemoteFile(path=path, size=size, version=f"sha256:{sha256}", sha256=sha256)


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """Turn the library's faults into those of a source. Nothing of the disk happens in here."""
    try:
        yield
    except urllib.error.HTTPError as error:
        message = one_line(f"{what}: HTTP {error.code} {error.reason}")
        kind = _kind(error.code)
        if kind is Unavailable:
            raise Unavailable(message, wait_s=seconds_to_wait(error.headers.get("Retry-After"))) from None
        raise kind(message) from None
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(one_line(f"{what}: {getattr(error, 'reason', None) or error}")) from None
    except ValueError as error:  # of an address to which the server sends, or of a proxy
        raise Refused(one_line(f"{what}: expected an address that can be asked, found: {error}")) from None


def _kind(status: int) -> type[SourceError]:
    if status in (404, 410):
        return Missing
    if status in (412, 416):
        return Changed
    return Unavailable if status in (408, 429) or status >= 500 else Refused

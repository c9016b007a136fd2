"""Files behind a web server, listed by the manifest.json that this suite wrote beside them.

So any folder that `download` or `simulate` made is a source for others once a web server shows it, hashes included.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from datasets.common.files import MANIFEST
from datasets.sources.source import Changed, Missing, Refused, SourceError, Unavailable
from datasets.transfer_part import At, Part, RemoteFile

BLOCK_BYTES = 256 << 10
TIMEOUT_S = 30


class Web:
    """A folder of a web server."""

    def __init__(self, address: str) -> None:
        """Ask nothing yet; `address` is that of the folder, by http or https."""
        self.name = address.rstrip("/")

    def files(self) -> list[RemoteFile]:
        """List the files of the manifest, and the manifest.

        Raises:
            SourceError: there is no answer, no manifest, or one of another form.
        """
        where = f"{self.name}/{MANIFEST}"
        with _asking(where), self._open(MANIFEST, 0) as answer:
            text = answer.read()
        try:
            listed = [_listed(entry["path"], entry["size"], entry["sha256"]) for entry in json.loads(text)["files"]]
        except (ValueError, KeyError, TypeError):
            raise Missing(f"{where}: expected the manifest of a data set, found something else") from None
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
        part.append(file, lambda start: self._blocks(file, start), at)

    def _blocks(self, file: RemoteFile, start: int) -> Iterator[bytes]:
        """Yield a file from a position on; of what a server without ranges sends, the start is dropped."""
        with _asking(file.path):
            answer = self._open(file.path, start)
        with answer:
            self._require_size(file, answer)
            position = start if answer.status == 206 else 0
            while position < file.size:
                with _asking(file.path):
                    block = answer.read1(min(BLOCK_BYTES, file.size - position))
                if not block:
                    left = file.size - position
                    raise Unavailable(f"{file.path}: expected {left} more bytes, found the end of the answer")
                position += len(block)
                if position > start:
                    yield block[-(position - start) :]

    def _open(self, path: str, start: int) -> Any:
        address = f"{self.name}/{urllib.parse.quote(path)}"
        headers = {"Range": f"bytes={start}-"} if start else {}
        request = urllib.request.Request(address, headers=headers)  # noqa: S310 - http and https alone come here
        return urllib.request.urlopen(request, timeout=TIMEOUT_S)  # noqa: S310

    @staticmethod
    def _require_size(file: RemoteFile, answer: Any) -> None:
        if answer.status == 206:
            found = answer.headers.get("Content-Range", "").rpartition("/")[2]
        else:
            found = answer.headers.get("Content-Length", "")
        if found.isdigit() and int(found) != file.size:
            raise Changed(f"{file.path}: expected {file.size} bytes, found {found} at the server")


def _listed(path: str, size: int, sha256: str) -> RemoteFile:
    return RemoteFile(path=str(path), size=int(size), version=f"sha256:{sha256}", sha256=str(sha256))


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """Turn the library's faults into those of a source. Nothing of the disk happens in here."""
    try:
        yield
    except urllib.error.HTTPError as error:
        raise _kind(error.code)(f"{what}: HTTP {error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"{what}: {getattr(error, 'reason', None) or error}") from None


def _kind(status: int) -> type[SourceError]:
    if status in (404, 410):
        return Missing
    if status in (412, 416):
        return Changed
    return Unavailable if status in (408, 429) or status >= 500 else Refused

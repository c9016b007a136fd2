"""Files of a bucket at an S3 store that asks nobody's name, by boto3 without a signature."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError

from datasets.common.failures import one_line
from datasets.sources.answers import Answer, position_of, rest_of, seconds_to_wait
from datasets.sources.source import Changed, Missing, Refused, SourceError, Unavailable
from datasets.transfer_part import At, Part, RemoteFile

BLOCK_BYTES = 64 << 10
"""A connection that breaks takes at most so much with it."""
CONNECT_S, READ_S = 10, 30

_CHANGED = frozenset({412, 416})
_BUSY = frozenset({408, 429})
_ETAG = re.compile(r"[0-9a-f]{32}(-[0-9]+)?")


class S3:
    """A folder of a bucket. Safe to be used by several threads, as boto3's clients are."""

    def __init__(self, endpoint: str, location: str, *, connections: int = 10) -> None:
        """Ask nothing yet.

        Args:
            endpoint: address of the store.
            location: bucket and folder, `bucket/folder`.
            connections: transfers at once.

        Raises:
            ValueError: the endpoint is no address, or boto3's own settings on this machine make no sense.
        """
        self.endpoint = endpoint
        self._bucket, _, folder = location.strip("/").partition("/")
        self._prefix = f"{folder}/" if folder else ""
        self.name = f"{endpoint}, s3://{location.strip('/')}"
        settings = Config(
            signature_version=UNSIGNED,
            connect_timeout=CONNECT_S,
            read_timeout=READ_S,
            retries={"total_max_attempts": 1},  # the transfer itself tries again, from where it was
            max_pool_connections=connections,
            s3={"addressing_style": "path"},
            response_checksum_validation="when_required",
        )
        try:
            self._client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=settings)
        except BotoCoreError as error:
            raise ValueError(str(error)) from None

    def files(self) -> list[RemoteFile]:
        """List the objects of the folder, page by page.

        Raises:
            SourceError: there is no answer, no such bucket, no right to list it, or nothing in it.
        """
        found = []
        with _asking("the list of objects"):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
                found += [self._listed(item) for item in page.get("Contents", []) if not item["Key"].endswith("/")]
        if not found:
            raise Missing("expected objects, found none")
        return found

    def _listed(self, item: dict[str, Any]) -> RemoteFile:
        etag = _bare(item["ETag"])
        return RemoteFile(
            path=item["Key"].removeprefix(self._prefix),
            size=item["Size"],
            version=etag,
            md5=etag if _ETAG.fullmatch(etag) else None,
        )

    def detail(self, file: RemoteFile) -> RemoteFile:
        """Ask for the size of the pieces in which an object was uploaded; without it, its ETag says nothing."""
        if file.md5 is None or "-" not in file.md5:
            return file
        pieces = int(file.md5.partition("-")[2])
        with _asking(file.path):
            try:
                head = self._client.head_object(Bucket=self._bucket, Key=self._prefix + file.path, PartNumber=1)
            except ClientError as error:  # not every store knows pieces
                if _status(error) in (400, 501):
                    return file
                raise
        size = head.get("ContentLength")
        known = head.get("PartsCount") == pieces and size and math.ceil(file.size / size) == pieces
        return replace(file, piece_bytes=size) if known else file

    def fetch(self, file: RemoteFile, part: Part, at: At) -> None:
        """Bring a part file to its full length, from whatever of it is there.

        Raises:
            SourceError: the object did not come, or not to its end; what came is kept.
            OSError: the disk refuses.
        """
        part.append(file, lambda start: rest_of(file, start, partial(self._ask, file)), at)

    def _ask(self, file: RemoteFile, start: int) -> Answer:
        where = {"Bucket": self._bucket, "Key": self._prefix + file.path}
        how = {"Range": f"bytes={start}-"} if start else {}
        with _asking(file.path):
            answer = self._client.get_object(**where, **how, IfMatch=f'"{file.version}"')
        body = answer["Body"]
        try:
            _require_version(file, answer.get("ETag"))
            position = position_of(
                file,
                int(answer["ResponseMetadata"]["HTTPStatusCode"]),
                content_range=answer.get("ContentRange", ""),
                length=str(answer.get("ContentLength", "")),
            )
        except SourceError:
            body.close()
            raise

        def read(count: int) -> bytes:
            with _asking(file.path):
                block: bytes = body.read(min(BLOCK_BYTES, count))
            return block

        return Answer(position=position, read=read, close=body.close)


def _require_version(file: RemoteFile, etag: str | None) -> None:
    """Hold an answer against the version that was asked for: a store may not know `If-Match`, nor a proxy before it.

    Raises:
        Unavailable: it has none, as what a network's own page has that asks for a login.
        Changed: it is of another version.
    """
    if etag is None:
        raise Unavailable(f"{file.path}: expected an object with an ETag, found an answer without one")
    if _bare(etag) != file.version:
        raise Changed(f"{file.path}: expected the version {file.version}, found {_bare(etag)}")


def _bare(etag: str) -> str:
    """Return what an ETag names; servers between the store and here may call it weak."""
    return etag.strip().strip('"').removeprefix("W/").strip('"')


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """Turn boto3's faults into those of a source. Nothing of the disk happens in here."""
    try:
        yield
    except ClientError as error:
        message, kind = one_line(f"{what}: {error}"), _kind(_status(error))
        if kind is Unavailable:
            headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
            raise Unavailable(message, wait_s=seconds_to_wait(headers.get("retry-after"))) from None
        raise kind(message) from None
    except (BotoCoreError, OSError) as error:
        raise Unavailable(one_line(f"{what}: {error}")) from None
    except Exception as error:  # noqa: BLE001 - boto3 passes on whatever its parsers meet in what is no answer of S3
        found = one_line(f"{type(error).__name__}: {error}")
        raise Unavailable(
            f"{what}: expected an answer of an S3 store, found one that makes no sense: {found}"
        ) from None


def _kind(status: int) -> type[SourceError]:
    if status == 404:
        return Missing
    if status in _CHANGED:
        return Changed
    return Unavailable if status in _BUSY or status >= 500 or status == 0 else Refused

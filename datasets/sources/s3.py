"""Files of a bucket at an S3 store that asks nobody's name, by boto3 without a signature."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError

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
        etag = item["ETag"].strip('"')
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
        size = head["ContentLength"]
        known = head.get("PartsCount") == pieces and size and math.ceil(file.size / size) == pieces
        return replace(file, piece_bytes=size) if known else file

    def fetch(self, file: RemoteFile, part: Part, at: At) -> None:
        """Bring a part file to its full length, from whatever of it is there.

        Raises:
            SourceError: the object did not come, or not to its end; what came is kept.
            OSError: the disk refuses.
        """
        part.append(file, lambda start: self._blocks(file, start), at)

    def _blocks(self, file: RemoteFile, start: int) -> Iterator[bytes]:
        where = {"Bucket": self._bucket, "Key": self._prefix + file.path}
        left = file.size - start
        with _asking(file.path):
            body = self._client.get_object(**where, Range=f"bytes={start}-", IfMatch=f'"{file.version}"')["Body"]
        try:
            while left > 0:
                with _asking(file.path):
                    block = body.read(min(BLOCK_BYTES, left))
                if not block:
                    raise Unavailable(f"{file.path}: expected {left} more bytes, found the end of the answer")
                left -= len(block)
                yield block
        finally:
            body.close()


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """Turn boto3's faults into those of a source. Nothing of the disk happens in here."""
    try:
        yield
    except ClientError as error:
        raise _kind(_status(error))(f"{what}: {error}") from None
    except (BotoCoreError, OSError) as error:
        raise Unavailable(f"{what}: {error}") from None


def _kind(status: int) -> type[SourceError]:
    if status == 404:
        return Missing
    if status in _CHANGED:
        return Changed
    return Unavailable if status in _BUSY or status >= 500 or status == 0 else Refused

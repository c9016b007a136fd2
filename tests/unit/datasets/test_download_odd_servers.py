"""Downloads from servers that answer otherwise than they were asked: the right bytes come, or a clear word does."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import pytest
from stores import Asked, contents, odd_server

from datasets import transfer, transfer_file
from datasets.sources import answers
from datasets.sources.source import Unavailable

PREFIX = "ms/em_graphene_sim/"
BROKEN_AT = 300_000
Answer = Callable[[Asked, bytes], None]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer_file.Policy, "pause_s", lambda *_: 0.01)


def once_broken(answer: Answer, whole: Callable[[Asked, bytes], dict[str, str]]) -> Answer:
    """Break the first answer of each long file, so that the next question wants the rest of it."""
    broken: set[str] = set()

    def answered(asked: Asked, data: bytes) -> None:
        if len(data) > BROKEN_AT and asked.path not in broken:
            broken.add(asked.path)
            asked.send(200, data, sent=BROKEN_AT, **whole(asked, data))
        else:
            answer(asked, data)

    return answered


def from_zero(asked: Asked, data: bytes, **headers: str) -> None:
    asked.send(206, data, Content_Range=f"bytes 0-{len(data) - 1}/{len(data)}", **headers)


def from_later(asked: Asked, data: bytes, **headers: str) -> None:
    if not asked.start:
        asked.send(200, data, **headers)
        return
    later = asked.start + 1000
    body = data[later:] + bytes(1000)
    asked.send(206, body, Content_Range=f"bytes {later}-{len(data) + 999}/{len(data)}", **headers)


def from_somewhere(asked: Asked, data: bytes, **headers: str) -> None:
    asked.send(206 if asked.start else 200, data, **headers)


def whole(asked: Asked, data: bytes, **headers: str) -> None:
    asked.send(200, data, **headers)


def no_range(asked: Asked, data: bytes, **headers: str) -> None:
    if asked.start:
        asked.send(416, b"no", Content_Range=f"bytes */{len(data)}")
    else:
        asked.send(200, data, **headers)


RANGES = {
    "whole": whole,
    "from 0": from_zero,
    "from later": from_later,
    "from somewhere": from_somewhere,
    "no range": no_range,
}
ranges = pytest.mark.parametrize("answer", RANGES.values(), ids=RANGES)


def folder(root: Path, answer: Answer) -> Callable[[Asked], None]:
    """Return what answers for the files of a folder."""

    def answered(asked: Asked) -> None:
        path = root / asked.path.lstrip("/").partition("?")[0]
        if path.is_file():
            answer(asked, path.read_bytes())
        else:
            asked.send(404, b"")

    return answered


@ranges
def test_a_web_server_that_sends_another_part_than_the_rest(call, em_set: Path, tmp_path: Path, answer) -> None:
    with odd_server(folder(em_set, once_broken(answer, lambda *_: {}))) as url:
        done = call("download", "em_denoise", tmp_path, "--source", url)
    assert done.code == 0, done.error
    assert contents(tmp_path / "em_denoise") == contents(em_set)


def store(pairs: Path, answer: Callable[..., None], version: Callable[[bytes], str]) -> Callable[[Asked], None]:
    """Return what answers for a bucket with the pairs."""
    objects = contents(pairs)

    def marked(asked: Asked, data: bytes) -> None:
        answer(asked, data, ETag=f'"{version(data)}"')

    broken = once_broken(marked, lambda _, data: {"ETag": f'"{version(data)}"'})

    def answered(asked: Asked) -> None:
        url = urllib.parse.urlsplit(asked.path)
        path = urllib.parse.unquote(url.path).partition(PREFIX)[2]
        if "list-type=2" in url.query:
            asked.send(200, listing({path: (len(data), version(data)) for path, data in objects.items()}))
        else:
            broken(asked, objects[path])

    return answered


def listing(objects: dict[str, tuple[int, str]]) -> bytes:
    """Return a page of an S3 store's list."""
    items = "".join(
        f"<Contents><Key>{PREFIX}{path}</Key><LastModified>2020-01-01T00:00:00.000Z</LastModified>"
        f"<ETag>&quot;{version}&quot;</ETag><Size>{size}</Size></Contents>"
        for path, (size, version) in objects.items()
    )
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{items}</ListBucketResult>".encode()


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def opaque(data: bytes) -> str:
    """Return an ETag that is no hash, as that of an encrypted object: nothing else would show a wrong byte."""
    return f"v{len(data)}"


@ranges
@pytest.mark.parametrize("version", [md5, opaque])
def test_a_store_that_sends_another_part_than_the_rest(
    call, published_pairs: Path, tmp_path: Path, answer, version
) -> None:
    with odd_server(store(published_pairs, answer, version)) as url:
        done = call("download", "em_denoise", tmp_path, "--mirror", url)
    assert done.code == 0, done.error
    assert contents(tmp_path / "em_denoise") == contents(published_pairs)


def other_version(asked: Asked, data: bytes, **_: str) -> None:
    body = bytes(len(data) - asked.start)
    asked.send(206, body, Content_Range=f"bytes {asked.start}-{len(data) - 1}/{len(data)}", ETag='"other"')


def login(asked: Asked, data: bytes, **_: str) -> None:
    asked.send(200, b"<html>log in</html>".ljust(len(data)), Content_Type="text/html")


@pytest.mark.parametrize("version", [md5, opaque])
@pytest.mark.parametrize(
    ("answer", "message"),
    [(other_version, "expected the version {}, found other"), (login, "expected an object with an ETag, found")],
)
def test_a_store_that_answers_with_something_else(
    call, published_pairs: Path, tmp_path: Path, answer, message: str, version
) -> None:
    with odd_server(store(published_pairs, answer, version)) as url:
        done = call("download", "em_denoise", tmp_path, "--mirror", url, "--jobs=1")
    assert done.code == 3
    first = published_pairs / "test" / "graphene_img_clean.h5"
    assert message.format(version(first.read_bytes())) in done.error
    assert not contents(tmp_path)


@pytest.mark.parametrize(
    ("list_of_objects", "message"),
    [
        (listing({"a.h5": (3, "v")}).replace(b"<Size>3</Size>", b""), "makes no sense: KeyError: 'Size'"),
        (listing({"a.h5": (3, "v")}).replace(b">3<", b">many<"), "makes no sense: ValueError: invalid literal"),
        (listing({"a.h5": (3, "v")}).replace(b"2020", b"year"), "makes no sense: ValueError: Invalid timestamp"),
        (listing({"a": (3, "v"), "a/b.h5": (3, "w")}), "expected a file or a folder of the name 'a', found both"),
        (b"<html>log in</html>", "expected objects, found none"),
    ],
)
def test_a_list_of_objects_that_makes_no_sense(call, tmp_path: Path, list_of_objects: bytes, message: str) -> None:
    with odd_server(lambda asked: asked.send(200, list_of_objects)) as url:
        done = call("download", "em_denoise", tmp_path, "--mirror", url)
    assert done.code == 3
    assert message in done.error


@pytest.mark.parametrize("chunked", [False, True])
def test_a_web_server_that_compresses_unasked(call, em_set: Path, tmp_path: Path, chunked: bool) -> None:
    def answer(asked: Asked, data: bytes) -> None:
        if asked.path.endswith(".json"):
            asked.send(200, data)
        elif chunked:
            asked.close_connection = True
            asked.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(data, 1))
        else:
            asked.send(200, gzip.compress(data, 1), Content_Encoding="gzip")

    with odd_server(folder(em_set, answer)) as url:
        done = call("download", "em_denoise", tmp_path, "--source", url)
    assert done.code == 3
    assert "expected the bytes as they are, as was asked for, found them encoded as gzip" in done.error
    assert "listed anew" not in done.out


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("http://[half/x", "expected an address that can be asked, found: Invalid IPv6 URL"),
        ("http://a..b/x", "expected an address that can be asked, found: encoding with 'idna'"),
        ("ftp://127.0.0.1/x", "expected to be sent on by http, found ftp://127.0.0.1"),
        ("/manifest.json", "HTTP 302 The HTTP server returned a redirect error"),
    ],
)
def test_a_web_server_that_sends_on_to_nowhere(call, tmp_path: Path, place: str, message: str) -> None:
    with odd_server(lambda asked: asked.send(302, b"", Location=place)) as url:
        done = call("download", "em_denoise", tmp_path, "--source", url)
    assert done.code == 3
    assert message in done.error
    assert len(done.error.splitlines()) == 2


def test_words_of_a_server_do_not_reach_the_terminal_as_they_are(call, tmp_path: Path) -> None:
    with odd_server(
        lambda asked: asked.wfile.write(b"HTTP/1.1 403 \x1b]0;mine\x07\r\nContent-Length: 0\r\n\r\n")
    ) as url:
        done = call("download", "em_denoise", tmp_path, "--source", url)
    assert done.code == 3
    assert r"HTTP 403 \x1b]0;mine\x07" in done.error


def test_a_source_that_wants_to_be_left_alone_is(call, em_set: Path, tmp_path: Path, monkeypatch) -> None:
    """A first answer of this kind does not cost the mirror: it is asked again after the time that it named."""
    pauses: list[float] = []
    monkeypatch.setattr(transfer.time, "sleep", pauses.append)
    refused = ["/manifest.json"]

    def answer(asked: Asked, data: bytes) -> None:
        if asked.path in refused:
            refused.remove(asked.path)
            asked.send(429, b"", Retry_After="7")
        else:
            asked.send(200, data)

    with odd_server(folder(em_set, answer)) as url:
        done = call("download", "em_denoise", tmp_path, "--source", url)
    assert done.code == 0, done.error
    assert 7 in pauses


def test_what_a_source_asks_for_has_an_end() -> None:
    policy = transfer_file.Policy(longest_asked_s=50)
    assert policy.pause_after_s(1, Unavailable("x", wait_s=20)) == 20
    assert policy.pause_after_s(1, Unavailable("x", wait_s=3600)) == 50
    assert answers.seconds_to_wait("Fri, 31 Dec 1999 23:59:59 GMT") == 0
    assert answers.seconds_to_wait("Fri, 31 Dec 2100 23:59:59 GMT") > 1e9
    assert [answers.seconds_to_wait(said) for said in (None, "soon", "-1", "9" * 99, "120")] == [0, 0, 0, 0, 120]


def test_a_file_that_came_wrong_comes_again_over_a_line_that_breaks(call, em_set: Path, tmp_path: Path) -> None:
    """What comes again after a wrong byte is progress, however often the line breaks."""
    long, seen = "/train/graphene_img_clean.h5", 0

    def answer(asked: Asked, data: bytes) -> None:
        nonlocal seen
        if asked.path != long:
            asked.send(200, data)
            return
        seen += 1
        body = bytes(len(data)) if seen == 1 else data[asked.start :]
        span = f"bytes {asked.start}-{len(data) - 1}/{len(data)}"
        asked.send(206, body, sent=None if seen == 1 else 80_000, Content_Range=span)

    with odd_server(folder(em_set, answer)) as url:
        done = call("download", "em_denoise", tmp_path, "--source", url)
    assert done.code == 0, done.error
    assert seen > 2 * transfer_file.Policy().tries - 2
    assert contents(tmp_path / "em_denoise") == contents(em_set)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda manifest: manifest["files"].append(manifest["files"][0]), "expected each file once in the list, found"),
        (
            lambda manifest: manifest["files"][0].update(path="a\n\x1b[31m"),
            r"in printable Unicode, found 'a\n\x1b[31m'",
        ),
        (lambda manifest: manifest["files"][0].update(path="\ud800"), r"in printable Unicode, found '\ud800'"),
        (lambda manifest: manifest["files"][0].update(path="x" * 231), "of at most 230 bytes, found 231"),
        (lambda manifest: manifest["files"][0].update(path="x.part"), "expected whole files, found the part of one"),
        (lambda manifest: manifest["files"][0].update(path="train"), "a folder of the name 'train', found both"),
        (lambda manifest: manifest["files"][0].update(path="downloaded.jsonl/x"), "found both: 'downloaded.jsonl/x'"),
        (lambda manifest: manifest["files"][0].update(size=float("inf")), "expected the manifest of a data set"),
        (lambda manifest: manifest["files"][0].update(size=-1), "expected the manifest of a data set"),
        (lambda manifest: manifest["files"][0].update(sha256=None), "expected the manifest of a data set"),
        (lambda manifest: manifest.update(files=[]), "found one without a file"),
        (lambda manifest: manifest.pop("splits"), "found another form: $: 'splits' is a required property"),
        (lambda manifest: manifest.update(layout=[]), "found another form: $.layout: [] is not of type 'object'"),
        (lambda manifest: manifest["layout"].update(file_pattern="/x"), "expected a pattern of names, found '/x'"),
        (lambda manifest: manifest["splits"].update(more=["y"]), "expected each of 6 files in a split, found 7"),
    ],
)
def test_a_manifest_that_no_folder_can_keep(call, em_set: Path, tmp_path: Path, change, message: str) -> None:
    manifest = json.loads((em_set / "manifest.json").read_text())
    change(manifest)
    text = json.dumps(manifest).encode()

    def answer(asked: Asked, data: bytes) -> None:
        asked.send(200, text if asked.path == "/manifest.json" else data)

    with odd_server(folder(em_set, answer)) as url:
        done = call("download", "em_denoise", tmp_path / "data", "--source", url)
    assert done.code == 3
    assert message in done.error
    assert not (tmp_path / "data" / "em_denoise" / "manifest.json").exists()
    assert not contents(tmp_path)


@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"files":' + b"[" * 100_000, b"\xff\xfe{}", b""])
def test_a_manifest_that_is_no_json(call, tmp_path: Path, text: bytes) -> None:
    with odd_server(lambda asked: asked.send(200, text)) as url:
        done = call("download", "em_denoise", tmp_path, "--source", url)
    assert done.code == 3
    assert "/manifest.json: expected the manifest of a data set, found something else" in done.error


@pytest.mark.parametrize("elsewhere", [False, True], ids=["at its host", "sent on to another"])
def test_an_account_and_a_token_of_an_address_are_sent_and_never_told(
    call, em_set: Path, tmp_path: Path, elsewhere: bool
) -> None:
    """Only the host of the address gets the account; no line and no record has either."""
    accounts: dict[str, set[str | None]] = {"here": set(), "there": set()}

    def there(asked: Asked, data: bytes) -> None:
        accounts["there"].add(asked.headers.get("Authorization"))
        asked.send(200, data)

    with odd_server(folder(em_set, there)) as other:

        def here(asked: Asked, data: bytes) -> None:
            accounts["here"].add(asked.headers.get("Authorization"))
            if not asked.path.endswith("?sig=a/token%2b&x"):
                asked.send(403, b"")
            elif elsewhere:
                asked.send(302, b"", Location=f"{other}{asked.path}")
            else:
                asked.send(200, data)

        with odd_server(folder(em_set, here)) as url:
            address = f"{url.replace('//', '//al:pass%3Aword@')}?sig=a/token%2b&x"
            done = call("download", "em_denoise", tmp_path, "--source", address)
    assert done.code == 0, done.error
    assert contents(tmp_path / "em_denoise") == contents(em_set)
    assert accounts["here"] == {f"Basic {base64.b64encode(b'al:pass:word').decode()}"}
    assert accounts["there"] == ({None} if elsewhere else set())
    told = done.out + done.error + (tmp_path / "em_denoise" / "downloaded.jsonl").read_text()
    assert f"from {url}\n" in told
    assert "word" not in told
    assert "sig=" not in told

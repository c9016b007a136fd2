"""Which sources a command line means, and the commands of other programs for them."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from datasets.common.failures import UsageError
from datasets.common.published import known_sets, read_published
from datasets.sources.mirrors import Choice, addresses, sources

EM = read_published(known_sets()["em_denoise"])


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(mirrors=("osn",)), ("s3", "https://sdsc.osn.xsede.org", "sciml-datasets/ms/em_graphene_sim")),
        (Choice(mirrors=("https://x",)), ("s3", "https://x", "sciml-datasets/ms/em_graphene_sim")),
        (Choice(user="al"), ("rsync", "al@scarf.rl.ac.uk:/work3/projects/sciml/benchmarks", "em_denoise")),
        (Choice(user="al", source="host:/d/{name}"), ("rsync", "al@host:/d/em_denoise", "")),
        (Choice(source="bo@host:/d"), ("rsync", "bo@host:/d", "")),
        (Choice(source="rsync://h/m/{name}"), ("rsync", "rsync://h/m/em_denoise", "")),
        (Choice(source="https://h/{name}/"), ("http", "https://h/em_denoise/", "")),
        (Choice(source="s3+http://h:9/bucket/a/b"), ("s3", "http://h:9", "bucket/a/b")),
        (Choice(source="HTTPS://h/{name}?sig=x"), ("http", "https://h/em_denoise?sig=x", "")),
        (Choice(source="http", mirrors=("https://h",)), ("http", "https://h", "em_graphene_sim")),
    ],
)
def test_an_address(choice: Choice, expected: tuple[str, str, str]) -> None:
    assert addresses("em_denoise", EM, choice) == [expected]


def test_the_mirrors_of_the_list_in_their_order() -> None:
    found = [address for _, address, _ in addresses("em_denoise", EM, Choice())]
    assert found == ["https://s3.echo.stfc.ac.uk", "https://sdsc.osn.xsede.org"]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Choice(mirrors=("ech",)), "--mirror ech: expected an address or one of kind s3: echo, osn"),
        (Choice(source="rsync"), "expected an account for rsync over ssh, found none — name it with --user"),
        (Choice(source="ftp"), "--source ftp: expected s3, rsync, http, a web address"),
        (Choice(source="s3://bucket/x"), "--source s3://bucket/x: expected s3, rsync, http, a web address"),
        (Choice(source="http"), "--source http: expected a mirror of this kind in the list, found none"),
        (Choice(source="https://x", mirrors=("osn",)), "--mirror: expected none beside an address as --source"),
    ],
)
def test_what_makes_no_sense_is_said(choice: Choice, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("+", r"\+")):
        addresses("em_denoise", EM, choice)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--source", "https://[half/x"), "https://[half/x: expected the address of a folder, found: Invalid IPv6 URL"),
        (("--source", "https:///x"), "https:///x: expected the address of a folder, found: no host in it"),
        (("--source", "https://a..b/x"), "expected the address of a folder, found: encoding with 'idna' codec failed"),
        (("--source", "https://h:99999/x"), "expected the address of a folder, found: Port out of range"),
        (("--source", "https://h/\udc80"), "expected the address of a folder, found: 'utf-8' codec can't encode"),
        (("--source", "s3+https://store"), "expected the address of a store, found: no bucket"),
        (
            ("--source", "s3+https://al:word@store/b/x"),
            "https://store: expected the address of a store, found: an account",
        ),
        (("--source", "s3+https://store/b?word"), "expected the address of a store, found: a question mark in it"),
        (
            ("--mirror", "https://store/?word"),
            "https://store/?…: expected the address of a store, found: a question mark",
        ),
        (("--source", "rsync://al:word@h/m"), "rsync://h/m: expected the address of a folder, found: a password in it"),
        (("--source", "https://h", "--mirror", "https://al:word@h?word"), "found https://h?…"),
    ],
)
def test_an_address_that_is_none_is_said_without_its_secrets(call, tmp_path: Path, words, message: str) -> None:
    done = call("download", "em_denoise", tmp_path, *words)
    assert done.code == 2
    assert message in done.error
    assert "word" not in done.error.replace("password in it", "")
    assert not (tmp_path / "em_denoise").exists()


def test_a_token_stays_at_the_end_of_an_address(call, tmp_path: Path) -> None:
    done = call("download", "em_denoise,dms_classifier", tmp_path, "--source", "https://al:word@h/x?word")
    assert done.code == 2
    assert done.error.startswith("--source https://h/x?…: expected {name} in the address of several sets")
    (source,) = sources("em_denoise", EM, Choice(source="http", mirrors=("https://al:word@h/sets/?sig=1",)))
    assert source.name == "https://h/sets/em_graphene_sim"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "expected a list of mirrors in JSON, found: Expecting property name"),
        ('{"mirrors": [{"name": "a", "kind": "ftp", "address": "b", "title": "c"}]}', "'ftp' is not one of"),
    ],
)
def test_a_list_of_ones_own_that_is_none(call, text: str, message: str, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "list.json").write_text(text)
    monkeypatch.setenv("SCIML_BENCH_MIRRORS", str(tmp_path / "list.json"))
    done = call("download", "em_denoise", tmp_path)
    assert done.code == 2
    assert message in done.error


def test_a_list_of_ones_own(call, tmp_path: Path, monkeypatch) -> None:
    mirror = {"name": "ours", "kind": "s3", "address": "https://ours", "title": "Here"}
    (tmp_path / "list.json").write_text(json.dumps({"mirrors": [mirror]}))
    monkeypatch.setenv("SCIML_BENCH_MIRRORS", str(tmp_path / "list.json"))
    assert "--endpoint-url https://ours sync" in call("download", "em_denoise", tmp_path, "--print").out


def test_the_commands_of_other_programs_for_every_set(call, tmp_path: Path) -> None:
    done = call("download", "all", tmp_path, "--user", "alice", "--print")
    words = [shlex.split(line) for line in done.out.splitlines()]
    assert [line[-2:] for line in words] == [
        [f"alice@scarf.rl.ac.uk:/work3/projects/sciml/benchmarks/{name}/", str(tmp_path / name)]
        for name in ("dms_classifier", "em_denoise", "slstr_cloud")
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("cloud",), "cloud: expected all or one of dms_classifier, em_denoise, slstr_cloud"),
        (("em_denoise", "--jobs=0"), "--jobs: expected at least 1, found 0"),
        (("all", "--source=https://x/y"), "--source https://x/y: expected {name} in the address of several sets"),
    ],
)
def test_a_command_line_that_is_refused(call, words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = call("download", words[0], tmp_path, *words[1:])
    assert done.code == 2
    assert message in done.error


def test_settings_of_boto3_that_make_no_sense(call, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    done = call("download", "em_denoise", tmp_path)
    assert done.code == 2
    assert "The config profile (nobody) could not be found" in done.error


def test_nothing_to_verify(call, tmp_path: Path) -> None:
    done = call("download", "em_denoise", tmp_path, "--verify-only")
    assert done.code == 3
    assert "downloaded.jsonl: expected what a download noted, found nothing" in done.error

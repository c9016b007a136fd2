"""What may be trusted of a part file, and what a whole one is held against."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.common.failures import DataError
from datasets.transfer_part import Corrupt, Part, RemoteFile, check_content, digests
from datasets.transfer_record import RECORD, Record, writing

DATA = bytes(range(256)) * 40
FILE = RemoteFile(path="a/b.h5", size=len(DATA), version="one", md5=hashlib.md5(DATA).hexdigest())


class BrokenLineError(Exception):
    """The line broke."""


def bring(part: Part, file: RemoteFile, data: bytes, *, length: int | None = None) -> list[int]:
    """Append to a part, up to a length where the line breaks; returns the positions that were asked for."""
    asked = []

    def blocks(start: int):
        asked.append(start)
        for position in range(start, len(data), 100):
            if length is not None and position >= length:
                raise BrokenLineError
            yield data[position : position + 100]

    part.append(file, blocks, lambda _: None)
    return asked


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


def broken(tmp_path: Path, length: int = 5000) -> Part:
    part = Part(tmp_path / "a" / "b.h5")
    with pytest.raises(BrokenLineError):
        bring(part, FILE, DATA, length=length)
    return part


def test_a_part_is_gone_on_with(tmp_path: Path) -> None:
    part = broken(tmp_path)
    assert not part.final.exists()
    assert bring(part, FILE, DATA) == [5000]
    assert part.finish(FILE) == hashlib.sha256(DATA).hexdigest()
    assert [path.name for path in part.final.parent.iterdir()] == ["b.h5"]


def test_what_lies_beyond_the_synced_length_is_not_trusted(tmp_path: Path) -> None:
    """So it looks after a loss of power: the file is long, and its end is not what was written."""
    part = broken(tmp_path)
    with part.path.open("ab") as file:
        file.write(bytes(3000))
    assert bring(part, FILE, DATA) == [5000]
    part.finish(FILE)
    assert part.final.read_bytes() == DATA


@pytest.mark.parametrize("other", [{"version": "two"}, {"size": len(DATA) + 1}])
def test_a_part_of_another_version_is_thrown_away(tmp_path: Path, other: dict) -> None:
    part = broken(tmp_path)
    assert part.trusted_bytes(replace(FILE, **other)) == 0
    assert bring(part, replace(FILE, version="two"), DATA[::-1]) == [0]
    assert part.path.read_bytes() == DATA[::-1]


STATE = {"version": FILE.version, "size": FILE.size}


@pytest.mark.parametrize(
    "state",
    [
        "",
        "{}",
        "null",
        '{"version": "one"',
        "[" * 100_000,
        json.dumps({**STATE, "synced": -5}),
        json.dumps({**STATE, "synced": "many"}),
        json.dumps({**STATE, "synced": float("-inf")}),
        json.dumps({**STATE, "synced": 3.5}),
    ],
)
def test_a_part_whose_state_is_lost_is_thrown_away(tmp_path: Path, state: str) -> None:
    part = broken(tmp_path)
    part.state.write_text(state)
    assert bring(part, FILE, DATA) == [0]


@pytest.mark.parametrize("state", [10**9, float("inf")])
def test_a_part_that_is_longer_than_its_file_is_cut_or_thrown_away(tmp_path: Path, state: float) -> None:
    part = broken(tmp_path)
    part.state.write_text(json.dumps({**STATE, "synced": state}))
    part.path.write_bytes(bytes(2 * FILE.size))
    assert part.trusted_bytes(FILE) == 0
    assert bring(part, FILE, DATA) == [0]
    part.finish(FILE)
    assert part.final.read_bytes() == DATA


def test_a_link_in_place_of_a_part_is_not_written_through(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("precious")
    part = Part(tmp_path / "a" / "b.h5")
    part.path.parent.mkdir()
    part.path.symlink_to(other)
    bring(part, FILE, DATA)
    part.finish(FILE)
    assert other.read_text() == "precious"
    assert part.final.read_bytes() == DATA
    assert not part.final.is_symlink()


def test_a_complete_part_is_not_asked_for(tmp_path: Path) -> None:
    part = Part(tmp_path / "b.h5")
    bring(part, FILE, DATA)
    assert bring(part, FILE, DATA) == []


def test_a_whole_part_with_a_wrong_byte_never_gets_the_name(tmp_path: Path) -> None:
    part = Part(tmp_path / "b.h5")
    bring(part, FILE, DATA[:-1] + b"x")
    with pytest.raises(Corrupt, match=r"a/b\.h5: expected MD5"):
        part.finish(FILE)
    assert not list(tmp_path.iterdir())


def test_a_hash_of_pieces_may_be_misread_so_two_equal_transfers_count_more(tmp_path: Path) -> None:
    file = replace(FILE, md5=f"{'0' * 32}-3", piece_bytes=4000)
    part = Part(tmp_path / "b.h5")
    bring(part, file, DATA)
    with pytest.raises(Corrupt) as first:
        part.finish(file)
    assert not first.value.certain
    bring(part, file, DATA)
    assert part.finish(file, agreed=first.value.sha256) == first.value.sha256
    assert part.final.read_bytes() == DATA


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(1, 100))
def test_hashes_of_pieces_are_those_that_s3_states(scratch: Path, data: bytes, piece: int) -> None:
    path = scratch / "file"
    path.write_bytes(data)
    pieces = [hashlib.md5(data[start : start + piece]).digest() for start in range(0, len(data), piece)]
    expected = f"{hashlib.md5(b''.join(pieces)).hexdigest()}-{len(pieces)}"
    found = digests(path, md5=True, piece_bytes=piece)
    assert (found.sha256, found.md5) == (hashlib.sha256(data).hexdigest(), expected)
    assert digests(path, md5=True).md5 == hashlib.md5(data).hexdigest()
    assert digests(path, md5=False).md5 is None


@pytest.mark.parametrize("stated", [{"size": 1}, {"sha256": "0" * 64}, {"md5": "0" * 32}])
def test_everything_that_is_stated_counts(tmp_path: Path, stated: dict) -> None:
    (tmp_path / "b.h5").write_bytes(DATA)
    assert check_content(tmp_path / "b.h5", FILE) == hashlib.sha256(DATA).hexdigest()
    with pytest.raises(Corrupt) as found:
        check_content(tmp_path / "b.h5", replace(FILE, **stated))
    assert found.value.certain


def test_a_line_of_the_record_that_a_kill_cut_short_is_none(tmp_path: Path) -> None:
    with writing(tmp_path) as record:
        record.add("a", size=1, sha256="0" * 64, version="v", source="s")
    with (tmp_path / RECORD).open("a") as file:
        file.write('{"path": "b", "si')
    assert list(Record(tmp_path).entries) == ["a"]
    with writing(tmp_path) as record:
        record.add("c", size=1, sha256="0" * 64, version="v", source="s")
    assert [json.loads(line)["path"] for line in (tmp_path / RECORD).read_text().splitlines()] == ["a", "c"]


ENTRY = {"path": "a/b.h5", "size": 1, "sha256": "0" * 64, "version": "v", "source": "s", "received": "t"}


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe\x00",
        b"\0\0\0\0",
        b"[" * 100_000,
        b"[]",
        json.dumps({**ENTRY, "path": 5}).encode(),
        json.dumps({**ENTRY, "size": "many"}).encode(),
        json.dumps({**ENTRY, "path": "../../etc/passwd"}).encode(),
        json.dumps({**ENTRY, "path": "/etc/passwd"}).encode(),
    ],
)
def test_a_line_of_the_record_that_is_none_is_named(tmp_path: Path, line: bytes) -> None:
    (tmp_path / RECORD).write_bytes(json.dumps(ENTRY).encode() + b"\n" + line + b"\n")
    with pytest.raises(DataError, match=r"downloaded\.jsonl:2: expected an entry of a download, found '"):
        Record(tmp_path)


def test_what_a_kill_left_of_small_files_goes(tmp_path: Path) -> None:
    left = tmp_path / "train" / ".b.h5.part.json.ab3_x9zq.part"
    left.parent.mkdir()
    left.touch()
    kept = tmp_path / "train" / "b.h5.part"
    kept.touch()
    with writing(tmp_path):
        assert not left.exists()
        assert kept.exists()

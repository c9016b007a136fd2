"""Downloads from an S3 store: moto's server, behind a line that drops, flips and refuses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from spoiling import flip, truncate
from stores import Bucket, Line, bad_line, contents, s3_store

from datasets import transfer_file

PREFIX = "ms/em_graphene_sim"
PAIR = ("graphene_img_clean.h5", "graphene_img_noise.h5")


@pytest.fixture(scope="module")
def store() -> Iterator[Bucket]:
    with s3_store() as bucket:
        yield bucket


@pytest.fixture
def bucket(store: Bucket, published_pairs: Path) -> Bucket:
    """Return the bucket as the publisher has it."""
    for item in store.client.list_objects_v2(Bucket="sciml-datasets").get("Contents", []):
        store.client.delete_object(Bucket="sciml-datasets", Key=item["Key"])
    store.fill(published_pairs, PREFIX)
    return store


@pytest.fixture
def line(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    monkeypatch.setattr(transfer_file.Policy, "pause_s", lambda *_: 0.01)
    with bad_line(bucket.port) as opened:
        yield opened


@pytest.fixture
def get(call, line: Line, tmp_path: Path) -> Callable[..., object]:
    """Return a function that downloads the micrographs over the line."""
    return lambda *words: call("download", "em_denoise", tmp_path, "--mirror", line.url, *words)


def test_a_set_comes_whole_and_described(get, published_pairs: Path, tmp_path: Path, call) -> None:
    done = get()
    assert done.code == 0, done.error
    root = tmp_path / "em_denoise"
    assert contents(root) == contents(published_pairs)
    manifest = json.loads((root / "manifest.json").read_text())
    assert manifest["dataset_id"] == "em_graphene_sim"
    assert not manifest["simulated"]
    entries = {
        entry["path"]: entry["sha256"]
        for entry in map(json.loads, (root / "downloaded.jsonl").read_text().splitlines())
    }
    assert entries == {entry["path"]: entry["sha256"] for entry in manifest["files"]}
    assert sorted(path.name for path in root.iterdir()) == [
        "croissant.json",
        "downloaded.jsonl",
        "manifest.json",
        "test",
        "train",
    ]
    assert call("em_denoise.verify", root).code == 0
    assert get("--verify-only").code == 0


def test_nothing_is_fetched_twice(get, line: Line) -> None:
    assert get().code == 0
    before = line.served
    done = get()
    assert "nothing was missing" in done.out
    assert line.served - before < 10_000


def test_a_line_that_drops_again_and_again(get, line: Line, published_pairs: Path, tmp_path: Path) -> None:
    line.drops_after = [200_000] * 8
    assert get().code == 0
    assert contents(tmp_path / "em_denoise") == contents(published_pairs)
    assert any(start > 0 for start in line.ranges)
    assert not line.drops_after


def test_a_bit_that_flips_on_the_way_is_found_and_the_file_fetched_anew(
    get, line: Line, published_pairs, tmp_path
) -> None:
    line.flips_at = [300_000]
    done = get("--jobs", "1")
    assert done.code == 0, done.error
    assert not line.flips_at
    assert contents(tmp_path / "em_denoise") == contents(published_pairs)


@pytest.mark.parametrize("spoil", [flip, truncate, Path.unlink], ids=["a flipped bit", "a cut file", "no file"])
def test_what_was_harmed_afterwards_is_found_and_mended(get, spoil, published_pairs: Path, tmp_path: Path) -> None:
    assert get().code == 0
    harmed = tmp_path / "em_denoise" / "train" / PAIR[0]
    spoil(harmed)
    found = get("--verify-only")
    assert found.code == 3
    assert f"{harmed}: expected" in found.error
    harmed.unlink(missing_ok=True)
    assert get().code == 0
    assert contents(tmp_path / "em_denoise") == contents(published_pairs)
    assert get("--verify-only").code == 0


def test_the_next_mirror_is_asked_where_the_first_one_does_not_answer(call, line: Line, tmp_path: Path) -> None:
    with bad_line(1) as dead:
        dead.refusing = True
        done = call("download", "em_denoise", tmp_path, "--mirror", dead.url, "--mirror", line.url)
    assert done.code == 0, done.error
    assert done.out.index(dead.url) < done.out.index(line.url)


def test_a_mirror_that_goes_away_leaves_its_halves_to_the_next_one(
    call, bucket: Bucket, line: Line, published_pairs: Path, tmp_path: Path
) -> None:
    with bad_line(bucket.port) as failing:
        failing.bytes_per_s = 4e6  # so that what came is read before the line breaks
        failing.drops_after = [400_000] * 2
        failing.when_served = (700_000, lambda: setattr(failing, "refusing", True))
        done = call("download", "em_denoise", tmp_path, "--mirror", failing.url, "--mirror", line.url, "--jobs=1")
    assert done.code == 0, done.error
    assert any(start > 0 for start in line.ranges)
    assert contents(tmp_path / "em_denoise") == contents(published_pairs)


def test_an_object_that_changes_while_it_is_read_is_not_spliced(
    get, bucket: Bucket, line: Line, published_pairs: Path, tmp_path: Path
) -> None:
    """The second half is asked for by the ETag of the first; the store says 412, and the file is begun anew."""
    other = published_pairs / "train" / PAIR[1]  # as many bytes, and another content
    path = f"{PREFIX}/train/{PAIR[0]}"
    line.drops_after = [400_000]
    line.when_served = (300_000, lambda: bucket.put(path, other.read_bytes()))
    done = get("--jobs=1")
    assert "changed at its source while it was read" in done.out
    assert done.code == 0
    found = contents(tmp_path / "em_denoise")
    assert found == {**contents(published_pairs), f"train/{PAIR[0]}": other.read_bytes()}


def test_what_was_trusted_and_changed_upstream_is_refused_and_kept(
    get, bucket: Bucket, published_pairs, tmp_path
) -> None:
    assert get().code == 0
    changed = tmp_path / "em_denoise" / "train" / PAIR[0]
    other = (published_pairs / "train" / PAIR[1]).read_bytes()
    bucket.put(f"{PREFIX}/train/{PAIR[0]}", other)
    done = get()
    assert done.code == 3
    assert f"{changed}: expected the content of 20" in done.error
    assert contents(tmp_path / "em_denoise") == contents(published_pairs)
    changed.unlink()
    assert get().code == 0
    assert changed.read_bytes() == other


def test_a_file_that_another_program_left_is_taken_over_or_left_alone(
    get, line: Line, published_pairs, tmp_path
) -> None:
    root = tmp_path / "em_denoise"
    shutil.copytree(published_pairs, root)
    done = get()
    assert done.code == 0
    assert line.served < 10_000
    (root / "downloaded.jsonl").unlink()
    flip(root / "train" / PAIR[0])
    done = get()
    assert done.code == 3
    assert f"train/{PAIR[0]}: expected MD5" in done.error
    truncate(root / "train" / PAIR[0])
    done = get()
    assert done.code == 3
    assert "that this program did not write — move it away" in done.error


def test_uploads_in_pieces_are_held_against_the_hash_of_their_pieces(
    get, bucket: Bucket, line: Line, published_pairs: Path, tmp_path: Path
) -> None:
    """A piece has 5 MiB at least, so one file is made long enough for two."""
    long = b"".join((published_pairs / "train" / name).read_bytes() for name in PAIR * 4)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "notes.bin").write_bytes(long)
    bucket.fill(tmp_path / "more", PREFIX, piece_bytes=5 << 20)
    listed = bucket.client.head_object(Bucket="sciml-datasets", Key=f"{PREFIX}/notes.bin")
    assert listed["ETag"].endswith('-2"')
    line.flips_at = [3 << 20]  # in notes.bin, which comes first
    done = get("--jobs=1")
    assert done.code == 0, done.error
    assert not line.flips_at
    assert (tmp_path / "em_denoise" / "notes.bin").read_bytes() == long
    assert line.served > 2 * len(long)


def test_a_missing_bucket_and_an_empty_folder_are_said(call, bucket: Bucket, line: Line, tmp_path: Path) -> None:
    done = call("download", "dms_classifier", tmp_path, "--mirror", line.url)
    assert done.code == 3
    assert "s3://sciml-datasets/ms/dms_sim: expected objects, found none" in done.error
    done = call("download", "em_denoise", tmp_path, "--source", f"s3+{line.url}/no-bucket/x")
    assert done.code == 3
    assert "NoSuchBucket" in done.error
    assert "Traceback" not in done.error


def test_a_network_that_is_not_there(call, tmp_path: Path) -> None:
    with bad_line(1) as dead:
        address = dead.url
    done = call("download", "em_denoise", tmp_path, "--mirror", address)
    assert done.code == 3
    assert "Could not connect" in done.error
    assert "--mirror and --source name others" in done.error
    assert not list((tmp_path / "em_denoise").glob("manifest.json"))


def test_a_set_that_does_not_fit_on_the_disk_is_refused_before_the_first_byte(
    get, line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = shutil.disk_usage(tmp_path)._replace(free=2_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: room)
    done = get()
    assert done.code == 3
    assert "expected room for 2.63 MB more, found 2 MB" in done.error
    assert line.served < 10_000


def test_a_path_that_leads_out_of_the_folder_is_refused(get, bucket: Bucket, tmp_path: Path) -> None:
    bucket.put(f"{PREFIX}/a/../../../evil.h5", b"evil")
    done = get()
    assert done.code == 3
    assert "expected paths inside the folder of the set, found 'a/../../../evil.h5'" in done.error
    assert not list(tmp_path.rglob("evil.h5"))


def test_two_downloads_into_one_folder(get, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datasets import transfer_record

    monkeypatch.setattr(transfer_record, "LOCK_WAIT_S", 0.1)
    with transfer_record.writing(tmp_path / "em_denoise"):
        done = get()
    assert done.code == 3
    assert "another download writes into this folder" in done.error


@pytest.mark.parametrize("path", ["train", f"train/{PAIR[0]}"])
def test_what_is_in_the_way_is_said_before_the_first_byte(get, line: Line, tmp_path: Path, path: str) -> None:
    """A file in place of a folder, and a folder in place of a file."""
    blocked = tmp_path / "em_denoise" / path
    blocked.parent.mkdir(parents=True)
    blocked.touch() if path == "train" else blocked.mkdir()
    done = get()
    assert done.code == 3
    assert f"{blocked}: expected a f" in done.error
    assert "move it away" in done.error
    assert line.served < 10_000


def test_a_record_that_is_no_file_is_said(get, tmp_path: Path) -> None:
    (tmp_path / "em_denoise").mkdir()
    (tmp_path / "em_denoise" / "downloaded.jsonl").symlink_to("/dev/null")
    done = get()
    assert done.code == 3
    assert "downloaded.jsonl: expected a file, found a device or a pipe — move it away" in done.error


def test_a_file_where_the_folder_of_the_set_is_to_be(get, tmp_path: Path) -> None:
    (tmp_path / "em_denoise").write_text("mine")
    done = get()
    assert done.code == 3
    assert f"{tmp_path / 'em_denoise'}': expected to make a file or a folder here, found the other one" in done.error
    assert (tmp_path / "em_denoise").read_text() == "mine"


@pytest.mark.parametrize("text", [b"", b"{}", b'{"dataset": "em_denoise", "files": []}', b"\xff", b"[" * 100_000])
def test_a_manifest_that_was_harmed_afterwards_is_written_anew(get, tmp_path: Path, text: bytes) -> None:
    assert get().code == 0
    manifest = tmp_path / "em_denoise" / "manifest.json"
    whole = manifest.read_bytes()
    manifest.write_bytes(text)
    done = get()
    assert done.code == 0, done.error
    assert manifest.read_bytes() == whole


def test_a_simulated_set_is_not_written_over(call, em_set: Path, tmp_path: Path) -> None:
    shutil.copytree(em_set, tmp_path / "em_denoise")
    done = call("download", "em_denoise", tmp_path)
    assert done.code == 2
    assert "found one that simulate made" in done.error


def test_a_set_that_came_whole_and_is_not_what_its_readers_know(get, bucket: Bucket, tmp_path: Path) -> None:
    bucket.client.delete_object(Bucket="sciml-datasets", Key=f"{PREFIX}/test/{PAIR[0]}")
    done = get()
    assert done.code == 3
    assert "every file came whole; they are not what readers of em_denoise know" in done.error
    assert (tmp_path / "em_denoise" / "test" / PAIR[1]).is_file()
    assert not (tmp_path / "em_denoise" / "manifest.json").exists()


def test_what_a_disk_loses_between_arrival_and_the_manifest_is_found(
    get, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datasets import transfer_check

    plain = transfer_check.describe_downloaded

    def on_a_bad_disk(*given, **named):
        flip(tmp_path / "em_denoise" / "train" / PAIR[0])
        return plain(*given, **named)

    monkeypatch.setattr(transfer_check, "describe_downloaded", on_a_bad_disk)
    done = get()
    assert done.code == 3
    assert "expected the SHA-256 with which it came, found another — is the disk sound?" in done.error
    assert not (tmp_path / "em_denoise" / "manifest.json").exists()

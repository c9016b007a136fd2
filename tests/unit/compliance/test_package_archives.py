"""No archive, whatever is in it, ends in a traceback, leaves a file, or takes more than its bounds."""

from __future__ import annotations

import gzip
import io
import os
import random
import stat
import struct
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from checking import GOLDEN, Answer, check
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parcels import (
    CODE,
    DESCRIPTION,
    MANIFEST,
    ORG,
    RESULTS,
    Package,
    as_tar,
    as_zip,
    valid_package,
    with_manifest,
)

from compliance.package import archive, tars
from compliance.package import rules as package_rules
from compliance.package.archive import UnreadableError, members
from compliance.package.check import is_package

PACKAGE_RULES = package_rules.load()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """A valid package, with power logs."""
    return valid_package(tmp_path_factory.mktemp("valid"), power=True)


@pytest.fixture(scope="module")
def few(files: Package) -> Package:
    """A package of one run, for tests that judge many of them."""
    return {name: content for name, content in files.items() if "result_" not in name or "result_1" in name}


def judged(content: bytes, folder: Path, name: str = "package.tar") -> Answer:
    """Judge bytes as a package; whatever they are, the checker answers, and leaves nothing."""
    path = folder / name
    path.write_bytes(content)
    answer = check(path)
    assert answer.code in (0, 1), answer.err
    assert answer.err == ""
    assert list(folder.iterdir()) == [path]
    path.unlink()
    return answer


def rules_in(answer: Answer) -> set[str]:
    """Return the numbers of the rules of packages that an answer names."""
    return {word[14:17] for word in answer.out.split() if word.startswith("sciml-package-")}


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), kind=st.sampled_from(["tar", "tar.gz", "zip"]))
def test_a_damaged_archive_is_never_more_than_findings(seed: int, kind: str, few: Package, tmp_path: Path) -> None:
    chance = random.Random(seed)
    content = bytearray({"tar": as_tar(few), "tar.gz": gzip.compress(as_tar(few), mtime=0), "zip": as_zip(few)}[kind])
    for _ in range(chance.randint(1, 6)):
        # Headers stand at the beginning of a tar, and the directory of a zip at its end.
        place = chance.choice([chance.randrange(1500), chance.randrange(len(content))])
        content[place if chance.random() < 0.5 else -1 - place] = chance.randrange(256)
    cut = chance.choice([len(content), chance.randrange(len(content))])
    judged(bytes(content[:cut]), tmp_path, f"package.{kind}")


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=300),
    place=st.sampled_from([DESCRIPTION, MANIFEST, f"{MANIFEST}.minisig", "log", "node"]),
)
def test_a_document_may_be_any_bytes(content: bytes, place: str, few: Package, tmp_path: Path) -> None:
    names = {"log": f"{RESULTS}/result_1.txt", "node": f"{RESULTS}/power/result_1/node_0.txt"}
    assert judged(as_tar({**few, names.get(place, place): content}), tmp_path).code in (0, 1)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=json_values, field=st.sampled_from(["value", "time_ms", "metadata", "key"]), line=st.integers(0, 6))
def test_a_power_log_may_say_anything(value: object, field: str, line: int, few: Package, tmp_path: Path) -> None:
    import json

    name = f"{RESULTS}/power/result_1/node_0.txt"
    lines = few[name].splitlines(keepends=True)
    record = {**json.loads(lines[line][9:]), field: value}
    lines[line] = b":::MLLOG " + json.dumps(record).encode() + b"\n"
    judged(as_tar({**few, name: b"".join(lines)}), tmp_path)


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=json_values, data=st.data())
def test_a_system_description_may_say_anything(
    value: object, data: st.DataObject, few: Package, tmp_path: Path
) -> None:
    import json

    document = json.loads(few[DESCRIPTION])
    document[data.draw(st.sampled_from([*document, "new"]))] = value
    content = json.dumps(data.draw(st.sampled_from([document, value])))
    judged(as_tar({**few, DESCRIPTION: content.encode()}), tmp_path)


def zip_entry(name: str, mode: int = 0o100644, **fields: int) -> zipfile.ZipInfo:
    """Return an entry of a zip as Unix writes it."""
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    for field, value in fields.items():
        setattr(info, field, value)
    return info


@pytest.mark.parametrize(
    ("info", "rule"),
    [
        (zip_entry(f"{CODE}/link", stat.S_IFLNK | 0o777), "003"),
        (zip_entry(f"{CODE}/pipe", stat.S_IFIFO | 0o644), "003"),
        (zip_entry(f"{CODE}/packed.bz2", compress_type=zipfile.ZIP_BZIP2), "003"),
        (zip_entry(f"{CODE}/packed.xz", compress_type=zipfile.ZIP_LZMA), "003"),
        (zip_entry("../outside"), "002"),
        (zip_entry("C:\\windows"), "002"),
        (zip_entry(f"{CODE}/TRAIN.py"), "004"),
    ],
)
def test_a_zip_holds_plain_files_only(info: zipfile.ZipInfo, rule: str, files: Package, tmp_path: Path) -> None:
    content = as_zip(with_manifest(files), lambda archive: archive.writestr(info, b"/etc/passwd"))
    assert rules_in(judged(content, tmp_path, "package.zip")) == {rule}


def test_a_zip_that_is_encrypted_is_refused(files: Package, tmp_path: Path) -> None:
    content = bytearray(as_zip(with_manifest(files)))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert "003" in rules_in(judged(bytes(content), tmp_path, "package.zip"))


def test_a_zip_whose_names_differ_inside_is_refused(files: Package, tmp_path: Path) -> None:
    content = as_zip(files).replace(b"train.py", b"trick.py", 1)
    assert "001" in rules_in(judged(content, tmp_path, "package.zip"))


def test_the_directory_of_a_zip_is_bounded_before_it_is_read(files: Package, tmp_path: Path) -> None:
    content = bytearray(as_zip(files))
    end = content.rindex(b"PK\x05\x06")
    content[end + 12 : end + 16] = struct.pack("<I", 0xF0000000)
    assert "a directory of 4026531840 bytes" in judged(bytes(content), tmp_path, "package.zip").out
    large = bytes(content[:end]) + b"PK\x06\x07" + bytes(16) + bytes(content[end:])
    assert "a zip of the large kind" in judged(large, tmp_path, "package.zip").out


def test_a_header_of_a_tar_is_bounded_before_it_is_read(files: Package, tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as made:
        info = tarfile.TarInfo(f"{CODE}/a.py")
        info.pax_headers = {"comment": "x" * (tars.HEADER_BYTES + 100_000)}
        made.addfile(info, io.BytesIO())
    answer = judged(gzip.compress(stream.getvalue()), tmp_path, "package.tgz")
    assert "a header of more than" in answer.out


@pytest.mark.parametrize("name", ["members", "total_bytes", "member_bytes", "document_bytes"])
def test_every_limit_is_kept(name: str, files: Package, tmp_path: Path) -> None:
    limited = replace(PACKAGE_RULES, limits={**PACKAGE_RULES.limits, name: 3})
    (tmp_path / "package.tar").write_bytes(as_tar(files))
    if name == "document_bytes":
        member = next(members(tmp_path / "package.tar", PACKAGE_RULES, []))
        assert member.whole(3) is None
        return

    def read_all() -> None:
        for member in members(tmp_path / "package.tar", limited, []):
            member.drain()

    with pytest.raises(UnreadableError) as refused:
        read_all()
    assert refused.value.finding.rule == "sciml-package-005"


def test_a_folder_is_read_without_following_what_leads_out_of_it(files: Package, tmp_path: Path) -> None:
    for name, content in with_manifest(files).items():
        path = tmp_path / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert check(tmp_path / "package").code == 0
    assert check(tmp_path / "package" / ORG).code == 0, "the organisation's own folder is the package too"
    (tmp_path / "package" / CODE / "link.py").symlink_to("/etc/passwd")
    (tmp_path / "package" / CODE / "loop").symlink_to(".")
    os.mkfifo(tmp_path / "package" / CODE / "pipe")
    answer = check(tmp_path / "package")
    assert sum(" sciml-package-003 " in line for line in answer.lines) == 3
    assert rules_in(answer) == {"003"}


def test_check_decides_itself_what_a_path_is(files: Package, tmp_path: Path) -> None:
    for name, content in {"one": as_tar(files), "two": as_zip(files), "three.tar": b"", "four.zip": b"text"}.items():
        (tmp_path / name).write_bytes(content)
        assert is_package(tmp_path / name), name
    (tmp_path / "packed.tgz").write_bytes(gzip.compress(b"no tar"))
    assert "001" in rules_in(check(tmp_path / "packed.tgz"))
    for path in (GOLDEN / "valid" / "run-directory", GOLDEN / "valid", GOLDEN / "valid" / "slstr_cloud-pt.mllog"):
        assert not is_package(path), path
    both = check(tmp_path / "one", GOLDEN / "valid" / "slstr_cloud-pt.mllog")
    assert both.code == 0
    assert "of 6 logs" in both.out


def test_the_memory_of_a_member_is_a_piece(files: Package, tmp_path: Path) -> None:
    (tmp_path / "package.tar").write_bytes(as_tar({**files, f"{CODE}/zeros.bin": bytes(5 << 20)}))
    largest = 0
    for member in members(tmp_path / "package.tar", PACKAGE_RULES, []):
        while data := member.read():
            largest = max(largest, len(data))
    assert largest == archive.PIECE_BYTES

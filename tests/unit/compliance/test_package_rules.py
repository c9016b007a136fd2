"""Every rule of packages has a package that breaks it, with its golden message, and one that nearly does.

A case spoils a valid package in one way. `python tests/unit/compliance/test_package_rules.py` writes the messages anew:
read the difference before you keep it.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
import tarfile
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from checking import GOLDEN, check
from jsonschema import Draft202012Validator
from parcels import (
    CODE,
    DESCRIPTION,
    MANIFEST,
    ORG,
    RESULTS,
    RULES,
    RUNS,
    SIGNATURE,
    SYSTEM,
    Package,
    as_tar,
    as_zip,
    make_run,
    power_line,
    valid_package,
    window,
    with_manifest,
)
from referencing import Registry

from compliance import rules as rule_sets
from compliance.package import minisign

MESSAGES = GOLDEN / "packages"
KEY = minisign.SecretKey(b"12345678", bytes(range(32)))
OTHER_KEY = minisign.SecretKey(b"87654321", bytes(32))
PUBLIC_KEY = minisign.public_key(KEY).text

Edit = Callable[[Package], Package]
"""Spoils the files of a package; the manifest is made anew after it."""

Pack = Callable[[Package], bytes]
"""Packs the files in a way of its own."""


def log(run: int) -> str:
    """Return the name of a log."""
    return f"{RESULTS}/result_{run}.txt"


def node(run: int, number: int = 0) -> str:
    """Return the name of a power log."""
    return f"{RESULTS}/power/result_{run}/node_{number}.txt"


def without(*names: str) -> Edit:
    """Leave files out."""
    return lambda files: {name: content for name, content in files.items() if name not in names}


def having(**_: bytes) -> Edit:
    """Add nothing: the package as it is."""
    return lambda files: files


def adding(name: str, content: bytes = b"text\n") -> Edit:
    """Add a file, or replace it."""
    return lambda files: {**files, name: content}


def moved(old: str, new: str) -> Edit:
    """Give every file below a name another one."""
    return lambda files: {name.replace(old, new): content for name, content in files.items()}


def described(**changes: Any) -> Edit:
    """Change fields of the system description; an ellipsis takes one out."""

    def edit(files: Package) -> Package:
        document = {**json.loads(files[DESCRIPTION]), **changes}
        kept = {name: value for name, value in document.items() if value is not ...}
        return {**files, DESCRIPTION: json.dumps(kept).encode()}

    return edit


def told(run: int, key: str, value: Any) -> Edit:
    """Change what an unchained log says: the chain has rules of its own."""

    def edit(files: Package) -> Package:
        records = [json.loads(line[9:]) for line in files[log(run)].splitlines()]
        for record in records:
            del record["metadata"]["previous_sha256"]
            if record["key"] == key:
                record["value"] = value
        kept = [record for record in records if record["key"] != "log_seal"]
        return {**files, log(run): b"".join(b":::MLLOG " + json.dumps(record).encode() + b"\n" for record in kept)}

    return edit


def readings(change: Callable[[list[bytes]], object], run: int = 2) -> Edit:
    """Change the lines of a power log."""

    def edit(files: Package) -> Package:
        lines = files[node(run)].splitlines(keepends=True)
        change(lines)
        return {**files, node(run): b"".join(lines)}

    return edit


def at(number: int, old: bytes, new: bytes) -> Edit:
    """Change bytes of one line of a power log."""

    def change(lines: list[bytes]) -> None:
        assert old in lines[number], lines[number]
        lines[number] = lines[number].replace(old, new, 1)

    return readings(change)


def later(number: int, milliseconds: int) -> Edit:
    """Give one reading another time."""

    def change(lines: list[bytes]) -> None:
        record = json.loads(lines[number][9:])
        record["time_ms"] += milliseconds
        lines[number] = b":::MLLOG " + json.dumps(record).encode() + b"\n"

    return readings(change)


def aborted(*runs: int) -> Edit:
    """Let runs miss the target."""

    def edit(files: Package) -> Package:
        from dataclasses import replace

        from parcels import SLOW

        with tempfile.TemporaryDirectory() as folder:
            made = {run: make_run(Path(folder), replace(SLOW, seed=run + 1), aborted=True) for run in runs}
            return {**files, **{log(run): (path / "result_0.txt").read_bytes() for run, path in made.items()}}

    return edit


def manifest(change: Callable[[bytes], bytes]) -> Pack:
    """Pack with a manifest that was changed."""
    return lambda files: as_tar({**with_manifest(files), MANIFEST: change(with_manifest(files)[MANIFEST])})


def signed(key: minisign.SecretKey, change: Callable[[bytes], bytes] = lambda text: text) -> Pack:
    """Pack with a signature."""

    def pack(files: Package) -> bytes:
        whole = with_manifest(files)
        signature = minisign.sign(whole[MANIFEST], key, "a test").encode()
        return as_tar({**whole, SIGNATURE: change(signature)})

    return pack


def member(name: str, content: bytes = b"x\n", **fields: Any) -> Pack:
    """Pack with one more member of a tar, which no folder could hold."""

    def more(archive: tarfile.TarFile) -> None:
        info = tarfile.TarInfo(name)
        info.size = len(content) if fields.get("type", tarfile.REGTYPE) == tarfile.REGTYPE else 0
        for field, value in fields.items():
            setattr(info, field, value)
        archive.addfile(info, io.BytesIO(content))

    return lambda files: as_tar(with_manifest(files), more)


def claiming(size: int) -> Pack:
    """Pack with a member whose header claims a size that is not there."""

    def pack(files: Package) -> bytes:
        info = tarfile.TarInfo(f"{CODE}/huge.bin")
        info.size = size
        return info.tobuf(tarfile.GNU_FORMAT) + as_tar(with_manifest(files))

    return pack


def from_a_dot(files: Package) -> bytes:
    """Pack as `tar -c .` does."""
    return as_tar({f"./{name}": content for name, content in with_manifest(files).items()})


def bomb(files: Package) -> bytes:
    """Pack with a member of a hundred megabytes of nothing."""
    return gzip.compress(as_tar({**with_manifest(files), f"{CODE}/zeros.bin": bytes(100 << 20)}))


def packed(pack: Callable[..., bytes]) -> Pack:
    """Pack plainly."""
    return lambda files: pack(with_manifest(files))


AS_IT_IS = having()
PLAIN = packed(as_tar)

CASES: dict[str, tuple[Edit, Pack]] = {
    "001-cut-off": (AS_IT_IS, lambda files: as_tar(with_manifest(files))[:-30000]),
    "001-behind-the-end": (AS_IT_IS, lambda files: as_tar(with_manifest(files)) + b"more"),
    "001-damaged-gzip": (AS_IT_IS, lambda files: gzip.compress(as_tar(with_manifest(files)))[:-4000] + bytes(4000)),
    "001-no-archive": (AS_IT_IS, lambda files: b"PK\x03\x04" + bytes(500)),
    "002-up": (AS_IT_IS, member(f"{ORG}/../../etc/passwd")),
    "002-absolute": (AS_IT_IS, member("/etc/passwd")),
    "002-backslash": (AS_IT_IS, member(f"{ORG}\\results")),
    "002-bell": (AS_IT_IS, member(f"{CODE}/a\x07b.py")),
    "002-long": (AS_IT_IS, member(f"{CODE}/{'a' * 300}.py")),
    "003-link": (AS_IT_IS, member(f"{CODE}/link", type=tarfile.SYMTYPE, linkname="/etc/passwd")),
    "003-hard-link": (AS_IT_IS, member(f"{CODE}/link", type=tarfile.LNKTYPE, linkname=MANIFEST)),
    "003-device": (AS_IT_IS, member(f"{CODE}/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)),
    "003-pipe": (AS_IT_IS, member(f"{CODE}/pipe", type=tarfile.FIFOTYPE)),
    "004-twice": (AS_IT_IS, member(log(0))),
    "004-case": (AS_IT_IS, member(f"{CODE}/TRAIN.py")),
    "004-folder": (AS_IT_IS, member(f"{CODE}/train.py/inside.py")),
    "005-bomb": (AS_IT_IS, bomb),
    "005-claims-too-much": (AS_IT_IS, claiming(1 << 40)),
    "006-two": (adding("Another_Observatory/README.md"), PLAIN),
    "007-somewhere": (adding(f"{ORG}/results/notes.txt"), PLAIN),
    "007-other-name": (adding(f"{RESULTS}/result_00.txt"), PLAIN),
    "008-no-system": (without(DESCRIPTION), PLAIN),
    "008-no-code": (moved(f"{CODE}/", f"{ORG}/benchmarks/em_denoise/implementations/pt/"), PLAIN),
    "008-no-results": (adding(f"{ORG}/systems/another.json", b"{}"), PLAIN),
    "009-one-less": (without(log(4)), PLAIN),
    "009-gap": (moved("result_3.txt", "result_5.txt"), PLAIN),
    "010-no-script": (without(f"{CODE}/run_and_time.sh"), PLAIN),
    "010-empty": (adding(f"{CODE}/setup.sh", b""), PLAIN),
    "010-no-shell": (adding(f"{CODE}/setup.sh", b"make setup\n"), PLAIN),
    "010-no-source": (without(f"{CODE}/train.py", f"{CODE}/init_datasets.sh"), PLAIN),
    "011-other-benchmark": (told(1, "submission_benchmark", "em_denoise"), PLAIN),
    "011-other-implementation": (told(1, "implementation", "tf"), PLAIN),
    "011-other-hyperparameters": (
        told(1, "hyperparameters", {"batch_size": 64, "learning_rate": 0.002, "epsilon": 1e-7}),
        PLAIN,
    ),
    "011-other-ranks": (told(3, "number_of_ranks", 8), PLAIN),
    "012-same": (told(3, "seed", 2), PLAIN),
    "012-text": (told(3, "seed", "4"), PLAIN),
    "013-same-run": (told(4, "run_id", "20260725T172000Z-0001"), PLAIN),
    "014-one-missed": (aborted(1), PLAIN),
    "015-no-seal": (told(0, "seed", 1), PLAIN),
    "016-blank": (described(cooling=" "), PLAIN),
    "016-missing": (described(host_processor_caches=...), PLAIN),
    "016-number": (described(number_of_nodes=1), PLAIN),
    "016-not-json": (adding(DESCRIPTION, b'{"submitter": NaN}'), PLAIN),
    "017-nodes": (described(number_of_nodes="2"), PLAIN),
    "017-status": (described(status="Available cloud"), PLAIN),
    "018-not-stated": (described(cooling="not stated: only a person knows how the system is cooled"), PLAIN),
    "019-text": (readings(lambda lines: lines.insert(9, b"612.5 W\n")), PLAIN),
    "019-no-stop": (readings(lambda lines: lines.pop()), PLAIN),
    "019-efficiency": (at(1, b"0.94", b"94"), PLAIN),
    "019-metadata": (at(5, b'{"file": "meter.py", "lineno": 7}', b'""'), PLAIN),
    "019-cut": (at(-1, b"\n", b""), PLAIN),
    "020-backwards": (later(9, -1500), PLAIN),
    "020-twice": (readings(lambda lines: lines.insert(9, lines[9])), PLAIN),
    "021-zero": (at(9, b"612.5", b"0.0"), PLAIN),
    "021-milliwatts": (at(9, b"612.5", b"612500"), PLAIN),
    "021-unit": (at(9, b'"lineno": 7', b'"lineno": 7, "unit": "kW"'), PLAIN),
    "022-every-two-seconds": (readings(lambda lines: lines.__delitem__(slice(3, -3, 2))), PLAIN),
    "022-gap": (readings(lambda lines: lines.__delitem__(slice(20, 30))), PLAIN),
    "023-late": (readings(lambda lines: lines.__delitem__(slice(2, 6))), PLAIN),
    "023-early": (readings(lambda lines: lines.__delitem__(slice(-6, -1))), PLAIN),
    "024-few": (readings(lambda lines: lines.__setitem__(slice(2, -2), lines[2:60])), PLAIN),
    "025-one-run-not-measured": (without(node(3)), PLAIN),
    "025-another-node": (lambda files: {**files, node(3, 1): files[node(3)]}, PLAIN),
    "025-no-result": (adding(f"{RESULTS}/power/result_9/node_0.txt"), PLAIN),
    "026-none": (AS_IT_IS, lambda files: as_tar(without(MANIFEST)(files))),
    "026-form": (AS_IT_IS, manifest(lambda text: text.replace(b"  ", b" ", 1))),
    "026-twice": (AS_IT_IS, manifest(lambda text: text + text.splitlines(keepends=True)[0])),
    "027-changed": (AS_IT_IS, lambda files: as_tar({**with_manifest(files), f"{CODE}/train.py": b"print('faster')\n"})),
    "027-not-there": (AS_IT_IS, lambda files: as_tar(without(f"{CODE}/pt.json")(with_manifest(files)))),
    "027-not-listed": (AS_IT_IS, lambda files: as_tar({**with_manifest(files), f"{CODE}/more.py": b"1\n"})),
    "028-other-key": (AS_IT_IS, signed(OTHER_KEY)),
    "028-other-bytes": (AS_IT_IS, signed(KEY, lambda text: text.replace(b"a test", b"a toast"))),
    "028-form": (AS_IT_IS, signed(KEY, lambda text: b"trust me\n")),
    "028-none": (AS_IT_IS, PLAIN),
    "029-nobody-looked": (AS_IT_IS, signed(KEY)),
    "near-001-folder-first": (AS_IT_IS, from_a_dot),
    "near-001-gzip": (AS_IT_IS, lambda files: gzip.compress(as_tar(with_manifest(files)))),
    "near-001-zip": (AS_IT_IS, packed(as_zip)),
    "near-002-blanks-and-signs": (adding(f"{CODE}/a+b=c, d@e~1/f..g -.py"), PLAIN),
    "near-003-folders": (AS_IT_IS, member(f"{CODE}/empty", type=tarfile.DIRTYPE)),
    "near-004-folder-again": (AS_IT_IS, member(CODE, type=tarfile.DIRTYPE)),
    "near-005-zeros": (adding(f"{CODE}/zeros.bin", bytes(3 << 20)), lambda files: gzip.compress(PLAIN(files))),
    "near-006-readme": (adding(f"{ORG}/README.md"), PLAIN),
    "near-007-deep": (adding(f"{CODE}/a/b/c/d/results/result_00.txt"), PLAIN),
    "near-008-settings": (adding(f"{ORG}/benchmarks/slstr_cloud/{SYSTEM}/README.md"), PLAIN),
    "near-009-all": (AS_IT_IS, PLAIN),
    "near-010-other-shell": (adding(f"{CODE}/setup.sh", b"#!/bin/dash\n"), PLAIN),
    "near-012-large": (told(3, "seed", 2**63 - 1), PLAIN),
    "near-016-long": (described(sw_notes="x" * 4096), PLAIN),
    "near-021-small": (at(9, b"612.5", b"0.01"), PLAIN),
    "near-022-jitter": (later(9, 45), PLAIN),
    "near-023-just-covers": (readings(lambda lines: lines.pop(2)), PLAIN),
    "near-025-nobody": (without(*(node(run) for run in range(RUNS))), PLAIN),
    "near-028-signed": (AS_IT_IS, signed(KEY)),
}  # fmt: skip
"""What is done to a valid package, by a name that begins with the number of the rule that it breaks."""

WITH_KEY = frozenset(name for name in CASES if "028-" in name)
"""Cases that are checked with the public key."""

WITHOUT_A_NEAR_MISS = {
    "011": "every valid package", "013": "every valid package", "014": "every run that reached its target",
    "015": "every valid package", "017": "every valid package", "018": "every valid package",
    "019": "every valid power log", "020": "near-022-jitter", "024": "every valid power log",
    "026": "every valid package", "027": "every valid package", "029": "near-028-signed",
}  # fmt: skip
"""Rules for which a package of its own would be no nearer, and why."""


@cache
def valid() -> Package:
    """Return the valid package, with power logs."""
    with tempfile.TemporaryDirectory() as folder:
        return valid_package(Path(folder), power=True)


def judged(case: str, folder: Path) -> list[str]:
    """Return what the checker says of a case about anything but an unchained log's missing seal."""
    edit, pack = CASES[case]
    path = folder / "package.tar"
    path.write_bytes(pack(edit(dict(valid()))))
    key = ["--public-key", PUBLIC_KEY] if case in WITH_KEY else []
    answer = check(path, *key)
    assert answer.err == ""
    lines = [line.replace(f"{folder}/", "") for line in answer.lines]
    errors = [line for line in lines if not line.endswith("[warning]")]
    assert answer.code == (1 if errors else 0), answer.out
    return lines


def number(case: str) -> str:
    """Return the number of the rule that a case is about."""
    return re.sub(r"^near-", "", case)[:3]


def about(case: str, lines: list[str]) -> list[str]:
    """Return the findings on the rule that a case is about."""
    return [line for line in lines if f" sciml-package-{number(case)} " in line]


@pytest.mark.parametrize("case", [case for case in CASES if not case.startswith("near-")])
def test_a_package_that_breaks_a_rule_is_called_so_in_the_words_beside_it(case: str, tmp_path: Path) -> None:
    expected = (MESSAGES / f"{case}.expected.txt").read_text(encoding="utf-8").splitlines()
    assert expected, "a case without expected lines tests nothing"
    assert set(map(without_sizes, expected)) <= set(map(without_sizes, judged(case, tmp_path)))


def without_sizes(line: str) -> str:
    """Take the sizes of archives out: they follow the sources that are packed."""
    return re.sub(r"[0-9]{6,} bytes", "… bytes", line)


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("near-")])
def test_a_package_that_nearly_breaks_a_rule_does_not(case: str, tmp_path: Path) -> None:
    lines = judged(case, tmp_path)
    assert [line for line in lines if not line.endswith("[warning]")] == []
    assert about(case, lines) == []


def test_every_rule_of_packages_has_a_case_and_a_near_miss() -> None:
    rules = {rule.removeprefix("sciml-package-") for rule in RULES.rules if rule.startswith("sciml-package-")}
    assert {number(case) for case in CASES if not case.startswith("near-")} == rules
    near = {number(case) for case in CASES if case.startswith("near-")}
    assert near | set(WITHOUT_A_NEAR_MISS) == rules
    assert not near & set(WITHOUT_A_NEAR_MISS)
    assert {path.name.removesuffix(".expected.txt") for path in MESSAGES.iterdir()} == {
        case for case in CASES if not case.startswith("near-")
    }


def test_the_package_rules_match_their_schema() -> None:
    schema = json.loads((rule_sets.RULESETS / "package.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    document = json.loads((rule_sets.RULESETS / RULES.name / "package.json").read_text(encoding="utf-8"))
    assert list(Draft202012Validator(schema, registry=Registry()).iter_errors(document)) == []
    assert set(document["unconverged"]["rules"]) <= set(RULES.rules)
    assert set(document["same_in_a_set"]) <= set(RULES.keys)


@pytest.mark.parametrize("case", ["near-009-all", "014-one-missed", "009-gap", "001-no-archive", "018-not-stated"])
def test_the_verdict_on_a_package_has_the_form_of_its_schema(case: str, tmp_path: Path) -> None:
    schema = json.loads((rule_sets.LOGGING_SPEC / "schemas" / "verdict.schema.json").read_text(encoding="utf-8"))
    edit, pack = CASES[case]
    (tmp_path / "package.tar").write_bytes(pack(edit(dict(valid()))))
    answer = check(tmp_path / "package.tar", "--format", "json")
    assert list(Draft202012Validator(schema, registry=Registry()).iter_errors(answer.document)) == []
    messages = {finding["message"] for file in answer.document["files"] for finding in file["findings"]}
    assert messages == set(check(tmp_path / "package.tar").lines)


def test_a_second_run_that_missed_the_target_is_one_too_many(tmp_path: Path) -> None:
    path = tmp_path / "package.tar"
    path.write_bytes(PLAIN(aborted(1, 3)(dict(valid()))))
    lines = check(path).lines
    assert sum(" sciml-target-003 " in line for line in lines) == 2
    assert not any(" sciml-package-014 " in line for line in lines)


def test_the_window_of_a_run_is_that_of_its_log() -> None:
    start_ms, stop_ms = window(valid()[log(0)])
    assert stop_ms - start_ms > 60_000, "or the valid package would have too few readings"
    assert power_line("power_reading", 1, 2).endswith(b"}\n")


def write_messages() -> None:
    """Write what the checker says now of each case about its rule."""
    MESSAGES.mkdir(exist_ok=True)
    for case in CASES:
        if not case.startswith("near-"):
            with tempfile.TemporaryDirectory() as folder:
                lines = about(case, judged(case, Path(folder)))
            (MESSAGES / f"{case}.expected.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(write_messages())

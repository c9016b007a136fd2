"""Every way in which a set can be spoilt is found, named and counted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from spoiling import agree


@pytest.fixture
def copy(small_set: Path, tmp_path: Path) -> Path:
    """Return a copy of the small data set to spoil."""
    return Path(shutil.copytree(small_set, tmp_path / "copy"))


def first(root: Path) -> Path:
    """Return the first training file."""
    return sorted(root.glob("train/*.hdf"))[0]


def truncate(root: Path) -> None:
    """Cut a file in half."""
    path = first(root)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def flip(root: Path) -> None:
    """Flip one bit and keep size and time."""
    with first(root).open("r+b") as file:
        file.seek(-1000, 2)
        byte = file.read(1)
        file.seek(-1000, 2)
        file.write(bytes([byte[0] ^ 1]))


def delete(root: Path) -> None:
    """Lose a file."""
    first(root).unlink()


def unfill(root: Path) -> None:
    """Leave the labels unfilled."""
    with h5py.File(first(root), "r+") as file:
        file["bayes"][...] = 255


def spare(root: Path) -> None:
    """Set a spare bit of some labels."""
    with h5py.File(first(root), "r+") as file:
        file["bayes"][:10] = 17


def retype(root: Path) -> None:
    """Store temperatures as integers."""
    with h5py.File(first(root), "r+") as file:
        values = file["bts"][...]
        del file["bts"]
        file["bts"] = values.astype("i4")


def lose_key(root: Path) -> None:
    """Lose the summary plane."""
    with h5py.File(first(root), "r+") as file:
        del file["summary"]


def shorten(root: Path) -> None:
    """Make one plane two rows shorter than the others."""
    with h5py.File(first(root), "r+") as file:
        values = file["refs"][:-2]
        del file["refs"]
        file["refs"] = values


def celsius(root: Path) -> None:
    """Store temperatures in degrees Celsius."""
    with h5py.File(first(root), "r+") as file:
        file["bts"][...] -= 273.15


def empty(root: Path) -> None:
    """Store nothing but NaN."""
    with h5py.File(first(root), "r+") as file:
        file["bts"][...] = float("nan")


def add(root: Path) -> None:
    """Add a file that the manifest does not know."""
    shutil.copy(first(root), root / "train" / "S3A_more.hdf")


def unlist(root: Path) -> None:
    """Drop a file from the splits."""
    edit(root, lambda manifest: manifest["splits"]["train"].clear())


def misname(root: Path) -> None:
    """Spoil the form of the manifest."""
    edit(root, lambda manifest: manifest.update(manifest_version=2))


def escape(root: Path) -> None:
    """Name a file outside the folder."""

    def change(manifest: dict) -> None:
        manifest["files"][0]["path"] = "../../secret.hdf"
        manifest["splits"]["test"] = ["../../secret.hdf"]

    edit(root, change)


def edit(root: Path, change: Callable[[dict], None]) -> None:
    """Change the manifest."""
    manifest = json.loads((root / "manifest.json").read_text())
    change(manifest)
    (root / "manifest.json").write_text(json.dumps(manifest))


def pattern_of(pattern: object) -> Callable[[Path], None]:
    """Return what lets the layout say that files have other names."""
    return lambda root: edit(root, lambda manifest: manifest["layout"].update(file_pattern=pattern))


def test_a_sound_set_passes(run_module, small_set: Path) -> None:
    for option in ((), ("--quick",)):
        done = run_module("slstr_cloud.verify", small_set, *option)
        assert (done.returncode, done.stderr) == (0, "")
        assert "sound" in done.stdout


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (truncate, "truncated or damaged"),
        (flip, "expected the SHA-256 of the manifest, found another"),
        (delete, "found none"),
        (unfill, "bayes: expected cloud flags, found 255 in every pixel"),
        (spare, "bayes: expected values up to 15, found up to 17 in 3.91%"),
        (retype, "bts: expected dtype float32 or float64, found int32"),
        (lose_key, "summary: expected this data set, found none"),
        (shorten, "refs: expected shape (256, 320, 6), found (254, 320, 6)"),
        (celsius, "bts: expected values of 150 to 350 K"),
        (empty, "bts: expected finite values, found none"),
        (add, "expected only files of the manifest"),
        (pattern_of("/x"), "expected a pattern of names, found '/x'"),
        (pattern_of(""), "expected a pattern of names, found ''"),
        (pattern_of([]), "expected a pattern of names, found []"),
        (unlist, "expected each of 2 files in a split, found 1 in splits"),
        (misname, "$.manifest_version: 1 was expected"),
        (escape, "expected a path inside the folder"),
    ],
)
def test_a_fault_is_found_and_named(run_module, copy: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(copy)
    done = run_module("slstr_cloud.verify", copy)
    assert done.returncode == 3
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_every_fault_is_listed(run_module, copy: Path) -> None:
    unfill(copy)
    sorted(copy.glob("test/*.hdf"))[0].unlink()
    done = run_module("slstr_cloud.verify", copy)
    assert done.returncode == 3
    assert "255 in every pixel" in done.stderr
    assert "found none" in done.stderr
    assert "3 faults" in done.stderr


def test_a_quick_look_reads_no_pixel_but_finds_a_short_file(run_module, copy: Path) -> None:
    flip(copy)
    assert run_module("slstr_cloud.verify", copy, "--quick").returncode == 0
    truncate(copy)
    assert run_module("slstr_cloud.verify", copy, "--quick").returncode == 3


def test_no_manifest_is_a_fault(run_module, tmp_path: Path) -> None:
    done = run_module("slstr_cloud.verify", tmp_path)
    assert done.returncode == 3
    assert "expected a manifest, found none" in done.stderr


def put(key: str, value: object, **storage: object) -> Callable[[Path], None]:
    """Return what stores something else under the key of a plane, None a group."""

    def spoil(root: Path) -> None:
        with h5py.File(first(root), "r+") as file:
            del file[key]
            if value is None:
                file.create_group(key)
            else:
                file.create_dataset(key, data=value, **storage)

    return spoil


def corrupt(root: Path) -> None:
    """Store temperatures in compressed blocks, one of which is damaged."""
    with h5py.File(first(root)) as file:
        values = file["bts"][...]
    put("bts", values, compression="gzip")(root)
    with h5py.File(first(root)) as file:
        block = file["bts"].id.get_chunk_info(0)
    with first(root).open("r+b") as raw:
        raw.seek(block.byte_offset + block.size // 2)
        raw.write(b"\xa5" * 64)


SHAPE = (256, 320, 1)
INSIDE: dict[str, tuple[Callable[[Path], None], str]] = {
    "group": (put("bts", None), "bts: expected an array, found a group"),
    "single value": (put("bts", 280.0), "bts: expected an array, found a group or a single value"),
    "empty": (put("bayes", h5py.Empty("u1")), "bayes: expected an array, found a group or a single value or none"),
    "one axis": (put("bts", np.ones(9, "f4")), "bts: expected shape ('rows', 'columns', 3), found (9,)"),
    "text": (put("summary", np.full(SHAPE, b"clear")), "summary: expected dtype int64 or uint8 or int32 or float32 or"),
    "NaN for labels": (put("bayes", np.full(SHAPE, np.nan)), "bayes: expected 0 to 255, found other values"),
    "unfilled in floating point": (
        put("summary", np.full(SHAPE, 255.0)),
        "summary: expected cloud flags, found 255",
    ),
    "corrupted block": (corrupt, "expected a whole HDF5 file, found: "),
}


@pytest.mark.parametrize("fault", INSIDE)
def test_a_fault_inside_is_named_though_hashes_agree(call, copy: Path, fault: str) -> None:
    spoil, message = INSIDE[fault]
    spoil(copy)
    agree(copy)
    done = call("slstr_cloud.verify", copy)
    assert done.code == 3
    assert f"{first(copy)}: {message}" in done.error

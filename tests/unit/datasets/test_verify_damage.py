"""Wrong bytes in the structure of HDF5 files: each is a line of the verifier, whatever the library makes of it."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest
from spoiling import agree, overwrite

STRUCTURE_BYTES = 2048
"""Where a file's tables of names, types and shapes lie."""
SETS = {"em_denoise": "em_set", "dms_classifier": "dms_set", "slstr_cloud": "small_set"}


@pytest.fixture(params=SETS)
def some_copy(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """Return name and folder of one set of each kind, to be spoilt."""
    return request.param, Path(shutil.copytree(request.getfixturevalue(SETS[request.param]), tmp_path / "copy"))


def files_of(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*.h*") if path.suffix in (".h5", ".hdf"))


@pytest.mark.parametrize("marker", [b"TREE", b"HEAP", b"SNOD"])
def test_a_table_of_names_that_is_damaged_is_said(call, some_copy: tuple[str, Path], marker: bytes) -> None:
    name, root = some_copy
    listed = [root / entry["path"] for entry in json.loads((root / "manifest.json").read_text())["files"]]
    for path in listed:
        overwrite(path, marker, b"nope")
    for words in ((), ("--quick",)):
        done = call(f"{name}.verify", root, *words)
        assert done.code == 3
        for path in listed:
            assert f"{path}: expected a whole HDF5 file, found: " in done.error


def test_wrong_bytes_anywhere_in_the_structure_are_lines(call, some_copy: tuple[str, Path]) -> None:
    """One file at a time gets one to five of them, and its manifest agrees, so that only a look inside can tell."""
    name, root = some_copy
    generator, files, codes = random.Random(20263), files_of(root), set()
    for _ in range(60):
        path = generator.choice(files)
        whole = path.read_bytes()
        harmed = bytearray(whole)
        for _ in range(generator.choice([1, 2, 5])):
            harmed[generator.randrange(STRUCTURE_BYTES)] = generator.choice([0, 1, 255, generator.randrange(256)])
        path.write_bytes(harmed)
        agree(root)
        done = call(f"{name}.verify", root, "--quick")
        codes.add(done.code)
        assert done.code in (0, 3)
        assert (done.code == 3) == bool(done.error)
        path.write_bytes(whole)
    assert codes == {0, 3}


def test_a_published_file_that_is_damaged_is_said_where_it_is_described(call, published_pairs, tmp_path: Path) -> None:
    root = Path(shutil.copytree(published_pairs, tmp_path / "em_denoise"))
    harmed = root / "test" / "graphene_img_noise.h5"
    overwrite(harmed, b"TREE", b"nope")
    for module, words in (("em_denoise.manifest", ("--dataset-id=x",)), ("show", ("--out", str(tmp_path / "x.png")))):
        done = call(module, root, *words)
        assert done.code == 3
        assert f"{harmed}: expected a whole HDF5 file, found: " in done.error
    assert not (root / "manifest.json").exists()

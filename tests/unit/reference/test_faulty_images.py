"""Tasks on sets of micrographs and of patterns with a fault: exit code 3 and one line that names the file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from small_sets import DMS_STATISTICS, EM_STATISTICS, dms_files, em_files, run_of, write_set

from reference.dms_classifier.task import PhaseTask
from reference.em_denoise.task import DenoiseTask
from reference.runtime import runconfig
from reference.runtime.errors import run_program

NOISE, CLEAN, PATTERNS = "train/graphene_img_noise.h5", "train/graphene_img_clean.h5", "train/dms_phases.h5"
Change = Callable[[np.ndarray], Any]


def unchanged(values: np.ndarray) -> np.ndarray:
    """Store what is there, in another way."""
    return values


def nan(values: np.ndarray) -> np.ndarray:
    """Have no number in the second sample."""
    values[1] = np.nan
    return values


def text(values: np.ndarray) -> np.ndarray:
    """Have words for numbers."""
    return np.full(values.shape, b"none")


def short(values: np.ndarray) -> np.ndarray:
    """Lose the last two rows of each image."""
    return values[:, :-2]


def store(path: Path, key: str, change: Change | None, *, corrupt: bool) -> None:
    """Store changed values under their key, None nothing, in blocks of which one is damaged, or as one piece."""
    with h5py.File(path, "r+") as file:
        values = file[key][...]
        del file[key]
        if change is not None:
            chunks = {"chunks": (1, *values.shape[1:]), "compression": "gzip"} if corrupt else {}
            file.create_dataset(key, data=change(values), **chunks)
    if corrupt:
        with h5py.File(path) as file:
            block = file[key].id.get_chunk_info(1)
        with path.open("r+b") as raw:
            raw.seek(block.byte_offset + block.size // 2)
            raw.write(b"\xa5" * 64)


EM, DMS = "em_denoise", "dms_classifier"
FAULTS: dict[str, tuple[str, str, str, Change | None, str]] = {
    "em corrupted block": (EM, NOISE, "images", unchanged, "images: expected readable data, found: "),
    "em NaN": (EM, CLEAN, "images", nan, "images: image 1: expected finite values, found others"),
    "em text": (EM, NOISE, "images", text, "images: expected numbers, found dtype |S4"),
    "em no key": (EM, CLEAN, "images", None, "expected the key images, found nothing"),
    "em two rows short": (EM, NOISE, "images", short, "expected shape (3, 256, 256, 1), found (3, 254, 256, 1)"),
    "dms corrupted block": (DMS, PATTERNS, "images", unchanged, "images: expected readable data, found: "),
    "dms NaN": (DMS, PATTERNS, "images", nan, "images: pattern 1: expected finite counts, found others"),
    "dms text": (DMS, PATTERNS, "labels", text, "labels: expected numbers, found dtype |S4"),
    "dms no key": (DMS, PATTERNS, "labels", None, "expected the key labels, found images"),
    "dms two rows short": (DMS, PATTERNS, "images", short, "channels), found (4, 485, 195, 3)"),
    "dms unfilled labels": (
        DMS,
        PATTERNS,
        "labels",
        lambda values: np.full_like(values, 255),
        "expected 0 monoclinic, 1 tetragonal, found 255",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_task_on_a_faulty_set_says_so_in_one_line(write_run, capsys, tmp_path: Path, fault: str) -> None:
    benchmark, name, key, change, message = FAULTS[fault]
    files, statistics = (em_files(), EM_STATISTICS) if benchmark == EM else (dms_files(), DMS_STATISTICS)
    root = write_set(tmp_path / "data", files, statistics)
    store(root / name, key, change, corrupt="corrupted" in fault)
    manifest = json.loads((root / "manifest.json").read_text())
    for entry in manifest["files"]:
        entry["size"] = (root / entry["path"]).stat().st_size
    (root / "manifest.json").write_text(json.dumps(manifest))
    run = runconfig.load(write_run(run_of(benchmark) | {"data.directory": str(root)}))

    def read_all() -> None:
        task = (DenoiseTask if benchmark == EM else PhaseTask)(run)
        task.train_batch(np.arange(task.train_count), 1)

    assert run_program(read_all) == 3
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"{root / name}: ")
    assert message in line

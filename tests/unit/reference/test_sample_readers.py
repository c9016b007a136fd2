"""Reading: batches are to the last bit what plain formulas make of the file, and files are opened as they should be."""

from __future__ import annotations

import multiprocessing
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest
from small_sets import DMS_STATISTICS, EM_STATISTICS, dms_files, em_files, run_of, write_set

from reference.dms_classifier.task import PhaseTask
from reference.em_denoise.noise import flat_field
from reference.em_denoise.task import DenoiseTask
from reference.runtime import runconfig
from reference.runtime.errors import DataError
from reference.runtime.hdf5 import Stored
from reference.runtime.seeds import generator
from reference.slstr_cloud import facts
from reference.slstr_cloud.data import Tiles
from reference.slstr_cloud.scene import Scene
from reference.slstr_cloud.tiles import training_tiles

VALUES = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
FLOAT = np.float32
INDICES = np.array([2, 0])


def assert_same_bits(found: np.ndarray, expected: np.ndarray) -> None:
    assert (found.dtype, found.shape, found.tobytes()) == (expected.dtype, expected.shape, expected.tobytes())


def read_all(stored: Stored) -> np.ndarray:
    return np.stack([stored[index] for index in range(len(stored))])


@pytest.mark.parametrize("options", [{}, {"flat_field": "none", "crop": 128}, {"crop": 64, "augment": "dihedral"}])
def test_micrographs_to_the_last_bit(options, write_run, tmp_path) -> None:
    files = em_files()
    root = write_set(tmp_path / "data", files, EM_STATISTICS)
    task = DenoiseTask(runconfig.load(write_run(run_of("em_denoise", **options) | {"data.directory": str(root)})))
    batch = task.train_batch(INDICES, 3)
    side = options.get("crop", 256)
    for position, index in enumerate(INDICES):
        noisy, clean = (files[f"train/graphene_img_{kind}.h5"]["images"][index] for kind in ("noise", "clean"))
        if options.get("flat_field") != "none":
            noisy = FLOAT(task.scale.mean) * flat_field(noisy[..., 0])[..., None]
        random = generator(7, "crop", 3, int(index))
        row, column = random.integers(0, 257 - side, 2)
        pair = [image[row : row + side, column : column + side] for image in (noisy, clean)]
        if "augment" in options:
            turns, mirrored = random.integers(4), random.integers(2)
            pair = [np.rot90(image[:, ::-1] if mirrored else image, turns) for image in pair]
        for name, image in zip(("noisy_NHWC", "clean_NHWC"), pair, strict=True):
            plain = (image.astype(FLOAT) - FLOAT(task.scale.mean)) / FLOAT(task.scale.deviation)
            assert_same_bits(batch[name][position], plain)


@pytest.mark.parametrize("crop", [256, 64])
@pytest.mark.parametrize("flat_field", ["none", "local_mean"])
@pytest.mark.parametrize(("kind", "value"), [("noise", np.nan), ("clean", np.inf)])
def test_a_batch_with_a_value_that_is_not_finite_is_refused(kind, value, flat_field, crop, write_run, tmp_path) -> None:
    """Wherever in the image it lies, in the crop or not: the image is not looked at again."""
    files = em_files()
    files[f"train/graphene_img_{kind}.h5"]["images"][2, 250, 7] = value
    root = write_set(tmp_path / "data", files, EM_STATISTICS)
    changes = run_of("em_denoise", flat_field=flat_field, crop=crop) | {"data.directory": str(root)}
    task = DenoiseTask(runconfig.load(write_run(changes)))
    task.train_batch(np.array([0, 1]), 1)
    expected = rf"graphene_img_{kind}\.h5: images: image 2: expected finite values"
    for _ in range(2):  # a pair that was refused is looked at again
        with pytest.raises(DataError, match=expected):
            task.train_batch(np.array([1, 2]), 1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_pattern_with_a_count_that_is_not_finite_is_refused(value, write_run, tmp_path) -> None:
    files = dms_files()
    files["train/dms_phases.h5"]["images"][1, 5, 6, 0] = value
    root = write_set(tmp_path / "data", files, DMS_STATISTICS)
    task = PhaseTask(runconfig.load(write_run(run_of("dms_classifier") | {"data.directory": str(root)})))
    task.train_batch(np.array([0, 2]), 1)
    for _ in range(2):  # a pattern that was refused is looked at again
        with pytest.raises(DataError, match=r"dms_phases\.h5: images: pattern 1: expected finite counts"):
            task.train_batch(np.array([1]), 1)


@pytest.mark.parametrize(("shape", "window"), [((256, 256), 51), ((90, 70), 51), ((33, 40), 31), ((32, 256), 31)])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_illumination_to_one_rounding(shape, window, dtype) -> None:
    """In float64 by sums over the whole image to each pixel, as a plain formula has it."""
    image = np.random.default_rng(2).poisson(40, shape).astype(dtype)
    image[:, shape[1] // 2 :] *= 0.003  # so dark that the darkest illumination that is divided by comes into play
    before, after = window // 2 + 1, window // 2

    def sums(values: np.ndarray) -> np.ndarray:
        total = np.pad(values, ((before, after), (before, after))).cumsum(0).cumsum(1)
        return total[window:, window:] - total[:-window, window:] - total[window:, :-window] + total[:-window, :-window]

    level = sums(image.astype(np.float64)) / sums(np.ones(shape))
    assert shape[1] < 2 * window or level.min() < 0.05 * level.max()
    rounding = 0.51 * np.finfo(FLOAT).eps
    for _ in range(2):  # the number of pixels in the windows is remembered
        found = flat_field(image)
        assert (found.dtype, found.flags.c_contiguous) == (FLOAT, True)
        np.testing.assert_allclose(found, image / np.maximum(level, 0.05 * level.max()), rtol=rounding, atol=0)


def test_patterns_to_the_last_bit(write_run, tmp_path) -> None:
    files = dms_files()
    files["train/dms_phases.h5"]["images"][2, 3, 4] = -5
    root = write_set(tmp_path / "data", files, DMS_STATISTICS)
    task = PhaseTask(runconfig.load(write_run(run_of("dms_classifier") | {"data.directory": str(root)})))
    roots = np.sqrt(np.maximum(files["train/dms_phases.h5"]["images"][INDICES, :, :, :1], 0), dtype=FLOAT)
    for epoch in (1, 2):
        assert_same_bits(task.train_batch(INDICES, epoch)["images_NHWC"], (roots - FLOAT(4)) / FLOAT(2))


@pytest.mark.parametrize("channels", ["all", "thermal"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("chunks", [None, True])
@pytest.mark.parametrize("kind", ["fixed", "scene"])
def test_tiles_to_the_last_bit(channels, dtype, chunks, kind, write_scene) -> None:
    rng = np.random.default_rng(4)
    bts, refs = (rng.uniform(200, 310, (300, 800, 3)).astype(dtype), rng.random((300, 800, 6)).astype(dtype))
    bts[40:50, 60, 1], bts[41, 70, 2], bts[42, 300:400, 0] = np.nan, 0, np.inf  # two tiles lack values, one does not
    refs[60, 60:70, 3] = np.nan
    declared = (rng.random((300, 800, 1)) > 0.1).astype("u1")
    path = write_scene(300, 800, chunks=chunks, bts=bts, refs=refs, **({"valid": declared} if chunks else {}))
    with h5py.File(path) as file:
        bayes = file["bayes"][..., 0]
    scene = Scene(path, channels=channels)
    tiles = Tiles([scene], "bayes", kind)
    offsets, scales = np.array([facts.NORMALISATION[name] for name in facts.CHANNELS[channels]], FLOAT).T
    if kind == "scene":
        offsets, scales = scene.scaling(kind).offsets, scene.scaling(kind).scales
    for number in [0, 1, 2, 1, 0]:  # from the second time on, it is known whether a tile lacks a value
        batch, corner = tiles.batch(np.array([number])), training_tiles(300, 800)[number]
        window = np.s_[corner.row : corner.row + 256, corner.column : corner.column + 256]
        hot = np.where(bts[window] <= 0, np.nan, bts[window]).astype(FLOAT)
        values = hot if channels == "thermal" else np.concatenate([refs[window].astype(FLOAT), hot], -1)
        plain = (values - offsets) / scales
        plain[~np.isfinite(plain)] = 0
        assert_same_bits(batch["images_NHWC"][0], plain)
        seen = ((bts[window] > 0) & (bts[window] < np.inf)).all(-1)
        if chunks:
            seen &= declared[window][..., 0] != 0
        assert_same_bits(batch["valid_NHW"][0], seen.astype(np.uint8))
        assert_same_bits(batch["label_NHW"][0], (bayes[window] > 0).astype(np.uint8))


def test_what_other_packages_compressed_is_read(tmp_path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("images", data=VALUES, chunks=(1, 3, 2), compression=hdf5plugin.Bitshuffle(cname="lz4"))
    np.testing.assert_array_equal(read_all(Stored(tmp_path / "a.h5", "images")), VALUES)


@pytest.mark.parametrize("chunks", [None, (1, 3, 2)])
def test_a_process_opens_its_own_file(chunks, tmp_path) -> None:
    """The child of a fork reads other bytes of the same file, with a position that is its own."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("images", data=VALUES, chunks=chunks)
    stored = Stored(tmp_path / "a.h5", "images")
    np.testing.assert_array_equal(stored[0], VALUES[0])
    mine = stored._arrays._file
    sent, given = multiprocessing.Pipe(duplex=False)
    child = os.fork()
    if child == 0:
        same_file = mine is not None and stored[3] is not None and stored._arrays._file is mine
        given.send((stored[3].tolist(), same_file))
        os._exit(0)
    os.waitpid(child, 0)
    assert sent.recv() == (VALUES[3].tolist(), False)
    np.testing.assert_array_equal(stored[1], VALUES[1])


@pytest.mark.parametrize("chunks", [None, (1, 3, 2)])
def test_more_files_than_a_process_may_have_open_at_first(chunks, tmp_path) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = []
    for number in range(40):
        with h5py.File(tmp_path / f"{number}.h5", "w") as file:
            file.create_dataset("images", data=VALUES + number, chunks=chunks)
        many.append(Stored(tmp_path / f"{number}.h5", "images"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 20, before[1]))
    try:
        for number, stored in enumerate(many):
            np.testing.assert_array_equal(stored[1], VALUES[1] + number)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize(("set_by_user", "locked"), [(None, False), ("FALSE", False), ("TRUE", True)])
def test_a_file_is_locked_only_where_a_user_asks_for_it(set_by_user, locked, tmp_path) -> None:
    """In a process of its own, since the HDF5 library looks at the variable once; locks are in /proc/locks."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("images", data=VALUES, chunks=(1, 3, 2))
    code = (
        "import sys; from pathlib import Path; from reference.runtime.hdf5 import Stored; "
        "path = Path(sys.argv[1]); stored = Stored(path, 'images'); stored[0]; "
        "print(f':{path.stat().st_ino} ' in Path('/proc/locks').read_text())"
    )
    environment = {name: value for name, value in os.environ.items() if name != "HDF5_USE_FILE_LOCKING"}
    environment |= {"HDF5_USE_FILE_LOCKING": set_by_user} if set_by_user else {}
    said = run_python(code, tmp_path / "a.h5", environment)
    assert said == str(locked)


def run_python(code: str, path: Path, environment: dict[str, str]) -> str:
    argv = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(argv, env=environment, cwd=runconfig.ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_reading_ahead_of_the_disk_changes_nothing(tmp_path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("images", data=VALUES)
    stored = Stored(tmp_path / "a.h5", "images")
    advise: Callable[[int], None] = stored.will_need
    advise(1)  # nothing is mapped yet
    np.testing.assert_array_equal(stored[0], VALUES[0])
    for index in range(len(stored)):
        advise(index)
    np.testing.assert_array_equal(read_all(stored), VALUES)

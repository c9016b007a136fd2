"""Staging: a run reads the same bits from a copy, which is checked, logged, and gone at the end of every run."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
from cloud_twin import Exchange, on_ranks, write_data
from numpy_twin import NumpyBackend
from small_sets import DMS_STATISTICS, EM_STATISTICS, dms_files, em_files, run_of, write_set

from logging_spec.events import parse_line
from reference.dms_classifier.task import PhaseTask
from reference.em_denoise.task import DenoiseTask
from reference.runtime import copies, lifecycle, prepared, program, runconfig, staging
from reference.runtime.backend import Batch, StepResult
from reference.runtime.copies import available_memory, remove_stale
from reference.runtime.errors import DataError, Refused
from reference.runtime.stop import StopRequest
from reference.slstr_cloud.task import CloudTask

NODE = os.uname().nodename


class Recorder(NumpyBackend):
    """Keeps the batches that it is given, and what the process has open meanwhile; its answers are zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[dict[str, str]] = []
        self.open: set[str] = set()

    def _take(self, batch: Batch) -> None:
        self.batches.append({name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in batch.items()})
        mapped = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "/" in line}
        self.open |= mapped | {os.readlink(path) for path in Path("/proc/self/fd").iterdir() if path.exists()}

    def train_step(self, batch: Batch, *, count: int, learning_rate: float, wish_to_stop: bool) -> StepResult:
        self._take(batch)
        return StepResult(loss=1.0, stop_wishes=int(wish_to_stop))

    def forward(self, batch: Batch) -> Any:
        self._take(batch)
        images = batch.get("clean_NHWC", batch.get("images_NHWC"))
        return np.zeros(len(images) if "labels_N" in batch else images.shape[:3], np.float32)

    def load_state(self, state: Any) -> None:
        """Have no use for weights."""


def write_micrographs(folder: Path, write_scene: Any) -> Path:
    return write_set(folder, em_files(), EM_STATISTICS)


def write_patterns(folder: Path, write_scene: Any) -> Path:
    return write_set(folder, dms_files(), DMS_STATISTICS)


SETS: dict[str, tuple[type[Any], Callable[[Path, Any], Path]]] = {
    "em_denoise": (DenoiseTask, write_micrographs),
    "dms_classifier": (PhaseTask, write_patterns),
    "slstr_cloud": (CloudTask, write_data),
}


@pytest.fixture
def execute(write_run, write_scene, tmp_path, monkeypatch) -> Callable[..., tuple[Recorder, list[Any]]]:
    """Execute a run of one epoch of a benchmark, with some values of run.json replaced."""
    for name in [name for name in os.environ if name.startswith(("OMPI_", "PMI", "SLURM_"))]:
        monkeypatch.delenv(name)

    def run(benchmark: str = "em_denoise", **changes: Any) -> tuple[Recorder, list[Any]]:
        make_task, write = SETS[benchmark]
        root = tmp_path / benchmark
        if not root.exists():
            write(root, write_scene)
        document = run_of(benchmark, batch_size=2) | {"data.directory": str(root), "limits.max_epochs": 1}
        document |= {"checkpoint.every_epochs": 0}
        log, recorder = tmp_path / "events" / "rank00000.mllog", Recorder()
        log.unlink(missing_ok=True)
        before = signal.getsignal(signal.SIGUSR2)
        try:
            program.execute(
                ["--run-config", str(write_run(document | changes))],
                make_task=make_task,
                make_backend=lambda run, task, place: recorder,
                predict=lambda run, task, backend: None,
            )
        finally:
            signal.signal(signal.SIGUSR2, before)
        return recorder, [parse_line(line) for line in log.read_text().splitlines()]

    return run


def into(folder: Path, compress: str = "none", form: str = "files") -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    staging = {"directory": str(folder / "sciml-bench-staged-me"), "compress": compress, "form": form}
    return {"data.staging": staging}


def hyperparameters(benchmark: str, **changes: Any) -> dict[str, Any]:
    return {"hyperparameters": run_of(benchmark, batch_size=2, **changes)["hyperparameters"]}


CASES = [
    ("em_denoise", {}),
    ("em_denoise", {"model": "ffdnet", "crop": 64, "crops_per_image": 3, "augment": "dihedral"}),
    ("em_denoise", {"model": "unet", "crop": 256, "flat_field": "none"}),
    ("dms_classifier", {}),
    ("dms_classifier", {"model": "dmsnet"}),
    ("slstr_cloud", {}),
    ("slstr_cloud", {"channels": "thermal", "normalisation": "scene"}),
]


@pytest.mark.parametrize("form", ["files", "samples"])
@pytest.mark.parametrize("compress", ["none", "bitshuffle-lz4"])
@pytest.mark.parametrize(("benchmark", "changes"), CASES)
def test_a_staged_run_sees_the_same_bits(benchmark, changes, compress, form, execute, tmp_path) -> None:
    settings = hyperparameters(benchmark, **changes)
    plain, _ = execute(benchmark, **settings)
    staged, events = execute(benchmark, **settings, **into(tmp_path / "near", compress, form))
    assert len(plain.batches) >= 2
    assert staged.batches == plain.batches
    copied = f"{tmp_path}/near/sciml-bench-staged-me/{NODE}/"
    assert any(path.startswith(copied) and path.endswith((".h5", ".hdf")) for path in staged.open)
    assert not any(path.startswith(f"{tmp_path}/{benchmark}/") for path in staged.open - plain.open)
    assert not any((tmp_path / "near").iterdir()), "the copy goes with the run"
    keys = [event.key for event in events]
    start = keys.index("staging_start")
    assert keys[start - 1 : start + 3] == ["run_start", "staging_start", "staging_stop", "epoch_start"]
    facts = events[start + 1].metadata
    originals = [path for path in (tmp_path / benchmark).rglob("*") if path.suffix in (".h5", ".hdf")]
    assert (facts["files"], facts["bytes"]) == (len(originals), sum(path.stat().st_size for path in originals))
    assert (facts["compress"], facts["form"]) == (compress, form)
    assert (facts["staged_bytes"] == facts["bytes"]) == (compress == "none" and form == "files")


def test_a_run_that_fails_leaves_no_copy(execute, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(Recorder, "train_step", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        execute(**into(tmp_path / "near"))
    assert not any((tmp_path / "near").iterdir())


def test_a_run_that_is_stopped_while_it_stages_ends_there(execute, tmp_path, monkeypatch) -> None:
    read = copies.Copy._copy

    def signal_after_a_file(self: Any, entry: Any) -> Iterator[None]:
        yield from read(self, entry)
        os.kill(os.getpid(), signal.SIGUSR2)
        yield

    monkeypatch.setattr(copies.Copy, "_copy", signal_after_a_file)
    _, events = execute(**into(tmp_path / "near"))
    assert "epoch_start" not in [event.key for event in events]
    (ended,) = [event.metadata for event in events if event.key == "run_stop"]
    assert (ended["status"], ended["reason"]) == ("aborted", "stopped on request (SIGUSR2)")
    assert not any((tmp_path / "near").iterdir())


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "sciml-bench-test", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"a file system of 1 MiB cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("form", ["files", "samples"])
def test_what_does_not_fit_is_refused_before_it_is_copied(form, execute, small_disk) -> None:
    expected = rf"run\.json: \$\.data\.staging: expected room for 0\.\d+ GB, found 0\.001 GB in {small_disk} — stage"
    with pytest.raises(Refused, match=expected):
        execute(**into(small_disk, form=form))
    assert not any(small_disk.iterdir())


@pytest.mark.parametrize("form", ["files", "samples"])
@pytest.mark.parametrize("compress", ["none", "bitshuffle-lz4"])
def test_a_disk_that_fills_up_is_named_and_left_as_it_was(compress, form, execute, small_disk, monkeypatch) -> None:
    monkeypatch.setattr(copies.Copy, "_check_room", lambda *_: None)  # as where another run takes the room meanwhile
    with pytest.raises(Refused, match=r"expected room for a copy of the data set, found no room left after 0\.\d+ GB"):
        execute(**into(small_disk, compress, form))
    assert not any(small_disk.iterdir())


def test_memory_is_counted_where_a_copy_lies_in_it(tmp_path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       24649932 kB\nMemFree:  5 kB\nMemAvailable:   22000100 kB\n", encoding="ascii")
    assert available_memory(meminfo) == 22000100 * 1024
    assert available_memory() > 0


@pytest.mark.parametrize("form", ["files", "samples"])
def test_a_file_that_is_not_the_manifests_is_refused(form, execute, tmp_path) -> None:
    execute()
    path = tmp_path / "em_denoise" / "train" / "graphene_img_clean.h5"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"graphene_img_clean\.h5: expected \d+ bytes with SHA-256 .* get it again"):
        execute(**into(tmp_path / "near", form=form))
    assert not any((tmp_path / "near").iterdir())


def test_a_sample_that_is_bad_is_named_while_samples_are_prepared(execute, tmp_path) -> None:
    files = em_files()
    files["test/graphene_img_noise.h5"]["images"][1, 3, 4] = np.nan
    write_set(tmp_path / "em_denoise", files, EM_STATISTICS)
    with pytest.raises(DataError, match=r"test/graphene_img_noise\.h5: images: image 1: expected finite values"):
        execute(**into(tmp_path / "near", form="samples"))
    assert not any((tmp_path / "near").iterdir())


def test_the_copy_of_a_killed_run_is_removed_and_that_of_a_living_one_stays(tmp_path) -> None:
    killed, alive, elsewhere = (
        tmp_path / f"sciml-bench-staged-{name}" / node
        for name, node in (("killed", NODE), ("alive", NODE), ("elsewhere", "another-node"))
    )
    for folder in (killed, alive, elsewhere, tmp_path / "not-ours" / NODE):
        folder.mkdir(parents=True)
        (folder / ".in-use").touch()
        (folder / "scene.hdf").write_bytes(b"x")
    with (alive / ".in-use").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        remove_stale(tmp_path)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("scene.hdf")}
    assert left == {f"sciml-bench-staged-alive/{NODE}/scene.hdf", "sciml-bench-staged-elsewhere/another-node/scene.hdf",
                    f"not-ours/{NODE}/scene.hdf"}  # fmt: skip
    assert not killed.parent.exists()


def test_a_folder_that_is_missing_is_named(execute, tmp_path) -> None:
    wanted = into(tmp_path / "near")
    (tmp_path / "near").rmdir()
    with pytest.raises(
        Refused, match=re.escape(f"expected a folder that exists, found no {tmp_path / 'near'} — stage")
    ):
        execute(**wanted)


class OneOfSome(NumpyBackend):
    """One of some ranks that are threads."""

    def __init__(self, rank: int, ranks: int, exchange: Exchange) -> None:
        super().__init__()
        self.facts = replace(self.facts, ranks=ranks)
        self.rank, self._exchange = rank, exchange

    def allreduce_sum(self, values: Any, name: str) -> Any:
        return self._exchange.sum(self.rank, values)


@pytest.mark.parametrize(
    ("form", "compress", "writers"),
    [
        ("files", "none", {0, 1, 2}),
        ("files", "bitshuffle-lz4", {0, 1, 2}),
        ("samples", "none", {0, 1, 2}),
        ("samples", "bitshuffle-lz4", {0}),
    ],
)
def test_the_ranks_of_a_node_write_its_copy_together(form, compress, writers, write_run, tmp_path, monkeypatch) -> None:
    root = write_set(tmp_path / "data", em_files(train=5), EM_STATISTICS)
    changes = run_of("em_denoise") | {"data.directory": str(root)} | into(tmp_path / "near", compress, form)
    run = runconfig.load(write_run(changes))
    written: set[int] = set()
    everything = np.arange(5)

    def stage(rank: int, exchange: Exchange) -> Batch:
        backend, task = OneOfSome(rank, 3, exchange), DenoiseTask(run)
        with (
            lifecycle.open_log(run, rank) as log,
            staging.staged(run, task.samples, backend=backend, log=log, stop=StopRequest()) as data,
        ):
            return DenoiseTask(replace(run, data=data)).train_batch(everything, 1)

    def note(self: copies.Copy) -> Iterator[None]:
        for _ in share(self):
            written.add(self._writer.index)
            yield

    share = copies.Copy.share
    if form == "samples":  # to verify files is a share of its own
        monkeypatch.setattr(copies.Copy, "_verified", lambda *_: iter(()))
    monkeypatch.setattr(copies.Copy, "share", note)
    expected = DenoiseTask(run).train_batch(everything, 1)
    for batch in on_ranks(3, stage):
        for name, array in expected.items():
            np.testing.assert_array_equal(batch[name], array)
    assert written == writers
    assert not any((tmp_path / "near").iterdir())
    logs = sorted((tmp_path / "events").iterdir())
    stops = [
        parse_line(line).metadata for log in logs for line in log.read_text().splitlines() if "staging_stop" in line
    ]
    originals = list(root.rglob("*.h5"))
    assert stops[0]["bytes"] == sum(path.stat().st_size for path in originals)
    assert ["files" in stop for stop in stops] == [True, False, False]


def test_samples_of_a_task_that_has_none_to_prepare_are_refused(execute, tmp_path, monkeypatch) -> None:
    class Plain(DenoiseTask):
        """A task as one outside the suite may be."""

        def __init__(self, run: Any) -> None:
            super().__init__(run)
            del self.samples

    monkeypatch.setitem(SETS, "em_denoise", (Plain, write_micrographs))
    expected = r"\$\.data\.staging\.form: expected files, since this benchmark names no samples .*, found samples"
    with pytest.raises(Refused, match=expected):
        execute(**into(tmp_path / "near", form="samples"))
    assert not any((tmp_path / "near").iterdir())


def test_hosts_of_one_name_are_two_nodes_where_they_were_booted_apart(tmp_path, monkeypatch) -> None:
    boots = [tmp_path / name for name in ("one", "same", "other")]
    for path, text in zip(boots, ("4b9e\n", "4b9e\n", "77c0\n"), strict=True):
        path.write_text(text, encoding="ascii")
    numbers = []
    for path in boots:
        monkeypatch.setattr(staging, "BOOT", path)
        numbers.append(staging._nodes(NumpyBackend()).tolist())
    assert numbers[0] == numbers[1] != numbers[2]


@pytest.mark.parametrize("compress", [True, False])
def test_prepared_samples_are_chunks_of_one_where_they_are_compressed(compress, tmp_path) -> None:
    class Ones:
        def __len__(self) -> int:
            return 3

        def batch(self, indices: Any) -> Batch:
            return {"images_NHW": np.ones((len(indices), 64, 64), "f4"), "labels_N": np.ones(len(indices), "i8")}

    prepared.create(Ones(), tmp_path / "train.h5", compress=compress)
    assert list(prepared.fill(Ones(), tmp_path / "train.h5", np.arange(3))) == [3]
    with h5py.File(tmp_path / "train.h5") as file:
        assert file["images_NHW"].chunks == ((1, 64, 64) if compress else None)
        assert (file["images_NHW"].id.get_storage_size() < 3 * 64 * 64 * 4) == compress
        assert file["labels_N"].chunks is None, "a number alone is not worth it"
    assert prepared.PreparedSamples(tmp_path / "train.h5").batch(np.array([2]))["images_NHW"].sum() == 64 * 64


def test_a_rank_knows_the_others_of_its_node() -> None:
    nodes = np.array([7, 9, 7, 9, 9])
    writers = [staging._writer(nodes, rank) for rank in range(5)]
    assert [(writer.index, writer.count) for writer in writers] == [(0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]


def test_a_rank_that_writes_nothing_says_that_another_failed(monkeypatch) -> None:
    class AnotherFailed(NumpyBackend):
        def allreduce_sum(self, values: Any, name: str) -> Any:
            return values + np.array([0, 0, 1, 0])

    monkeypatch.setattr(staging, "LAST_WORD_S", 0.0)
    copy = SimpleNamespace(done_bytes=0)
    with pytest.raises(Refused, match="another rank made none"):
        staging._done_everywhere(iter(()), copy, True, AnotherFailed(), None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["files", "samples"])
@pytest.mark.parametrize("compress", ["none", "bitshuffle-lz4"])
def test_a_copy_that_takes_long_says_how_far_it_is(compress, form, execute, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(staging, "TURN_S", 0.0)
    for module in (copies, prepared):
        monkeypatch.setattr(module, "BLOCK_BYTES", 300_000)
    _, events = execute(**into(tmp_path / "near", compress, form))
    keys = [event.key for event in events]
    start, stop = keys.index("staging_start"), keys.index("staging_stop")
    between = [(event.key, event.value) for event in events[start + 1 : stop]]
    assert {key for key, _ in between} == {"staging_progress"}
    done = [value for _, value in between]
    assert done == sorted(done)
    assert len(set(done)) > 5
    assert done[-1] <= events[stop].metadata["bytes"]

"""Checks of this machine: each says what it found and, where that is not good, what to do."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

from harness import environment, process
from harness.errors import Refusal
from harness.files import write_whole
from harness.launchers import LAUNCHERS, detect
from harness.launchers.plan import LaunchPlan
from harness.paths import ROOT, data_root, output_root

GIB = 1024**3
PROBE_TIMEOUT_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing looked at."""

    name: str
    """What."""

    state: str
    """ok, warn or fail."""

    found: str
    """What was found."""

    hint: str = ""
    """What to do, where it is not ok."""


def examine() -> list[Check]:
    """Look at everything; a check that breaks is a check that failed."""
    return [_safely(check) for check in CHECKS]


def python_version() -> Check:
    """The interpreter."""
    found = ".".join(map(str, sys.version_info[:3]))
    tested = sys.version_info[:2] == (3, 11)
    hint = "" if tested else "Python 3.11 is what is tested"
    return Check(name="python", state="ok" if tested else "warn", found=f"{found} at {sys.executable}", hint=hint)


def mpirun() -> Check:
    """The launcher."""
    found = detect.find_mpirun()
    if found is None:
        hint = "make setup brings one; or install Open MPI (Debian, Ubuntu: apt-get install openmpi-bin)"
        return Check(name="mpirun", state="fail", found="none", hint=hint)
    return Check(name="mpirun", state="ok", found=f"{found.family} {found.version_text} at {found.program}")


def mpi_library() -> Check:
    """The MPI that Python and Horovod load, beside the launcher's: two families do not speak with each other."""
    launcher = detect.find_mpirun()
    text = _python("from mpi4py import MPI; print(MPI.Get_library_version())").splitlines()[0].strip("\0 ")
    family = "openmpi" if "Open MPI" in text else "mpich" if "MPICH" in text or "Intel" in text else "another"
    if launcher is None or launcher.family != family:
        hint = "build mpi4py and Horovod with the mpirun that starts them: make setup"
        return Check(name="mpi library", state="fail", found=text, hint=hint)
    return Check(name="mpi library", state="ok", found=text[:70])


def two_ranks() -> Check:
    """A real exchange between two ranks under the launcher."""
    launcher = detect.find_mpirun()
    if launcher is None:
        return Check(name="two ranks", state="fail", found="no launcher", hint="see mpirun")
    code = "from mpi4py import MPI; print('sum', MPI.COMM_WORLD.allreduce(MPI.COMM_WORLD.rank + 1), flush=True)"
    plan = LaunchPlan(argv=(sys.executable, "-c", code), ranks=2, mpirun=launcher.program, version=launcher.version)
    wanted = environment.for_ranks(
        threads=1, seed=0, deterministic=False, family=launcher.family, root=os.geteuid() == 0
    )
    done = process.run(
        LAUNCHERS[launcher.family](plan),
        timeout_s=PROBE_TIMEOUT_S,
        environment={**environment.passed(os.environ), **wanted},
    )
    if done.returncode == 0 and done.stdout.count("sum 3") == 2:
        return Check(name="two ranks", state="ok", found="two ranks exchanged a number")
    words = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["nothing"]
    return Check(name="two ranks", state="fail", found=words[0][:200], hint="try it: mpirun -np 2 hostname")


def horovod_tensorflow() -> Check:
    """Horovod's TensorFlow half."""
    return _horovod("tensorflow")


def horovod_pytorch() -> Check:
    """Horovod's PyTorch half."""
    return _horovod("torch")


def hdf5() -> Check:
    """h5py and its HDF5."""
    found = _python("import h5py; print('h5py', h5py.__version__, 'with HDF5', h5py.version.hdf5_version)")
    return Check(name="hdf5", state="ok", found=found)


def nvml() -> Check:
    """NVIDIA's management library, for power and energy; a machine without it is as good."""
    found = _python(
        "from harness.telemetry.nvml import Nvml\n"
        "try:\n    nvml = Nvml()\nexcept Exception as error:\n    print('none:', error)\n"
        "else:\n    print('driver', nvml.facts()['driver'])"
    )
    good = not found.startswith("none:")
    hint = "" if good else "without a GPU this is as it should be: the log says so, with the reason"
    return Check(name="nvml", state="ok" if good else "warn", found=found, hint=hint)


def pynvml_kind() -> Check:
    """Which distribution gives `pynvml`: nvidia-ml-py is the maintained one, and old pynvml releases shadow it."""
    try:
        old = metadata.version("pynvml")
    except metadata.PackageNotFoundError:
        return Check(name="pynvml", state="ok", found=f"nvidia-ml-py {metadata.version('nvidia-ml-py')}")
    hint = "pip uninstall pynvml; pip install nvidia-ml-py"
    return Check(name="pynvml", state="warn", found=f"the deprecated distribution pynvml {old}", hint=hint)


def rapl() -> Check:
    """The processors' energy counters."""
    counters = sorted(Path("/sys/class/powercap").glob("intel-rapl:*/energy_uj"))
    if not counters:
        return Check(name="rapl", state="warn", found="no counters", hint="usual in virtual machines; energy is null")
    if not os.access(counters[0], os.R_OK):
        hint = "root only since Linux 5.10 (CVE-2020-8694); ask for read access, or energy is null"
        return Check(name="rapl", state="warn", found=f"{counters[0]} is not readable", hint=hint)
    return Check(name="rapl", state="ok", found=f"{len(counters)} counters")


def cores() -> Check:
    """Cores, and who decides about threads."""
    usable, ranks = environment.usable_cores(), environment.default_ranks()
    found = f"{usable} usable cores: {ranks} ranks of {max(1, usable // ranks)} threads by default"
    own = sorted(name for name in os.environ if name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"))
    if own:
        hint = f"{', '.join(own)} in your environment goes before the launcher's value; unset it unless you mean it"
        return Check(name="cores", state="warn", found=found, hint=hint)
    return Check(name="cores", state="ok", found=found)


def memory() -> Check:
    """Memory that is free now."""
    free = psutil.virtual_memory().available
    state = "ok" if free >= 6 * GIB else "warn"
    hint = "" if state == "ok" else "scale small wants about 3 GiB for each rank; use --scale tiny or --np 1"
    return Check(name="memory", state=state, found=f"{free / GIB:.1f} GiB free", hint=hint)


def disk() -> Check:
    """Room for data and runs."""
    found, worst = [], float("inf")
    for name, folder in (("data", data_root()), ("runs", output_root())):
        free = shutil.disk_usage(_existing(folder)).free
        worst = min(worst, free)
        found.append(f"{free / GIB:.1f} GiB for {name} in {folder}")
    state = "ok" if worst >= 2 * GIB else "warn"
    hint = "" if state == "ok" else "set SCIML_BENCH_DATA and SCIML_BENCH_OUTPUT to larger file systems"
    return Check(name="disk", state=state, found="; ".join(found), hint=hint)


def whole_writes() -> Check:
    """Whether the output folder keeps the promises of rename and fsync."""
    folder = _existing(output_root())
    with tempfile.TemporaryDirectory(dir=folder, prefix=".sciml-doctor-") as scratch:
        path = Path(scratch) / "probe"
        for content in (b"first", b"second"):
            write_whole(path, content)
        good = path.read_bytes() == b"second" and os.listdir(scratch) == ["probe"]
    hint = "" if good else "use another file system with --output-dir"
    return Check(name="whole writes", state="ok" if good else "fail", found=f"in {folder}", hint=hint)


def shared_memory() -> Check:
    """Room in /dev/shm, which ranks of one machine speak through."""
    try:
        free = shutil.disk_usage("/dev/shm").free  # noqa: S108 - it is looked at, not written to
    except OSError:
        return Check(name="shared memory", state="warn", found="no /dev/shm", hint="docker run --shm-size=1g")
    state = "ok" if free >= GIB // 4 else "warn"
    hint = "" if state == "ok" else "in a container: docker run --shm-size=1g"
    return Check(name="shared memory", state=state, found=f"{free / GIB:.1f} GiB free", hint=hint)


CHECKS: tuple[Callable[[], Check], ...] = (
    python_version, mpirun, mpi_library, two_ranks, horovod_pytorch, horovod_tensorflow, hdf5, pynvml_kind, nvml, rapl,
    cores, memory, shared_memory, disk, whole_writes,
)  # fmt: skip


def _horovod(framework: str) -> Check:
    found = _python(f"import horovod.{framework} as hvd; print('MPI', hvd.mpi_built(), 'NCCL', bool(hvd.nccl_built()))")
    built = "MPI True" in found
    hint = "" if built else "build it with containers/horovod/build.sh: make setup"
    return Check(name=f"horovod.{framework}", state="ok" if built else "fail", found=found, hint=hint)


def _python(code: str) -> str:
    """What a fresh interpreter prints; frameworks are looked at there, so that none is ever imported here.

    Raises:
        Refusal: it failed; the message is its last line.
    """
    quiet = {**environment.passed(os.environ), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = process.run([sys.executable, "-c", code], timeout_s=PROBE_TIMEOUT_S, cwd=ROOT, environment=quiet)
    if done.returncode != 0:
        raise Refusal((done.stderr.strip().splitlines() or ["it ended without a word"])[-1])
    return done.stdout.strip()


def _safely(check: Callable[[], Check]) -> Check:
    try:
        return check()
    except (Refusal, OSError, metadata.PackageNotFoundError) as error:
        name = check.__name__.replace("_", " ")
        return Check(name=name, state="fail", found=str(error)[:200], hint="make setup, then look again")


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder

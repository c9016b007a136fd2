"""The project's own promises: its fences hold, its locks and targets are in step, and it names no one's machine."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLANTED = sorted((Path(__file__).parent / "planted").glob("*.py.txt"))
ROOMS = ("harness", "reference", "compliance", "logging_spec")


# --- fences -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Plant:
    """One file of tests/unit/planted: an import, the place where it is planted, and who has to see it there."""

    path: Path
    """Place in the checkout."""

    found_by: frozenset[str]
    """`ruff`, `import-linter`, both, or `nobody`."""

    source: str
    """What the file says."""

    @property
    def module(self) -> str:
        """Its name as an import."""
        return ".".join(self.path.with_suffix("").parts)


def read_plant(path: Path) -> Plant:
    """Read where a plant goes and who finds it, from its first two lines."""
    source = path.read_text(encoding="utf-8")
    where, found_by = re.findall(r"^# (?:where|found by): (.+)$", source, re.MULTILINE)
    return Plant(path=Path(where), found_by=frozenset(found_by.split(", ")), source=source)


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each linter says about a copy of the sources with every plant in it."""
    tree = tmp_path_factory.mktemp("planted")
    shutil.copy(ROOT / "pyproject.toml", tree)
    for room in ROOMS:
        shutil.copytree(ROOT / room, tree / room, ignore=shutil.ignore_patterns("__pycache__"))
    for plant in map(read_plant, PLANTED):
        (tree / plant.path).write_text(plant.source, encoding="utf-8")
    return {
        "ruff": run_in(tree, "ruff", "check", "--no-cache", "--select=TID251", "--output-format=concise"),
        "import-linter": run_in(tree, "lint-imports", "--no-cache"),
    }


def run_in(folder: Path, *command: str) -> str:
    """Everything that one of the environment's programs prints when it is run in a folder and finds fault."""
    program = Path(sys.executable).parent / command[0]
    done = subprocess.run(
        [str(program), *command[1:]], cwd=folder, env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("path", PLANTED, ids=lambda path: path.name.removesuffix(".py.txt"))
def test_a_planted_import_is_found(path: Path, complaints: dict[str, str]) -> None:
    plant = read_plant(path)
    found = {
        "ruff": f"{plant.path}:" in complaints["ruff"],
        "import-linter": re.search(rf"\b{re.escape(plant.module)}\b", complaints["import-linter"]) is not None,
    }
    assert {linter for linter, seen in found.items() if seen} == plant.found_by - {"nobody"}


def test_no_framework_is_loaded_by_what_judges_and_starts_runs() -> None:
    program = """
import importlib, pkgutil, sys
import compliance, harness, logging_spec
for package in (compliance, harness, logging_spec):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
print(*{"tensorflow", "keras", "torch", "horovod", "pynvml", "mpi4py"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


# --- locks ------------------------------------------------------------------------------------------------------------


def wanted(name: str) -> dict[str, str]:
    """The packages of one requirements/*.in, with what it includes: name to exact version, or to nothing."""
    wants: dict[str, str] = {}
    for line in (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            wants |= wanted(line.removeprefix("-r ").strip())
        elif line and not line.startswith("#"):
            package, _, version = line.partition("==")
            wants[re.sub(r"[-_.]+", "-", package.strip().lower())] = version.strip()
    return wants


def locked(name: str) -> dict[str, str]:
    """The packages of one requirements/*.lock: name to version. Each must carry a hash."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([a-z0-9-]+)==(\S+) \\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE))
    assert len(pins) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)), f"{name}: a line without a hash"
    return pins


@pytest.mark.parametrize(
    ("source", "locks"),
    [
        ("runtime.in", ["runtime.lock"]),
        ("mpi.in", ["mpi.lock"]),
        ("dev.in", ["runtime.lock", "dev.lock"]),
        ("oracles.in", ["oracles.lock"]),
    ],
)
def test_a_lock_is_in_step_with_what_is_wanted(source: str, locks: list[str]) -> None:
    pins = {name: version for lock in locks for name, version in locked(lock).items()}
    wants = wanted(source)
    assert wants
    assert {name: pins.get(name) for name in wants} == {
        name: version or pins.get(name, "any version — run make lock") for name, version in wants.items()
    }


def test_no_package_is_locked_twice() -> None:
    # The oracles live in an environment of their own, and share packages with the suite's.
    locks = [path.name for path in (ROOT / "requirements").glob("*.lock") if path.name != "oracles.lock"]
    names = [name for lock in locks for name in locked(lock)]
    assert sorted(names) == sorted(set(names))


def test_the_locked_versions_are_the_installed_ones() -> None:
    pins = locked("runtime.lock") | locked("dev.lock")
    installed = {name: importlib.metadata.version(name).partition("+")[0] for name in pins}
    assert installed == pins


# --- the Makefile and the files ---------------------------------------------------------------------------------------


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[0].split()
    rules = re.findall(r"^([a-z]+):", makefile, re.MULTILINE)
    shown = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert sorted(phony) == sorted(rules)
    assert [line.split()[0] for line in shown.stdout.splitlines()] == rules


@pytest.mark.parametrize("readme", ["harness/README.md", "reference/slstr_cloud/README.md"])
def test_a_readme_that_tells_the_modules_of_its_folder_tells_all(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    names = {path.stem for path in (ROOT / readme).parent.glob("*.py") if not path.stem.startswith("__")}
    assert names
    told = set(re.findall(r"[`\[]([a-z_]+)(?:\.py)?[`\]]", text))
    assert sorted(names - told) == []


PROGRAMS = sorted(
    path.relative_to(ROOT)
    for room in ("compliance", "datasets", "harness", "logging_spec", "tools")
    for path in (ROOT / room).rglob("*.py")
    if 'if __name__ == "__main__":' in path.read_text(encoding="utf-8")
)
"""All but those of `reference/`, whose command line is the contract's."""


@pytest.mark.parametrize("path", PROGRAMS, ids=str)
def test_a_program_says_how_it_is_called_and_takes_no_word_that_it_does_not_know(path: Path, tmp_path: Path) -> None:
    if path.name == "scene_plots.py":
        pytest.importorskip("matplotlib", reason="drawn in the environment of the oracles")
    module = ".".join(path.with_suffix("").parts).removesuffix(".__main__")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def call(word: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", module, word]
        return subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    told = call("--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.lstrip().lower().startswith("usage: ")
    assert call("--no-such-option").returncode == 2
    assert list(tmp_path.iterdir()) == []


SMALL = {
    "check_speed": "--lines 200 --repeat 1",
    "loop_overhead": "20",
    "read_speed": "--rounds 1 --scale 0.05 --only micrographs",
    "staging_speed": "--rounds 1 --scale 0.05",
}
"""How a measurement is called where nobody looks at its numbers. That of the simulators takes a minute at least."""


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_a_measurement_still_measures(name: str, tmp_path: Path) -> None:
    argv = [sys.executable, str(ROOT / "tests" / "performance" / f"{name}.py"), *SMALL[name].split()]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"\d", done.stdout)


def project_files() -> list[Path]:
    """Every file of the project that is text: those that git knows or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode != 0:
        pytest.skip("not a git checkout, so there is no list of files")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def places_of_this_machine() -> list[str]:
    """Where the checkout lies, and the folders that pip is configured with: what might leak into a file here."""
    configured = [word for name, value in os.environ.items() if name.startswith("PIP_") for word in value.split()]
    return [place for place in (str(ROOT), *configured) if place.count("/") > 1 and not place.startswith("/etc/")]


def test_no_file_names_a_place_on_someones_machine() -> None:
    places = [r"/(?:work|root)/", *map(re.escape, places_of_this_machine())]
    place = re.compile(rf"(?<![\w.$}}/-])(?:{'|'.join(places)})".encode())
    found = [
        f"{path.relative_to(ROOT)}: {match.group().decode()}"
        for path in project_files()
        if b"\0" not in (content := path.read_bytes()[:1_000_000]) and (match := place.search(content))
    ]
    assert found == []

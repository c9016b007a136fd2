"""The Dockerfile and the Singularity definition describe one image."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CONTAINERS = Path(__file__).resolve().parents[3] / "containers"
STEP = re.compile(r"containers/install [a-z]+(?: containers/[a-z-]+\.txt)?")


def dockerfile() -> list[str]:
    """The text of each stage, without comments and with continued lines joined."""
    text = re.sub(r"^#.*\n", "", (CONTAINERS / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return re.split(r"^FROM ", text.replace("\\\n", " "), flags=re.MULTILINE)[1:]


def definition() -> list[str]:
    """The text of each stage, without comments."""
    text = re.sub(r"^#.*\n", "", (CONTAINERS / "sciml-bench.def").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return re.split(r"^Bootstrap: docker\n", text, flags=re.MULTILINE)[1:]


def section(stage: str, name: str) -> str:
    """One section of a definition file's stage."""
    return re.search(rf"^%{name}.*\n((?:[ \t]+.*\n|\n)*)", stage, re.MULTILINE)[1]  # type: ignore[index]


def test_both_start_from_the_same_base() -> None:
    base = re.search(r"^ARG BASE=(\S+)$", (CONTAINERS / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert base is not None
    assert [re.match(r"From: (\S+)", stage)[1] for stage in definition()] == [base[1], base[1]]  # type: ignore[index]
    assert [stage.split()[0] for stage in dockerfile()] == ["${BASE}", "${BASE}"]


@pytest.mark.parametrize("stage", [0, 1], ids=["build", "final"])
def test_both_take_the_same_steps_in_the_same_order(stage: int) -> None:
    docker = [step for line in re.findall(r"^RUN .*", dockerfile()[stage], re.MULTILINE) for step in STEP.findall(line)]
    singularity = STEP.findall(section(definition()[stage], "post"))
    assert docker == singularity
    assert len(docker) > 1


def test_neither_installs_anything_on_its_own() -> None:
    for name in ("Dockerfile", "sciml-bench.def"):
        text = (CONTAINERS / name).read_text(encoding="utf-8")
        assert not re.search(r"^[^#\n]*\b(apt-get|apt|pip|curl|wget) +(install|update|http)", text, re.MULTILINE)


def test_both_set_the_same_environment() -> None:
    environment = dict(
        re.findall(r"([A-Z_]+)=(\S+)", " ".join(re.findall(r"^ENV (.*)", dockerfile()[1], re.MULTILINE)))
    )
    # Only `docker build` can be told the commit from outside.
    del environment["SCIML_BENCH_COMMIT"]
    exports = dict(re.findall(r"export ([A-Z_]+)=(\S+)", section(definition()[1], "environment")))
    assert exports == environment


def test_both_carry_the_same_labels() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', dockerfile()[1]))
    del labels["revision"]
    assert dict(re.findall(r"org\.opencontainers\.image\.(\w+) (.+)", section(definition()[1], "labels"))) == labels


def test_both_try_themselves_and_run_the_command_line() -> None:
    docker, singularity = dockerfile()[1], definition()[1]
    assert "RUN /opt/sciml-bench/containers/self-test" in docker
    assert section(singularity, "test").strip() == "/opt/sciml-bench/containers/self-test"
    assert 'ENTRYPOINT ["sciml-bench"]' in docker
    assert section(singularity, "runscript").strip() == 'exec sciml-bench "$@"'


def test_the_image_does_not_run_as_root() -> None:
    assert re.findall(r"^USER (\S+)", dockerfile()[1], re.MULTILINE) == ["1000"]

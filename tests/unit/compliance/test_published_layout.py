"""Results as MLPerf HPC publishes them: every log of strong and weak folders is judged, sets are scored by folder."""

from __future__ import annotations

import json
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from checking import GOLDEN, call, check

sys.path.insert(0, str(GOLDEN))
import make_mlperf as corpus

RULESET = ("--ruleset", "mlperf-hpc-3.0.0")
ORG = "Example+Observatory"
SYSTEMS = {"four_nodes_4x4", "many nodes_512x4"}


def run(seed: int, *edits: corpus.Edit, benchmark: str = "cosmoflow") -> bytes:
    """Return the log of a run."""
    return corpus.log(benchmark, corpus.value("seed", seed), *edits)


def lay(folder: Path, place: str, *logs: bytes, first: int = 1) -> None:
    """Lay logs where published results lie."""
    (folder / place).mkdir(parents=True, exist_ok=True)
    for number, log in enumerate(logs, first):
        (folder / place / f"result_{number}.txt").write_bytes(log)


@pytest.fixture
def organisation(tmp_path: Path) -> Path:
    """The folder of an organisation, as in hpc_results_v1.0 and later."""
    folder = tmp_path / ORG
    lay(folder, "results/four_nodes_4x4/strong/cosmoflow", *(run(seed) for seed in range(10)))
    lay(
        folder,
        "results/four_nodes_4x4/strong/deepcam",
        *(run(seed, benchmark="deepcam") for seed in range(1, 6)),
        first=0,
    )
    lay(folder, "results/many nodes_512x4/weak/cosmoflow", *(run(seed) for seed in range(12)))
    lay(folder, "results/many nodes_512x4/weak/cosmoflow/pruned_results", corpus.log()[: -len(b"x\n") * 200], first=13)
    (folder / "systems").mkdir()
    for system in SYSTEMS:
        (folder / "systems" / f"{system}.json").write_text(json.dumps({"system_name": system}), encoding="utf-8")
    return folder


def packed(folder: Path, kind: str) -> Path:
    """Return the folder in an archive."""
    archive = folder.with_name(f"results.{kind}")
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as file:
            for path in sorted(folder.rglob("*")):
                file.write(path, path.relative_to(folder.parent))
    else:
        with tarfile.open(archive, "w") as file:
            file.add(folder, folder.name)
    return archive


def judged(*arguments: str | Path) -> dict[str, int]:
    """Return the errors of each log, by the end of its name."""
    answer = check(*arguments, "--format", "json")
    assert answer.code == 1, answer.err
    return {
        file["file"].partition("results/")[2]: sum(found["severity"] == "error" for found in file["findings"])
        for file in answer.document["files"]
    }


@pytest.mark.parametrize("kind", ["folder", "checkout", "tar", "zip"])
def test_every_log_is_judged_wherever_it_lies(kind: str, organisation: Path) -> None:
    path = {"folder": organisation, "checkout": organisation.parent}.get(kind) or packed(organisation, kind)
    found = judged(path, *RULESET)
    assert len(found) == 10 + 5 + 12 + 1
    assert [file for file, errors in found.items() if errors] == [
        "many nodes_512x4/weak/cosmoflow/pruned_results/result_13.txt"
    ]


def test_the_rule_set_of_folders_is_chosen_by_their_logs(organisation: Path) -> None:
    assert judged(organisation) == judged(organisation, *RULESET)


def test_a_folder_of_results_is_more_than_its_first_one(organisation: Path) -> None:
    """A result_0.txt alone would make it a run directory of our own suite."""
    broken = organisation / "results/four_nodes_4x4/strong/deepcam/result_3.txt"
    broken.write_bytes(corpus.INVALID["quality-001-deepcam"])
    answer = check(broken.parent)
    assert answer.code == 1
    assert any(f"{broken}:" in line for line in answer.lines)
    assert "of 5 logs" in answer.out


def test_the_layout_of_the_first_round_is_read_too(tmp_path: Path) -> None:
    lay(tmp_path, f"{ORG}/results/four_nodes_4x4/cosmoflow", run(1), run(2))
    assert "of 2 logs" in check(tmp_path / ORG).out


def test_strong_sets_have_a_score_and_weak_ones_a_throughput(organisation: Path) -> None:
    for path in (organisation, packed(organisation, "tar")):
        answer = call("score", path, *RULESET, "--format", "json")
        assert answer.code == 0, answer.out
        sets = {entry["set"].partition("results/")[2]: entry for entry in json.loads(answer.out)["sets"]}
        assert set(sets) == {
            "four_nodes_4x4/strong/cosmoflow",
            "four_nodes_4x4/strong/deepcam",
            "many nodes_512x4/weak/cosmoflow",
        }
        assert [sets[name]["scaling"] for name in sorted(sets)] == ["strong", "strong", "weak"]
        assert sets["four_nodes_4x4/strong/cosmoflow"]["runs"] == 10
        assert sets["many nodes_512x4/weak/cosmoflow"]["score_s"] is None


def test_a_seed_is_shared_within_a_folder_only(organisation: Path) -> None:
    """The strong and the weak runs above have the same seeds, and are no one's set."""
    assert "mlperf-set-001" not in check(organisation).out
    twin = organisation / "results/four_nodes_4x4/strong/cosmoflow/result_11.txt"
    twin.write_bytes(run(7, corpus.value("eval_error", 0.1235, 1)))
    (found,) = [line for line in check(organisation).lines if "mlperf-set-001" in line]
    assert f"{twin}:" in found
    assert found.endswith("[warning]")


def test_nothing_to_judge_is_no_verdict(tmp_path: Path) -> None:
    answer = check(tmp_path, *RULESET)
    assert answer.code == 2
    assert "expected result_<i>.txt below it, found none" in answer.err


def test_a_log_that_cannot_be_read_out_of_an_archive_is_not_passed_over(organisation: Path) -> None:
    archive = organisation.with_name("results.tar")
    with tarfile.open(archive, "w") as file:
        file.add(organisation, ORG)
        link = tarfile.TarInfo(f"{ORG}/results/four_nodes_4x4/strong/cosmoflow/result_11.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "result_1.txt"
        file.addfile(link)
    answer = check(archive, *RULESET)
    assert answer.code == 2
    assert "result_11.txt" in answer.err


def test_published_results_are_not_signed(organisation: Path) -> None:
    answer = check(organisation, *RULESET, "--public-key", "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3")
    assert answer.code == 2
    assert "--public-key: expected packages of another rule set" in answer.err

"""tools/convergence: the plan, kept logs, tables, reference points, and how a target is derived."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from convergence_records import CAMPAIGN, GOLDEN, RECORD, record

from harness import registry
from harness.errors import ConfigError, DataError
from tools.convergence import __main__ as program
from tools.convergence import derive, kept, plan, tables

CASES = Path(__file__).parent / "cases"
EM = registry.load("em_denoise")
PLACE = Path("full", "unet", "pt", "seed-1093.log.gz")


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_the_default_model_comes_first_and_every_implementation_trains_it() -> None:
    groups = plan.groups(EM, scales=["small"], models=[], implementations=[])
    assert [(group.model, group.implementation) for group in groups][:4] == [
        ("unet", "pt"), ("unet", "tf"), ("dncnn", "pt"), ("dncnn", "tf"),
    ]  # fmt: skip
    assert {group.model for group in groups} == set(EM.models)
    assert [group.is_default for group in groups].count(True) == 2


def test_a_plan_is_restricted_and_takes_implementations_from_outside() -> None:
    (group,) = plan.groups(EM, scales=["tiny"], models=["rednet"], implementations=["/elsewhere/mine.json"])
    assert (group.folder, group.option) == (Path("tiny", "rednet", "mine"), "/elsewhere/mine.json")
    (one, _) = plan.groups(registry.load("slstr_cloud"), scales=["small"], models=[], implementations=[])
    assert one.folder == Path("small", "default", "pt")


def test_a_batch_size_of_its_own_has_a_folder_of_its_own() -> None:
    (group,) = plan.groups(EM, scales=["tiny"], models=["unet"], implementations=["pt"], batch_size=32)
    assert (group.folder, group.title) == (Path("tiny", "unet", "pt", "batch-32"), "em_denoise tiny unet pt batch 32")


@pytest.mark.parametrize(
    ("scale", "model", "implementation", "said"),
    [
        ("large", "unet", "pt", "--scale: expected one of tiny, small, full, found large"),
        ("small", "unett", "pt", "found unett — did you mean unet?"),
        ("small", "unet", "jax", "--impl: expected one of pt, tf, found jax"),
    ],
)
def test_an_unknown_name_is_refused(scale, model, implementation, said) -> None:
    with pytest.raises(ConfigError, match=said.replace("?", r"\?")):
        plan.groups(EM, scales=[scale], models=[model], implementations=[implementation])


@pytest.mark.parametrize(
    ("is_default", "wanted", "first_run_s", "seeds"),
    [
        (True, None, None, 5), (True, None, 120.0, 5), (True, None, 119.9, 10),
        (False, None, 10.0, 2), (True, 3, 10.0, 3), (False, 1, None, 1),
    ],
)  # fmt: skip
def test_how_many_seeds_a_group_gets(is_default, wanted, first_run_s, seeds) -> None:
    group = plan.Group(benchmark="b", scale="small", model="m", option="pt", is_default=is_default)
    assert list(plan.seeds(group, wanted=wanted, first_run_s=first_run_s)) == list(range(1, seeds + 1))


# --- kept logs --------------------------------------------------------------------------------------------------------


def test_a_kept_log_has_the_same_bytes_each_time_and_says_what_its_run_was(tmp_path) -> None:
    for folder in ("one", "two"):
        kept.keep(GOLDEN, tmp_path / folder / PLACE)
    content = (tmp_path / "one" / PLACE).read_bytes()
    assert content == (tmp_path / "two" / PLACE).read_bytes()
    assert content[4:8] == bytes(4), "gzip's time of the file, in its header"
    (found,) = kept.read_all(tmp_path / "one")
    assert (found.seed, found.model, found.target, found.reached) == (1093, "unet", 33.0, True)
    assert (found.qualities, found.quality, found.epochs, found.samples) == ((29.31, 33.4), 33.4, 2, 4096)
    assert found.run_time_s == pytest.approx(11.193)
    assert (found.baseline, found.samples_per_s) == (("gaussian_filter", 27.4), 412.5)
    assert found.machine == "NVIDIA A100-SXM4-40GB, 4 ranks × 8 threads"
    assert (found.commit, found.framework) == ("52a9400c1f1e", "pytorch 2.13.0")
    assert (found.errors, found.verdict) == ((), "compliant")


def test_a_log_is_judged_again_each_time_that_it_is_read(tmp_path) -> None:
    lines = GOLDEN.read_text(encoding="utf-8").replace('"eval_psnr", "value": 33.4', '"eval_psnr", "value": 32.4')
    log = tmp_path / "log"
    log.write_text(lines, encoding="utf-8")
    kept.keep(log, tmp_path / PLACE)
    (found,) = kept.read_all(tmp_path)
    assert not found.reached
    assert "target-001" in found.errors
    assert found.verdict.startswith("missed (breaks ")


@pytest.mark.parametrize("place", ["full/unet/pt/seed-1.log.gz", "full/unet/tf/seed-1093.log.gz"])
def test_a_log_in_the_wrong_place_is_refused(tmp_path, place) -> None:
    kept.keep(GOLDEN, tmp_path / place)
    with pytest.raises(DataError, match=f"expected the log of {place}, found that of {PLACE} — delete it"):
        kept.read_all(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no archive", "half", "no run_stop"])
def test_what_is_no_log_of_a_finished_run_is_refused(tmp_path, content) -> None:
    path = tmp_path / PLACE
    lines = GOLDEN.read_text(encoding="utf-8").splitlines(keepends=True)
    log = tmp_path / "log"
    log.write_text("".join(line for line in lines if '"run_stop"' not in line), encoding="utf-8")
    kept.keep(log if content == "no run_stop" else GOLDEN, path)
    if content != "no run_stop":
        path.write_bytes(path.read_bytes()[:500] if content == "half" else content)
    with pytest.raises(DataError, match="expected the log of a finished run, compressed, found"):
        kept.read_all(tmp_path)


@pytest.mark.parametrize("change", [{"target": 23.0}, {"batch_size": 8}, {"precision": "bf16"}])
def test_the_runs_of_a_group_differ_in_their_seed_alone(change) -> None:
    kept.require_alike([RECORD, dataclasses.replace(RECORD, seed=2)])
    (name,) = change
    with pytest.raises(DataError, match=f"small/unet/pt: expected one {name}, found .* with seed 2 — delete"):
        tables.page(EM, [RECORD, dataclasses.replace(RECORD, seed=2, **change)])


# --- tables -----------------------------------------------------------------------------------------------------------


def test_the_page_is_what_its_case_says() -> None:
    assert tables.page(EM, CAMPAIGN) == (CASES / "convergence.md").read_text(encoding="utf-8")


def test_the_reference_points_are_what_their_case_says() -> None:
    made = json.loads(tables.reference_points(EM, CAMPAIGN))
    assert made == json.loads((CASES / "rcp.json").read_text(encoding="utf-8"))


def test_runs_with_another_batch_size_are_a_point_of_their_own_and_derive_no_target() -> None:
    other = record(20.0, 22.0, 23.0, 24.5, seed=1, batch_size=64, is_apart=True, hyperparameters={"batch_size": 64})
    points = json.loads(tables.reference_points(EM, [*CAMPAIGN, other]))["points"]
    assert [(point["global_batch_size"], point["epochs_to_target"]) for point in points][:2] == [
        (16, [2, None, 3]), (64, [4]),
    ]  # fmt: skip
    page = tables.page(EM, [*CAMPAIGN, other])
    assert "## small: unet, pt, batch 64" in page
    assert "| small | unet | pt, batch 64 | 1 of 1 |" in page
    assert derive.derive(EM, [*CAMPAIGN, other], None) == derive.derive(EM, CAMPAIGN, None)
    with pytest.raises(DataError, match="expected one batch_size"):
        tables.page(EM, [*CAMPAIGN, dataclasses.replace(other, is_apart=False)])


def test_a_log_in_the_folder_of_its_batch_size_is_read_and_in_that_of_another_refused(tmp_path) -> None:
    place = tmp_path / PLACE.parent / "batch-64" / PLACE.name
    kept.keep(GOLDEN, place)
    assert kept.read(place).is_apart
    place.parent.rename(place.parent.with_name("batch-32"))
    with pytest.raises(DataError, match="batch-32"):
        kept.read(place.parent.with_name("batch-32") / place.name)


def test_a_readme_keeps_what_is_outside_its_markers() -> None:
    text = "before\n<!-- convergence -->\nold | table\n<!-- /convergence -->\nafter\n"
    made = tables.inserted(text, "| \\1 table |")
    assert made is not None
    assert made.startswith("before\n<!-- convergence -->\n| \\1 table |\n\nMean ± ")
    assert made.endswith("\n<!-- /convergence -->\nafter\n")
    assert tables.inserted(made, "| \\1 table |") == made
    assert tables.inserted("no markers", "| table |") is None


def test_the_tables_in_the_tree_are_what_the_kept_logs_say() -> None:
    for name in registry.names():
        if list((registry.load(name).path.parent / "convergence").rglob(f"seed-*{kept.ENDING}")):
            assert program.main([name, "--check"]) == 0


# --- targets ----------------------------------------------------------------------------------------------------------


def explored(*qualities: float, **changes: object) -> kept.Record:
    return record(*qualities, kind="explore", target=1e9, **changes)


@pytest.mark.parametrize(
    ("runs", "baseline", "within", "margin", "target"),
    [
        ([(20.0, 24.37, 23.0), (21.0, 23.0, 24.29)], 21.8, 3, 0.5, 24.2),  # the worst run's best
        ([(20.0, 24.37, 23.0), (21.0, 23.0, 24.29)], 21.8, 2, 0.5, 23.0),  # in less time
        ([(0.62, 0.8), (0.62, 0.8)], 0.7, 2, 0.0, 0.8),  # a round number stays as it is
        ([(0.9734,)], 0.6, 5, 0.0, 0.97),  # a run that ended early keeps its best
        ([(22.2, 22.29)], 21.8, 2, 0.5, None),  # not enough above the baseline
        ([(22.34, 22.34)], 21.85, 2, 0.49, None),  # rounded, it is not
        ([(21.0,)], 21.8, 1, 0.0, None),
    ],
)
def test_a_target_is_what_every_run_reached_above_the_baselines(runs, baseline, within, margin, target) -> None:
    records = [explored(*qualities, baseline=("b", baseline)) for qualities in runs]
    proposal = derive.propose(records, within=within, margin=margin)
    assert proposal.target == target, proposal.text
    assert proposal.text.startswith("none: " if target is None else f"{target:g}: ")
    assert target is None or all(derive.epochs_to(one, target) is not None for one in records)


def test_where_less_is_better_rounding_goes_up() -> None:
    runs = [(0.5, 0.0312), (0.4, 0.0231, 0.1)]
    records = [explored(*run, direction="min", baseline=("b", 0.2)) for run in runs]
    proposal = derive.propose(records, within=3, margin=0.1)
    assert (proposal.target, proposal.worst) == (0.04, 0.0312)
    assert [derive.epochs_to(one, 0.03) for one in records] == [None, 2]


def test_runs_that_went_on_are_taken_before_those_that_ended_at_their_target() -> None:
    runs = [explored(20.0, 26.0, 27.5, seed=seed) for seed in (1, 2)]
    text = derive.derive(EM, [*CAMPAIGN[:3], *runs], within=3)
    assert "runs: 2 of pt; trained to the last epoch" in text
    assert "| 3 | 2 | 27.5 | 27.5 | 27.5 | 27.5 |" in text
    assert "proposal: 27.5: what the worst of 2 runs reached within 3 epochs (27.5)" in text
    assert "epochs to it: 3 to 3, mean 3.0" in text


def test_quality_by_epoch_is_over_the_runs_that_got_there() -> None:
    text = derive.derive(EM, [*CAMPAIGN[:3]], within=None)
    assert "runs: 3 of pt; ended at their target" in text
    assert "| 2 | 3 | 23 | 22 | 23 | 22 |" in text
    assert "| 3 | 1 | 24.5 | 24.5 | 24.25 | 23 |" in text

"""Write the golden logs of MLPerf HPC anew: `python tests/golden/make_mlperf.py [--expected]`.

They are small, and none is of a run that took place. Their oddities are those of logs that were published with the
results of MLPerf HPC v3.0: ranks before the token, text in Latin-1, ends that are typed as starts, evaluations inside
of epochs and behind them, epochs that count steps, missing seeds, training after the end of the run.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent / "mlperf-hpc-3.0.0"
TOKEN = ":::MLLOG "

Record = dict[str, Any]
Records = list[Record]

COMMON: Record = {
    "submission_org": "Example Observatory", "submission_division": "closed", "submission_status": "onprem",
    "submission_platform": "four nodes", "cache_clear": True,
}  # fmt: skip
SIZES: Record = {"seed": 4711, "number_of_ranks": 16, "number_of_nodes": 4, "accelerators_per_node": 4}
HYPERPARAMETERS: dict[str, Record] = {
    "cosmoflow": {
        "train_samples": 524288, "eval_samples": 65536, "global_batch_size": 512, "opt_name": "sgd",
        "opt_base_learning_rate": 0.008, "opt_learning_rate_warmup_epochs": 4, "opt_learning_rate_warmup_factor": 8,
        "opt_learning_rate_decay_boundary_epochs": [32, 64], "opt_learning_rate_decay_factor": [0.25, 0.125],
        "dropout": 0.5, "opt_weight_decay": 0.0,
    },
    "deepcam": {
        "gradient_accumulation_frequency": 1, "global_batch_size": 256, "batchnorm_group_size": 1, "opt_name": "LAMB",
        "opt_lr": 0.0025, "opt_bias_correction": True, "opt_betas": [0.9, 0.999], "opt_eps": 1e-6,
        "opt_weight_decay": 0.01, "opt_grad_averaging": True, "opt_max_grad_norm": 1.0, "scheduler_type": "multistep",
        "scheduler_milestones": [4096, 8192], "scheduler_decay_rate": 0.2, "scheduler_lr_warmup_steps": 100,
        "scheduler_lr_warmup_factor": 1.0, "train_samples": 121266, "eval_samples": 15158,
    },
    "oc20": {
        "global_batch_size": 2048, "train_samples": 2000000, "eval_samples": 999866, "opt_name": "AdamW",
        "opt_base_learning_rate": 0.0016, "opt_learning_rate_warmup_steps": 3908,
        "opt_learning_rate_warmup_factor": 0.2, "opt_learning_rate_decay_boundary_steps": [23448, 31264],
        "opt_learning_rate_decay_factor": 0.1,
    },
    "openfold": {
        "global_batch_size": 144, "gradient_accumulation_steps": 1, "target_avg_lddt_ca_value": 0.8,
        "train_max_pdb_release_date": "2021-09-16", "val_min_cameo_submission_date": "2021-09-17",
        "val_max_cameo_submission_date": "2021-12-11", "val_max_sequence_length": 700, "val_every_iters": 40,
        "train_samples": 594595, "eval_samples": 180, "model_parameters_count": 93229082,
        "init_checkpoint_sha256sum": "b518be4677048f2c0f94889c91e2da73655a73b825a8aa7f8b6f5e580d8ffbed",
        "train_sequence_crop_size": 256, "num_recycling_iters": 3, "max_msa_clusters": 124, "max_extra_msa": 1024,
        "templates_enabled": True, "max_templates": 4, "fape_loss_weight": 1.0, "fape_loss_backbone_weight": 0.5,
        "fape_loss_sidechain_weight": 0.5, "supervised_chi_loss_weight": 1.0, "distogram_loss_weight": 0.3,
        "masked_msa_loss_weight": 2.0, "plddt_loss_weight": 0.01, "opt_name": "Adam", "opt_adam_beta_1": 0.9,
        "opt_adam_beta_2": 0.999, "opt_adam_epsilon": 1e-6, "opt_weight_decay": 0.0, "opt_amsgrad": False,
        "opt_gradient_clipping": True, "opt_gradient_clip_norm": 0.1, "swa_enabled": True, "swa_decay_rate": 0.9,
        "opt_base_learning_rate": 0.001, "opt_learning_rate_warmup_init": 1e-5, "opt_learning_rate_warmup_steps": 0,
        "initial_training_dataloader_type": "InitialTrainingDataloaderPT",
    },
}  # fmt: skip
METRICS: dict[str, tuple[str, list[float]]] = {
    "cosmoflow": ("eval_error", [0.31, 0.1239]),
    "deepcam": ("eval_accuracy", [0.61, 0.8213]),
    "oc20": ("eval_error", [0.051, 0.0359]),
    "openfold": ("eval_accuracy", [0.7551, 0.8002]),
}


def event(key: str, value: Any = None, **metadata: Any) -> Record:
    """Return an event as MLPerf's own logger writes it, without its time."""
    kind = {"start": "INTERVAL_START", "stop": "INTERVAL_END"}.get(key.rpartition("_")[2], "POINT_IN_TIME")
    place = {"file": "train.py", "lineno": 100 + len(key)}
    return {"namespace": "", "time_ms": 0, "event_type": kind, "key": key, "value": value, "metadata": place | metadata}


def epoch(number: int, inside: bool, metric: str, value: float) -> Records:
    """Return an epoch with its evaluation, inside of it or behind it."""
    evaluation = [
        event("eval_start", epoch_num=number),
        event(metric, value, epoch_num=number),
        event("eval_stop", epoch_num=number),
    ]
    start, stop = event("epoch_start", epoch_num=number), event("epoch_stop", epoch_num=number)
    return [start, *evaluation, stop] if inside else [start, stop, *evaluation]


def tell(benchmark: str, division: str = "closed", *, step: int = 1, inside: bool = True) -> Records:
    """Return the events of a run of two epochs, a minute apart."""
    facts = {"submission_benchmark": benchmark} | COMMON | {"submission_division": division}
    if division == "closed":
        facts |= SIZES | HYPERPARAMETERS[benchmark]
    else:
        facts |= {"seed": 4711, "train_samples": 1000, "eval_samples": 100}
    metric, values = METRICS[benchmark]
    records = [event(key, value) for key, value in facts.items()]
    records.insert(6, event("init_start"))
    records += [event("init_stop"), event("run_start")]
    for number, value in enumerate(values, 1):
        records += epoch(number * step, inside, metric, value)
    records.append(event("run_stop", status="success"))
    for minute, record in enumerate(records):
        hurried = min(minute, len(records) - 12) + 60 * max(0, minute - len(records) + 12)
        record["time_ms"] = 1_690_000_000_000 + 1000 * hurried
    return records


def lines(records: Records) -> list[str]:
    """Return the lines of a log."""
    return [f"{TOKEN}{json.dumps(record)}\n" for record in records]


def find(records: Records, key: str, number: int = 0) -> int:
    """Return the place of the `number`th event with a key."""
    return [place for place, record in enumerate(records) if record["key"] == key][number]


Edit = Callable[[Records], object]


def value(key: str, new: Any, number: int = 0) -> Edit:
    """Give an event another value."""
    return lambda records: records[find(records, key, number)].update(value=new)


def metadata(key: str, number: int = 0, **new: Any) -> Edit:
    """Give an event further metadata."""
    return lambda records: records[find(records, key, number)]["metadata"].update(new)


def fields(key: str, number: int = 0, /, **new: Any) -> Edit:
    """Give an event other fields."""
    return lambda records: records[find(records, key, number)].update(new)


def without(key: str, number: int = 0) -> Edit:
    """Take an event away."""
    return lambda records: records.pop(find(records, key, number))


def without_field(key: str, field: str) -> Edit:
    """Take a field of an event away."""
    return lambda records: records[find(records, key)].pop(field)


def without_metadata(key: str, name: str) -> Edit:
    """Take a piece of metadata away."""
    return lambda records: records[find(records, key)]["metadata"].pop(name)


def init_start_at(before_ms: int) -> Edit:
    """Let the initialisation start so long before it stops."""

    def edit(records: Records) -> None:
        records[find(records, "init_start")]["time_ms"] = records[find(records, "init_stop")]["time_ms"] - before_ms

    return edit


def early_facts(time_ms: int) -> list[Edit]:
    """Let what the submission is have been logged at an earlier time."""
    return [fields(key, time_ms=time_ms) for key in ("submission_benchmark", *COMMON)]


def twice(key: str, **new: Any) -> Edit:
    """Repeat an event, with other fields."""
    return lambda records: records.insert(find(records, key) + 1, {**records[find(records, key)], **new})


def swap(key: str, other: str, number: int = 0) -> Edit:
    """Let two events stand in each other's place, at each other's time."""

    def edit(records: Records) -> None:
        one, two = find(records, key, number), find(records, other, number)
        records[one], records[two] = records[two], records[one]
        records[one]["time_ms"], records[two]["time_ms"] = records[two]["time_ms"], records[one]["time_ms"]

    return edit


def after(key: str, *new: Record) -> Edit:
    """Put events behind one, at its time."""

    def edit(records: Records) -> None:
        place = find(records, key)
        at = records[place]["time_ms"]
        records[place + 1 : place + 1] = [{**record, "time_ms": at} for record in new]

    return edit


def everywhere(**new: Any) -> Edit:
    """Give every event other fields."""
    return lambda records: [record.update(new) for record in records]


def log(benchmark: str = "cosmoflow", *edits: Edit, **plan: Any) -> bytes:
    """Return the log of a run after some edits."""
    records = tell(benchmark, **plan)
    for edit in edits:
        edit(records)
    return "".join(lines(records)).encode()


def text(old: str, new: str, content: bytes | None = None) -> bytes:
    """Return a log in which a piece of text is another one."""
    content = log() if content is None else content
    assert old.encode() in content, old
    return content.replace(old.encode(), new.encode(), 1)


def prefixed(prefix: str, content: bytes) -> bytes:
    """Return a log as srun and mpirun print it."""
    return b"".join(prefix.encode() + line for line in content.splitlines(keepends=True))


def joined(key: str) -> bytes:
    """Return a log in which an event stands in one line with the one before it."""
    found = lines(tell("cosmoflow"))
    place = next(number for number, line in enumerate(found) if f'"key": "{key}"' in line)
    found[place - 1] = found[place - 1].rstrip("\n")
    return "".join(found).encode()


def blocks() -> bytes:
    """Return a log in which a block stands for its epochs."""
    records = tell("deepcam")
    places = [place for place, record in enumerate(records) if record["key"].startswith("epoch_")]
    for place in sorted(places[1:-1], reverse=True):
        records.pop(place)
    for old, new in (("epoch_start", "block_start"), ("epoch_stop", "block_stop")):
        records[find(records, old)].update(key=new)
    records[find(records, "block_start")]["metadata"].update(first_epoch_num=1, epoch_count=2)
    records[find(records, "block_stop")]["metadata"].update(first_epoch_num=1)
    return "".join(lines(records)).encode()


COSINE: tuple[Edit, ...] = (
    value("opt_name", "AdamW"), value("scheduler_type", "cosine_annealing"),
    fields("scheduler_milestones", key="scheduler_t_max", value=9000),
    fields("scheduler_decay_rate", key="scheduler_eta_min", value=0.0),
    without("opt_bias_correction"), without("opt_grad_averaging"), without("opt_max_grad_norm"),
)  # fmt: skip


def late_division(between: bytes) -> bytes:
    """Return a log that says its division behind 1,200 other lines."""
    records = tell("cosmoflow")
    division = records.pop(find(records, "submission_division"))
    records.append({**division, "time_ms": records[-1]["time_ms"]})
    *found, stop, last = (line.encode() for line in lines(records))
    return b"".join([*found, *[between] * 1200, stop, last])


NOISE, CONFIGURATION = b"#" * 999 + b"\n", f"{TOKEN}{json.dumps({**event('configuration', '#' * 999)})}\n".encode()


def stopped_early(records: Records) -> None:
    """Let the run stop behind its first epoch, and train on."""
    stop, place = records.pop(), find(records, "epoch_stop")
    records.insert(place + 1, {**stop, "time_ms": records[place]["time_ms"]})


THROUGHPUT = event("throughput", 8000.0, epoch_num=1)

VALID: dict[str, bytes] = {
    "cosmoflow": log(),
    "cosmoflow-open": log(division="open"),
    "deepcam-lamb-multistep": log("deepcam", inside=False),
    "deepcam-adamw-cosine": log("deepcam", *COSINE),
    "deepcam-open": log("deepcam", division="open"),
    "oc20": log("oc20"),
    "oc20-open": log("oc20", division="open"),
    "openfold": log("openfold", step=5760),
    "openfold-open": log("openfold", division="open", step=5760),
    "near-file-001-one-event-in-noise": b"".join(b"Epoch 1/2\n" + line for line in log().splitlines(keepends=True)),
    "near-file-003-other-languages": text("Example Observatory", "Météo-France, 気象庁"),
    "near-file-004-long-noise": b"#" * 100_000 + b"\n" + log(),
    "near-file-005-gzip.mllog.gz": gzip.compress(log(), mtime=0),
    "near-line-002-text-before-a-carriage-return": text(TOKEN, f"10% \r{TOKEN}"),
    "near-line-005-rank-and-levels": prefixed("  0: ", log("oc20", value("opt_learning_rate_decay_factor", [[0.1]]))),
    "near-key-001-at-the-limits": log("cosmoflow", value("dropout", 0.0), value("opt_base_learning_rate", 0)),
    "near-key-002-further-metadata": log("cosmoflow", metadata("epoch_start", lr=[0.024, 0.012], instance=0)),
    "near-key-004-blocks": blocks(),
    "near-key-011-behind-noise.mllog.gz": gzip.compress(late_division(NOISE), mtime=0),
    "near-key-007-no-accelerators": log("cosmoflow", value("accelerators_per_node", 0)),
    "near-order-001-staging": log("cosmoflow", after("init_start", event("staging_start"), event("staging_stop"))),
    "near-order-002-evaluation-behind-its-epoch": log("oc20", inside=False),
    "near-order-005-epochs-that-count-steps": log("openfold", step=1000),
    "near-time-001-same-millisecond": log("cosmoflow", fields("run_start", time_ms=1_690_000_023_000)),
    "near-time-003-just-in-time": log("cosmoflow", *early_facts(1_689_998_000_000), init_start_at(1_799_999)),
    "near-time-007-just-long-enough": log("cosmoflow", after("epoch_start", {**THROUGHPUT, "value": 2000.0})),
    "near-eval-003-more-than-one-of-an-epoch": log("cosmoflow", after("eval_stop", *epoch(1, True, "eval_error", 0.3)[
        1:4])),
    "near-quality-001-just-reached": log("cosmoflow", value("eval_error", 0.124, 1)),
    "near-target-001-once-is-enough": log("cosmoflow", value("eval_error", 0.124), value("eval_error", 0.2, 1)),
}  # fmt: skip

INVALID: dict[str, bytes] = {
    "file-001": b"no event\n",
    "file-002": log()[:-1],
    "file-003-latin-1": text("Example Observatory", "Observatoire").replace(b"Observatoire", "Météo".encode("latin-1")),
    "file-004": text('"file": "train.py"', f'"file": "{"x" * 70_000}"'),
    "file-005.mllog.gz": gzip.compress(log(), mtime=0)[:-400],
    "line-001": joined("opt_weight_decay"),
    "line-001-lost": joined("train_samples"),
    "line-002": text('"value": 4711', '"value": '),
    "line-002-array": text(f"{TOKEN}{{", f"{TOKEN}[1]\n{TOKEN}{{"),
    "line-003": text('"value": 0.1239', '"value": 0.5, "value": 0.1239'),
    "line-004-nan": text('"value": 0.31', '"value": NaN'),
    "line-004-infinity": text('"value": 512', '"value": Infinity'),
    "line-005": text('"value": 4711', f'"value": {"[" * 40}{"]" * 40}'),
    "line-007": text(TOKEN, f":::MLLOG{{}}\n{TOKEN}"),
    "event-001": log("cosmoflow", without_field("opt_weight_decay", "value")),
    "event-001-no-time": log("cosmoflow", without_field("opt_weight_decay", "time_ms")),
    "event-002": log("cosmoflow", fields("opt_weight_decay", time_ms=None)),
    "event-003": log("cosmoflow", fields("eval_stop", event_type="INTERVAL_START")),
    "event-004": log("cosmoflow", without_field("seed", "event_type"), without_field("seed", "namespace")),
    "event-005": log("cosmoflow", metadata("seed", lineno="12")),
    "key-001-name": log("cosmoflow", value("opt_name", "Adam")),
    "key-001-negative": log("cosmoflow", value("global_batch_size", -1)),
    "key-001-text": log("cosmoflow", value("global_batch_size", "512")),
    "key-001-nan": log("cosmoflow", value("global_batch_size", float("nan"))),
    "key-001-pinned": log("openfold", value("max_msa_clusters", 128), step=5760),
    "key-001-samples": log("deepcam", value("train_samples", 121265)),
    "key-001-benchmark": log("cosmoflow", value("submission_benchmark", "hpcg")),
    "key-002-epoch": log("cosmoflow", without_metadata("epoch_start", "epoch_num")),
    "key-002-none": log("cosmoflow", fields("epoch_start", metadata=None)),
    "key-002-status": log("cosmoflow", without_metadata("run_stop", "status")),
    "key-004-cache": log("cosmoflow", without("cache_clear")),
    "key-004-init-stop": log("cosmoflow", without("init_stop")),
    "key-004-run-start": log("cosmoflow", without("run_start")),
    "key-004-run-stop": log("cosmoflow", without("run_stop")),
    "key-004-epoch-stop": log("cosmoflow", without("epoch_stop"), without("epoch_stop")),
    "key-004-eval-stop": log("cosmoflow", without("eval_stop"), without("eval_stop")),
    "key-004-metric": log("cosmoflow", without("eval_error"), without("eval_error")),
    "key-004-train-samples": log("cosmoflow", without("train_samples")),
    "key-004-org": log("cosmoflow", without("submission_org")),
    "key-004-nodes": log("cosmoflow", without("number_of_nodes")),
    "key-004-lamb": log("deepcam", without("opt_bias_correction")),
    "key-004-seed-of-deepcam": log("deepcam", without("seed")),
    "key-005": log("cosmoflow", twice("run_stop", value=1)),
    "key-007-boolean": log("cosmoflow", value("opt_base_learning_rate", True)),
    "key-007-fraction": log("cosmoflow", value("global_batch_size", 64.5)),
    "key-007-null": log("cosmoflow", value("train_samples", None)),
    "key-007-seed": log("openfold", value("seed", "3"), step=5760),
    "key-008": log("cosmoflow", metadata("epoch_start", epoch_num="1")),
    "key-009": log("cosmoflow", without("seed")),
    "key-010": log("cosmoflow", twice("global_batch_size")),
    "key-011.mllog.gz": gzip.compress(late_division(CONFIGURATION), mtime=0),
    "order-001-run-before-init": log("cosmoflow", swap("run_start", "init_start")),
    "order-001-staging": log("cosmoflow", after("init_start", event("staging_stop"))),
    "order-002-unbalanced": log("cosmoflow", without("epoch_stop", 1)),
    "order-002-swapped": log("cosmoflow", swap("epoch_start", "epoch_stop")),
    "order-002-staging": log("cosmoflow", after("init_start", event("staging_start"))),
    "order-003-after": log("cosmoflow", after("run_stop", *epoch(3, True, "eval_error", 0.11))),
    "order-003-metric-before": log("cosmoflow", swap("run_start", "eval_error")),
    "order-003-stopped-early": log("cosmoflow", stopped_early),
    "order-005": log("cosmoflow", metadata("epoch_start", 1, epoch_num=77)),
    "order-005-falling": log("openfold", metadata("epoch_start", 1, epoch_num=40), step=5760),
    "order-006": log("cosmoflow", metadata("eval_start", 1, epoch_num=1)),
    "time-001": log("cosmoflow", fields("epoch_stop", time_ms=1_600_000_000_000)),
    "time-003": log("cosmoflow", init_start_at(1_800_001)),
    "time-007": log("cosmoflow", after("epoch_start", {**THROUGHPUT, "value": 50.0})),
    "time-007-tracked": log("cosmoflow", after("epoch_start", event("tracked_stats", {"throughput": 50.0}, step=1))),
    "ranks-001": log("cosmoflow", value("number_of_ranks", 3)),
    "eval-003": log("cosmoflow", without("eval_start"), without("eval_error"), without("eval_stop")),
    "eval-004": log("cosmoflow", without("eval_error")),
    "quality-001": log("cosmoflow", value("eval_error", 0.125, 1)),
    "quality-001-deepcam": log("deepcam", value("eval_accuracy", 0.81, 1)),
    "target-001": log(
        "cosmoflow", swap("run_start", "eval_error"), value("eval_error", 0.1), value("eval_error", 0.2, 1)
    ),
    "target-002": log("cosmoflow", value("eval_error", 0.125, 1)),
    "target-003": log("cosmoflow", metadata("run_stop", status="aborted")),
}  # fmt: skip


SETS: dict[str, list[bytes]] = {
    "valid/near-set-001-one-run-twice": [log(), log("cosmoflow", value("seed", 4712)), log()],
    "invalid/set-001-one-seed": [
        log(),
        log("cosmoflow", value("seed", 4712)),
        log("cosmoflow", value("eval_error", 0.1238, 1)),
    ],
}
"""Sets of runs, by folder."""


def write_logs() -> None:
    """Write every log and every set."""
    for kind, logs in (("valid", VALID), ("invalid", INVALID)):
        (HERE / kind).mkdir(parents=True, exist_ok=True)
        for name, content in logs.items():
            (HERE / kind / (name if ".mllog" in name else f"{name}.mllog")).write_bytes(content)
    for folder, runs in SETS.items():
        (HERE / "sets" / folder).mkdir(parents=True, exist_ok=True)
        for number, content in enumerate(runs):
            (HERE / "sets" / folder / f"result_{number}.txt").write_bytes(content)


def write_expected() -> None:
    """Write what the checker says now of each invalid log and set about the rule in its name."""
    from compliance.cli import main

    for folder in sorted((HERE / "sets" / "invalid").glob("*/")):
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.chdir(HERE / "sets"):
            main(["check", f"invalid/{folder.name}"])
        found = [line for line in output.getvalue().splitlines() if " mlperf-set-001 " in line]
        folder.with_suffix(".expected.txt").write_text("".join(f"{line}\n" for line in found), encoding="utf-8")

    for path in sorted(path for path in (HERE / "invalid").iterdir() if path.suffix != ".txt"):
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.chdir(path.parent):
            main(["check", path.name, "--ruleset", "mlperf-hpc-3.0.0"])
        rule = "mlperf-" + "-".join(path.name.partition(".")[0].split("-")[:2])
        found = [line for line in output.getvalue().splitlines() if f" {rule} " in line]
        path.with_suffix(".expected.txt").write_text("".join(f"{line}\n" for line in found), encoding="utf-8")


if __name__ == "__main__":
    write_logs()
    if "--expected" in sys.argv[1:]:
        write_expected()

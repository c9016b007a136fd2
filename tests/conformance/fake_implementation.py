"""An implementation of the contract in the standard library alone: it trains nothing and keeps the protocol.

`--behave` makes it break the protocol in one chosen way. Like a third party's program, it uses no code of the suite.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path

PARAMETERS = 1_948_609
STEPS_PER_EPOCH = 5
QUALITY = (0.62, 0.80, 0.95, 0.96)
"""The metric after each epoch; the last value stays."""

BEHAVIOURS = (
    "ok", "miss", "crash", "hang", "ignore-term", "garbage", "refuse", "no-data", "slow", "orphan", "torn", "silent",
    "fill", "hopeless",
)  # fmt: skip


class Log:
    """Rank 0's event file."""

    def __init__(self, path: Path, rank: int) -> None:
        self.rank = rank
        self.folder = path.parent
        self.handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, event_type: str, key: str, value: object = None, **metadata: object) -> None:
        """One whole line in one write; beyond rank 0, only that a rank has started."""
        if self.rank != 0 and key != "init_start":
            return
        record = {
            "namespace": "",
            "time_ms": time.time_ns() // 1_000_000,
            "event_type": event_type,
            "key": key,
            "value": value,
            "metadata": {"file": "fake_implementation.py", "lineno": 1, "rank": self.rank, **metadata},
        }
        os.write(self.handle, (":::MLLOG " + json.dumps(record) + "\n").encode())

    def point(self, key: str, value: object = None, **metadata: object) -> None:
        """An event without duration."""
        self.write("POINT_IN_TIME", key, value, **metadata)

    def start(self, key: str, **metadata: object) -> None:
        """The start of an interval."""
        self.write("INTERVAL_START", key, None, **metadata)

    def stop(self, key: str, **metadata: object) -> None:
        """Its end."""
        self.write("INTERVAL_END", key, None, **metadata)


def main() -> int:
    """Behave as asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--behave", choices=BEHAVIOURS, default="ok")
    parser.add_argument("--step-s", type=float, default=0.01)
    parser.add_argument("--run-config", type=Path, required=True)
    options = parser.parse_args()
    run = json.loads(options.run_config.read_text(encoding="utf-8"))
    rank, size = place()
    stop = listen(options.behave)
    if options.behave == "refuse":
        return say("run.json: $.precision: expected fp32, found bf16 — choose another precision", 2)
    if options.behave == "no-data":
        return say(f"{run['data']['directory']}: expected scenes, found none — make the data set anew", 3)
    if options.behave == "silent":
        return 0
    log = Log(Path(run["output"]["events"]) / f"rank{rank:05d}.mllog", rank)
    initialise(log, run, size)
    if run["mode"] == "predict":
        predict(log, run)
    else:
        train(log, run, options, rank, stop)
    return 0


def predict(log: Log, run: dict) -> None:
    """Claim to have found something in every input."""
    log.start("run_start")
    scores = {"accuracy": 0.9, "f1": 0.8, "iou": 0.7, "rule": "guessed"}
    found = {
        "summary": "half of it is cloud",
        "files": {"mask": "000.mask.h5"},
        "scores": {
            "bayes": {"model": scores, "all_clear": {"accuracy": 0.5}},
            "summary": {"reason": "no valid pixel"},
        },
        "details": {},
    }
    document = {
        "run_id": run["run_id"],
        "model": {"checkpoint": run["resume_from"]},
        "timing": {
            "unit": "scenes", "items": 2, "warmup": 1, "throughput": 4.0,
            "latency_ms": {"p50": 250.0, "p90": 260.0, "p99": 260.0},
        },
        "predictions": [{"input": name, **found} for name in run["data"]["inputs"]],
    }  # fmt: skip
    Path(run["output"]["artifacts"], "predictions.json").write_text(json.dumps(document), encoding="utf-8")
    log.stop("run_stop", status="success")


def place() -> tuple[int, int]:
    """Rank and world size, from the launcher's variables."""
    for rank, size in (("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE")):
        if rank in os.environ:
            return int(os.environ[rank]), int(os.environ[size])
    return 0, 1


def listen(behave: str) -> list[int]:
    """Signals that have come; SIGUSR2 is the contract's, and TERM may be ignored on purpose."""
    came: list[int] = []
    if behave == "ignore-term":
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2):
            signal.signal(number, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGUSR2, lambda number, _frame: came.append(number))
    return came


def initialise(log: Log, run: dict, size: int) -> None:
    """The events before the clock starts."""
    log.start("init_start", host=os.uname().nodename)
    log.point("implementation", run["implementation"])
    log.point("framework", "none", version="0")
    log.point("number_of_ranks", size, hosts=count_hosts(log, size))
    log.point("device", "fake", kind="cpu")
    log.point("threads_per_rank", run["threads_per_rank"])
    for key in ("seed", "deterministic", "precision", "hyperparameters"):
        log.point(key, run[key])
    log.point("model_parameters", PARAMETERS)
    log.point("global_batch_size", run["hyperparameters"]["batch_size"])
    log.point("gradient_accumulation_steps", 1)
    log.point("train_samples", STEPS_PER_EPOCH * run["hyperparameters"]["batch_size"])
    log.point("eval_samples", 10)
    log.point("opt_name", "adam")
    log.point("opt_base_learning_rate", run["hyperparameters"]["learning_rate"])
    log.point("opt_learning_rate_warmup_steps", run["hyperparameters"]["warmup_steps"])
    log.point("opt_epsilon", run["hyperparameters"]["epsilon"])
    target = run["target"]
    log.point("quality_target", target["value"], metric=target["metric"], direction=target["direction"])
    log.stop("init_stop")


def count_hosts(log: Log, size: int) -> int:
    """Rank 0 waits for the first line of every rank, and counts where they run."""
    hosts: set[str] = set()
    for rank in range(size if log.rank == 0 else 0):
        path = log.folder / f"rank{rank:05d}.mllog"
        while not (path.exists() and b"\n" in path.read_bytes()):
            time.sleep(0.01)
        hosts.add(json.loads(path.read_text(encoding="utf-8").splitlines()[0][9:])["metadata"]["host"])
    return len(hosts)


def train(log: Log, run: dict, options: argparse.Namespace, rank: int, stop: list[int]) -> None:
    """The events from run_start to run_stop."""
    batch, metric = run["hyperparameters"]["batch_size"], run["target"]["metric"]
    samples = 0
    log.start("run_start")
    status, reason = "aborted", "target not reached"
    for epoch in range(1, run["limits"]["max_epochs"] + 1):
        log.start("epoch_start", epoch_num=epoch)
        started = time.monotonic()
        for step in range(1, STEPS_PER_EPOCH + 1):
            misbehave(log, options, rank, epoch, step)
            time.sleep(options.step_s)
            if (log.rank == 0 and step % run["log_every_steps"] == 0) or step == STEPS_PER_EPOCH:
                value = {"loss": 1 / (epoch * 10 + step), "throughput": step * batch / (time.monotonic() - started)}
                log.point("tracked_stats", value, epoch_num=epoch, step=step, steps_per_epoch=STEPS_PER_EPOCH)
            samples += batch
            if stop:
                log.stop("run_stop", status="aborted", reason="stopped on request (SIGUSR2)", samples_count=samples)
                return
        log.point("train_loss", 1 / epoch, epoch_num=epoch)
        log.point("throughput", STEPS_PER_EPOCH * batch / (time.monotonic() - started), epoch_num=epoch)
        log.stop("epoch_stop", epoch_num=epoch, samples_count=STEPS_PER_EPOCH * batch)
        quality = 0.5 if options.behave == "miss" else QUALITY[min(epoch, len(QUALITY)) - 1]
        evaluate(log, metric, quality, epoch)
        checkpoint(log, run, epoch, rank)
        if quality >= run["target"]["value"]:
            status, reason = "success", "target reached"
            break
    log.stop("run_stop", status=status, reason=reason, samples_count=samples)
    log.point("baseline", 0.55, name="all clear", metric=metric)
    if options.behave == "torn":
        os.write(log.handle, b':::MLLOG {"namespace": "", "time_ms": 17')


def evaluate(log: Log, metric: str, quality: float, epoch: int) -> None:
    """The events of one evaluation."""
    log.start("eval_start", epoch_num=epoch)
    log.point(f"eval_{metric}", quality, epoch_num=epoch)
    for other in ("balanced_accuracy", "f1", "iou"):
        log.point(f"eval_{other}", quality - 0.01, epoch_num=epoch)
    log.point("eval_loss", 1 - quality, epoch_num=epoch)
    log.stop("eval_stop", epoch_num=epoch, samples_count=10)


def checkpoint(log: Log, run: dict, epoch: int, rank: int) -> None:
    """A checkpoint, whole."""
    if rank != 0 or not run["checkpoint"]["every_epochs"]:
        return
    path = Path(run["output"]["checkpoints"]) / f"epoch-{epoch:04d}.npz"
    data = f"weights of epoch {epoch}".encode()
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(data)
    temporary.rename(path)
    digest = hashlib.sha256(data).hexdigest()
    log.point("checkpoint", f"checkpoints/{path.name}", epoch_num=epoch, sha256=digest)


def misbehave(log: Log, options: argparse.Namespace, rank: int, epoch: int, step: int) -> None:
    """Break the protocol at the second epoch's third step, in the way that was asked for, or at the very first."""
    if options.behave == "hopeless" and (epoch, step) == (1, 1):
        log.point("tracked_stats", {"loss": 1.0}, epoch_num=epoch, step=STEPS_PER_EPOCH + 1)
    if (epoch, step) != (2, 3):
        return
    if options.behave == "crash" and rank == 0:
        raise RuntimeError("the loss is not a number")
    if options.behave == "garbage":
        os.write(2, b"\xff\xfe\x00 broken \xc3( text\n" * 3)
        os._exit(9)
    if options.behave == "orphan" and os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
        os._exit(0)
    if options.behave == "fill":
        with Path(log.folder, "filler").open("wb") as file:
            while True:
                file.write(bytes(65536))
    if options.behave in ("hang", "ignore-term"):
        time.sleep(600)


def say(message: str, code: int) -> int:
    """A refusal: one line on stderr, and its exit code."""
    sys.stderr.write(message + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())

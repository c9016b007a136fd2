"""The story of a training, told once for every benchmark and both frameworks.

Initial state from rank 0 → epochs of steps → an evaluation after each → stop at the target, at a limit or on request
→ a checkpoint after each epoch, from which a later run continues.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from . import checkpoints, sharding
from .backend import Backend, Batch, Task
from .checkpoints import Checkpoint, Progress
from .lifecycle import EventLog
from .meter import Meter
from .readahead import ReadAhead
from .runconfig import RunConfig
from .sharding import Indices
from .stop import StopRequest

ANOTHER = "another rank asked to stop"
SAME = "use the settings of the run that wrote it"


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a training ended."""

    reached: bool = False
    """Whether the target was reached."""

    reason: str | None = None
    """Why it ended without the target."""

    sound: bool = True
    """Whether the weights are worth a checkpoint."""


class Training:
    """One training of one task on all ranks."""

    def __init__(self, *, run: RunConfig, task: Task, backend: Backend, log: EventLog, stop: StopRequest) -> None:
        self._run, self._task, self._backend, self._log, self._stop = run, task, backend, log, stop
        self._ranks = backend.facts.ranks
        self._schedule = task.optimiser(self._ranks).schedule
        self.progress = Progress(steps_per_epoch=math.ceil(task.train_count / task.batch_size))
        self.best: float | None = None

    def prepare(self) -> None:
        """Give all ranks the same state: the initial weights, or those of the checkpoint that the run starts from.

        Raises:
            DataError: the checkpoint is missing or broken.
            Refused: it belongs to another run configuration.
        """
        self._backend.load_state({f"weights/{name}": array for name, array in self._task.initial_weights().items()})
        if self._run.resume_from is not None:
            self._resume(checkpoints.load(self._run.resume_from))
        self._backend.broadcast_state()

    def use(self, task: Task) -> None:
        """Go on with the same task over another copy of its data."""
        self._task = task

    def train(self) -> Ending:
        """Train until the target, a limit or a request ends it.

        One reader serves all epochs, so that the first batches of an epoch are read while the last one is evaluated.
        """
        with ReadAhead(self._shares(self.progress), lambda share: self._task.train_batch(*share)) as read:
            while True:
                ending = self._train_epoch(read)
                if ending:
                    self._save(due=ending.sound)
                    return ending
                metrics = self.evaluate()
                ending = self._ending(metrics[self._run.target.metric])
                self._save(due=self._is_due() or (ending is not None and not ending.reached))
                if ending:
                    return ending
                self.progress = replace(self.progress, epoch=self.progress.epoch + 1, step=0)

    def evaluate(self) -> dict[str, float]:
        """Score every evaluation sample once, spread over the ranks, and log the metrics."""
        task, epoch = self._task, self.progress.epoch
        everything = np.arange(task.eval_count, dtype=np.int64)
        mine = sharding.share(everything, rank=self._backend.rank, size=self._ranks)
        totals = task.no_statistics()
        with self._log.interval("eval", epoch_num=epoch) as interval:
            with ReadAhead(sharding.batches(mine, max(1, task.batch_size // self._ranks)), task.eval_batch) as read:
                for batch in read:
                    part = task.score(self._backend.forward(batch), batch)
                    totals = {name: totals[name] + part[name] for name in totals}
            totals = {name: self._backend.allreduce_sum(array, f"eval/{name}") for name, array in totals.items()}
            metrics = task.metrics(totals)
            for name in task.metric_names:
                self._log.point(f"eval_{name}", metrics[name], {"epoch_num": epoch})
            interval.stop["samples_count"] = task.eval_count
        self.best = self._run.target.better(self.best, metrics[self._run.target.metric])
        return metrics

    def _batches(self, epoch: int, step: int) -> list[Indices]:
        """Return the global batches of an epoch from a step on, the first being 0."""
        order = sharding.permutation(self._task.train_count, seed=self._run.seed, epoch=epoch)
        return sharding.batches(order, self._task.batch_size)[step:]

    def _shares(self, start: Progress) -> Iterator[tuple[Indices, int]]:
        """Yield this rank's share of each batch, and its epoch, from a place in the training to the last epoch."""
        for epoch in range(start.epoch, self._run.limits.max_epochs + 1):
            for batch in self._batches(epoch, start.step if epoch == start.epoch else 0):
                yield sharding.share(batch, rank=self._backend.rank, size=self._ranks), epoch

    def _train_epoch(self, read: ReadAhead[tuple[Indices, int], Batch]) -> Ending | None:
        """Do the steps that are left of the epoch; return an ending where training cannot or should not go on."""
        epoch, ending, before_s = self.progress.epoch, None, read.waited_s
        with self._log.interval("epoch", epoch_num=epoch) as interval:
            meter = Meter(
                log=self._log,
                epoch=epoch,
                steps_per_epoch=self.progress.steps_per_epoch,
                every_steps=self._run.log_every_steps,
            )
            # Batches of the next epoch follow in `read`: strict would take the first of them.
            for indices, batch in zip(self._batches(epoch, self.progress.step), read, strict=False):
                ending = self._train_step(batch, len(indices), meter)
                if ending:
                    break
            waits_s = np.zeros(self._ranks)
            waits_s[self._backend.rank] = read.waited_s - before_s
            meter.finish(self._backend.allreduce_sum(waits_s, "data_wait"))
            interval.stop["samples_count"] = meter.samples
        return ending

    def _train_step(self, batch: Batch, count: int, meter: Meter) -> Ending | None:
        result = self._backend.train_step(
            batch,
            count=count,
            learning_rate=self._schedule.at(self.progress.steps),
            wish_to_stop=self._stop.reason is not None,
        )
        self.progress = replace(self.progress, step=self.progress.step + 1, samples=self.progress.samples + count)
        if not math.isfinite(result.loss):
            where = f"epoch {self.progress.epoch}, step {self.progress.step}"
            return Ending(reason=f"the loss is no longer finite in {where}", sound=False)
        meter.add(result.loss, count, self.progress.step)
        if result.stop_wishes:
            return Ending(reason=self._stop.reason or ANOTHER)
        return None

    def _ending(self, quality: float) -> Ending | None:
        """Decide after an evaluation, alike on all ranks, whether training ends here."""
        wishes = self._backend.allreduce_sum(np.array([self._stop.reason is not None], np.int64), "stop")
        if self._run.target.reached(quality):
            return Ending(reached=True)
        if wishes[0]:
            return Ending(reason=self._stop.reason or ANOTHER)
        if self.progress.epoch >= self._run.limits.max_epochs:
            return Ending(reason=f"target not reached in {self.progress.epoch} epochs")
        return None

    def _is_due(self) -> bool:
        every = self._run.checkpoint.every_epochs
        return every > 0 and self.progress.epoch % every == 0

    def _save(self, *, due: bool) -> None:
        policy = self._run.checkpoint
        if not due or policy.every_epochs == 0 or self._backend.rank != 0:
            return
        checkpoint = Checkpoint(state=self._backend.state(), progress=self.progress, about=self._about())
        written = checkpoints.save(self._run.output.checkpoints, checkpoint, keep=policy.keep)
        metadata = {"epoch_num": self.progress.epoch, "sha256": written.sha256}
        self._log.point("checkpoint", f"{written.path.parent.name}/{written.path.name}", metadata)

    def _about(self) -> dict[str, object]:
        run = self._run
        names = ("run_id", "benchmark", "implementation", "seed", "precision", "hyperparameters")
        return {name: getattr(run, name) for name in names} | {"memory": self._task.memory}

    def _resume(self, checkpoint: Checkpoint) -> None:
        """Continue from a checkpoint: alike on all ranks, since all of them read it and all may refuse it."""
        self._check_owner(checkpoint)
        progress = checkpoint.progress
        if self._run.mode == "train":
            progress = self._next(progress)
            self._log.point("resumed_from_epoch", checkpoint.progress.epoch, {"run_id": checkpoint.about["run_id"]})
        if self._run.mode == "predict":
            self._task.memory = checkpoint.about.get("memory", {})
        self._backend.load_state(checkpoint.state)
        self.progress = progress

    def _check_owner(self, checkpoint: Checkpoint) -> None:
        run, about = self._run, checkpoint.about
        training = run.mode == "train"
        for name in ("benchmark", "seed") if training else ("benchmark",):
            if about.get(name) != getattr(run, name):
                run.refuse(f"$.{name}", f"{about.get(name)}, as in the checkpoint", getattr(run, name), SAME)
        theirs = about.get("hyperparameters", {})
        for name, found in run.hyperparameters.items():
            if theirs.get(name) != found and (training or name in self._task.model_options):
                run.refuse(f"$.hyperparameters.{name}", f"{theirs.get(name)}, as in the checkpoint", found, SAME)

    def _next(self, progress: Progress) -> Progress:
        """Return where a training that got so far goes on."""
        if progress.steps_per_epoch != self.progress.steps_per_epoch:
            expected = f"a data set of {progress.steps_per_epoch} steps in an epoch, as in the checkpoint"
            self._run.refuse("$.data.directory", expected, self.progress.steps_per_epoch, "use the same data set")
        if progress.epoch_is_done:
            progress = replace(progress, epoch=progress.epoch + 1, step=0)
        limit = self._run.limits.max_epochs
        if progress.epoch > limit:
            expected = f"at least {progress.epoch}, since the checkpoint has done the others"
            self._run.refuse("$.limits.max_epochs", expected, limit, "raise it")
        return progress

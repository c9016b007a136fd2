"""Whole scenes through the model: one scene stitched from windows, and all test scenes as a timed phase."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reference.runtime import sharding
from reference.runtime.backend import Backend
from reference.runtime.latency import Latency, gather, summarise
from reference.runtime.lifecycle import EventLog

from . import metrics
from .scene import Bool, Scene
from .tiles import cut, inference_windows, stitch

if TYPE_CHECKING:
    from .task import CloudTask

WARMUP = 1
"""Scenes that a rank computes before its clock starts."""


@dataclass(frozen=True, kw_only=True)
class CloudMask:
    """What the model says of a scene."""

    probability: NDArray[np.float32]
    """Probability of cloud."""

    mask: Bool
    """Where the probability reaches the threshold."""

    windows: int
    """Windows that the model computed."""


def predict_scene(scene: Scene, task: CloudTask, backend: Backend) -> CloudMask:
    """Compute the scene's windows in batches and put their inner parts together."""
    images_HWC = scene.images(0, 0, scene.rows, scene.columns, kind=task.normalisation)
    corners = inference_windows(scene.rows, scene.columns)
    logits = []
    for start in range(0, len(corners), task.batch_size):
        windows = np.stack([cut(images_HWC, corner) for corner in corners[start : start + task.batch_size]])
        logits.append(backend.forward({"images_NHWC": windows}))
    whole = stitch(np.concatenate(logits), scene.rows, scene.columns)
    mask = whole >= metrics.logit(task.options.threshold)
    return CloudMask(probability=metrics.probability(whole), mask=mask, windows=len(corners))


def infer(task: CloudTask, backend: Backend, log: EventLog) -> None:
    """Compute every test scene once, whole scenes shared out over the ranks; log speed and quality.

    A scene's time runs from its file to its mask: opening, reading, normalising, all windows, stitching. Comparing the
    mask with the label is part of the phase, and of no scene's time. All ranks call it; one without a scene only adds
    zeros.

    Raises:
        DataError: a scene cannot be read.
    """
    scenes = task.test_scenes
    mine = sharding.share(np.arange(len(scenes)), rank=backend.rank, size=backend.facts.ranks)
    latency, counts = Latency(), np.zeros(4, np.int64)
    with log.interval("inference") as interval:
        for index in mine[:WARMUP]:
            _compute(scenes[index], task, backend)
        for index in mine:
            found = latency.timed(partial(_compute, scenes[index], task, backend))
            counts += _compare(found.mask, scenes[index], task.options.labels)
        summary = summarise(gather(latency.seconds, count=len(scenes), backend=backend), unit="scenes", warmup=WARMUP)
        confusion = metrics.confusion(backend.allreduce_sum(counts, "inference/confusion"))
        log.point("inference_throughput", summary["throughput"], {"unit": f"{summary['unit']}/s"})
        log.point("inference_latency_ms", summary["latency_ms"], {"warmup": summary["warmup"]})
        for name, value in confusion.as_scores().items():
            log.point("inference_quality", value, {"metric": name})
        interval.stop["samples_count"] = len(scenes)


def _compute(scene: Scene, task: CloudTask, backend: Backend) -> CloudMask:
    """Predict from the scene's file, and not from what evaluations have measured of it."""
    return predict_scene(Scene(scene.path, channels=task.options.channels), task, backend)


def _compare(mask: Bool, scene: Scene, plane: str) -> NDArray[np.int64]:
    """Count the valid pixels of a whole scene by prediction and label."""
    whole = (0, 0, scene.rows, scene.columns)
    return metrics.count(mask, scene.label(plane, *whole), scene.valid(plane, *whole))

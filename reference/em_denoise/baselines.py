"""What comes without training: leaving the noise as it is, the mean image, and classical filters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from reference.runtime import sharding
from reference.runtime.backend import Backend, Baseline

from . import metrics

if TYPE_CHECKING:
    from .task import DenoiseTask

FROM_MANIFEST = {
    "gaussian_filter": "Gaussian filter of 1.5 pixels, levelled; scored when the data set was made",
    "non_local_means": "non-local means (scikit-image), levelled; scored when the data set was made",
}


def baselines(task: DenoiseTask, backend: Backend) -> Iterator[Baseline]:
    """Score the baselines on all test images, spread over the ranks; every rank yields the same."""
    everything = np.arange(task.eval_count, dtype=np.int64)
    mine = sharding.share(everything, rank=backend.rank, size=backend.facts.ranks)
    totals = np.zeros((2, 4))
    for part in sharding.batches(mine, 4):
        batch = task.eval_batch(part)
        noisy, clean = (task.scale.restore(batch[name][..., 0]) for name in ("noisy_NHWC", "clean_NHWC"))
        mean = np.full_like(clean, task.scale.mean)
        totals += [metrics.sums(image, clean, task.scale.data_range) for image in (noisy, mean)]
    totals = backend.allreduce_sum(totals, "baselines")
    for name, text, row in zip(
        ("identity", "mean"), ("the noisy image, as it enters the network", "one grey value"), totals, strict=True
    ):
        yield Baseline(name=name, metric="psnr", value=metrics.means(row)["psnr"], text=text)
    for name, text in FROM_MANIFEST.items():
        known = task.statistics.get("baselines", {}).get(name, {}).get("psnr")
        if known is not None:
            yield Baseline(name=name, metric="psnr", value=float(known), text=text, kind="classical")

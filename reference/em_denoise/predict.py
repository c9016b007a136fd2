"""Mode predict: files of images through the model; denoised images, pictures and scores out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from logging_spec.whole import whole_file
from reference.runtime.backend import Backend
from reference.runtime.latency import Latency
from reference.runtime.predicting import Prediction, predict_inputs
from reference.runtime.runconfig import RunConfig

from . import classical, facts, metrics, micrographs
from .inputs import Input, read
from .noise import noise_level
from .picture import draw
from .task import DenoiseTask

Images = NDArray[np.float32]


def predict(run: RunConfig, task: DenoiseTask, backend: Backend) -> None:
    """Denoise every input file, spread over the ranks.

    Raises:
        DataError: an input cannot be read.
    """
    if not run.data.inputs:
        run.refuse("$.data.inputs", "at least one file, in mode predict", "none", "name the files to denoise")

    def one(index: int, path: Path, latency: Latency) -> Prediction:
        found = read(path, task.scale)
        if not latency.seconds:
            denoise(found.noisy[0], task, backend)
        denoised = np.stack([latency.timed(lambda noisy=noisy: denoise(noisy, task, backend)) for noisy in found.noisy])
        return _report(path, found, denoised, run.output.artifacts / f"{index:03d}-{path.stem}", task)

    predict_inputs(run, backend, one, model={"model": task.options.model}, unit="images", warmup=1)


def denoise(noisy_HW: Images, task: DenoiseTask, backend: Backend) -> Images:
    """Denoise one image of any size, in the data set's units: padded by reflection, computed whole, cut."""
    rows, columns = noisy_HW.shape
    extra = [(0, -size % facts.DIVISIBLE_BY) for size in (rows, columns)]
    image = task.scale.normalise(np.pad(task.even(noisy_HW), extra, mode="reflect"))
    batch: dict[str, NDArray[Any]] = {"noisy_NHWC": image[None, :, :, None]}
    if task.options.model in facts.NEEDS_NOISE_LEVEL:
        batch["noise_level_N"] = np.array([noise_level(image)], np.float32)
    if task.options.model in facts.NEEDS_CLASS:
        batch["class_NK"] = np.full((1, len(facts.CLASSES)), 1 / len(facts.CLASSES), np.float32)
    return task.scale.restore(backend.forward(batch)[0, :rows, :columns])


def _report(path: Path, found: Input, denoised: Images, stem: Path, task: DenoiseTask) -> Prediction:
    """Write the denoised images and a picture of the first, and score them where the clean ones are known."""
    images_file, picture_file = (stem.with_name(stem.name + ending) for ending in (".denoised.h5", ".png"))
    with whole_file(images_file) as file, h5py.File(file, "w") as target:
        target.create_dataset(facts.KEY, data=denoised[..., None])
        target.attrs["source"] = path.name
    with whole_file(picture_file) as file:
        clean = None if found.clean is None else found.clean[0]
        taken_away = task.even(found.noisy[0]) - denoised[0]
        draw(found.noisy[0], denoised[0], taken_away, clean).save(file, format="PNG", optimize=True)
    scores, said = _scores(found, denoised, task), f"{len(denoised)} image{'s' if len(denoised) > 1 else ''}"
    psnr = scores.get("clean", {}).get("model", {}).get("psnr")
    return Prediction(
        input=str(path),
        summary=f"{said} denoised" + ("" if psnr is None else f", PSNR {psnr:.2f} dB"),
        files={"images": images_file.name, "picture": picture_file.name},
        scores=scores,
        details={"brought": found.brought, "rows": denoised.shape[1], "columns": denoised.shape[2]},
    )


def _scores(found: Input, denoised: Images, task: DenoiseTask) -> dict[str, Any]:
    """Score against the clean images, or, the first image only, by what can be measured without any."""
    if found.clean is not None:
        data_range = task.scale.data_range
        methods = {"model": denoised, "identity": found.noisy}
        return {"clean": {name: metrics.means(metrics.sums(i, found.clean, data_range)) for name, i in methods.items()}}
    noisy = task.even(found.noisy[0])
    methods = {"model": denoised[0], **classical.filtered(noisy)}
    return {"no truth": {name: micrographs.measure(noisy, image) for name, image in methods.items()}}

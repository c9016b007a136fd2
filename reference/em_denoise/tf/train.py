"""What the denoising benchmark adds to the steps of `runtime/tf.py`."""

from __future__ import annotations

import tensorflow as tf

from logging_spec.ranks import Ranks
from reference.em_denoise.models import MODELS
from reference.em_denoise.task import DenoiseTask
from reference.runtime.runconfig import RunConfig
from reference.runtime.tf import Recipe, TensorFlowBackend, Tensors

from .class_aware import ClassAware
from .dncnn import DnCNN
from .ffdnet import FFDNet
from .msdnet import MSDNet
from .multiscale import Multiscale
from .rednet import REDNet
from .unet import UNet

NETWORKS = {
    "unet": UNet,
    "dncnn": DnCNN,
    "ffdnet": FFDNet,
    "rednet": REDNet,
    "msdnet": MSDNet,
    "multiscale": Multiscale,
    "class_aware": ClassAware,
}


def loss(denoised_NHW: tf.Tensor, batch: Tensors) -> tf.Tensor:
    """Sum the samples' mean squared errors; see `metrics.sample_losses`."""
    return tf.reduce_sum(tf.reduce_mean(tf.square(denoised_NHW - batch["clean_NHWC"][..., 0]), (1, 2)))


def make_backend(run: RunConfig, task: DenoiseTask, place: Ranks) -> TensorFlowBackend:
    """Build the backend of this benchmark."""
    name = task.options.model
    recipe = Recipe(
        network=lambda: NETWORKS[name](MODELS[name].LAYERS), loss=loss, optimiser=task.optimiser(place.size)
    )
    return TensorFlowBackend(run, place, recipe)

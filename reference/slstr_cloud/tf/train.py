"""What the cloud benchmark adds to the steps of `runtime/tf.py`."""

from __future__ import annotations

import tensorflow as tf

from logging_spec.ranks import Ranks
from reference.runtime.runconfig import RunConfig
from reference.runtime.tf import Recipe, TensorFlowBackend, Tensors
from reference.slstr_cloud.model import layers
from reference.slstr_cloud.task import CloudTask

from .model import UNet


def loss(logits_NHW: tf.Tensor, batch: Tensors) -> tf.Tensor:
    """Sum the samples' binary cross-entropies, each the mean over its valid pixels; see `metrics.sample_losses`."""
    label, valid = tf.cast(batch["label_NHW"], tf.float32), tf.cast(batch["valid_NHW"], tf.float32)
    pixels = tf.nn.sigmoid_cross_entropy_with_logits(labels=label, logits=logits_NHW) * valid
    return tf.reduce_sum(tf.reduce_sum(pixels, (1, 2)) / tf.maximum(tf.reduce_sum(valid, (1, 2)), 1.0))


def make_backend(run: RunConfig, task: CloudTask, place: Ranks) -> TensorFlowBackend:
    """Build the backend of this benchmark."""
    recipe = Recipe(
        network=lambda: UNet(layers(len(task.channels))),
        loss=loss,
        optimiser=task.optimiser(place.size),
    )
    return TensorFlowBackend(run, place, recipe)

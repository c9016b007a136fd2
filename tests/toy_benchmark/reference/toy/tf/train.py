"""What the toy benchmark adds to the steps of `runtime/tf.py`."""

from __future__ import annotations

import tensorflow as tf
from reference.toy.model import LAYERS
from reference.toy.task import ToyTask

from logging_spec.ranks import Ranks
from reference.runtime.runconfig import RunConfig
from reference.runtime.tf import Recipe, TensorFlowBackend, Tensors

from .model import Sides


def loss(logits_N: tf.Tensor, batch: Tensors) -> tf.Tensor:
    """Sum the points' binary cross-entropies; see `metrics.sample_losses`."""
    label_N = tf.cast(batch["label_N"], tf.float32)
    return tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=label_N, logits=logits_N))


def make_backend(run: RunConfig, task: ToyTask, place: Ranks) -> TensorFlowBackend:
    """Build the backend of this benchmark."""
    recipe = Recipe(network=lambda: Sides(LAYERS), loss=loss, optimiser=task.optimiser(place.size))
    return TensorFlowBackend(run, place, recipe)

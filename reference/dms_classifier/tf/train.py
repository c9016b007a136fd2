"""What the phase benchmark adds to the steps of `runtime/tf.py`."""

from __future__ import annotations

import tensorflow as tf

from logging_spec.ranks import Ranks
from reference.dms_classifier.models import MODELS
from reference.dms_classifier.task import PhaseTask
from reference.runtime.runconfig import RunConfig
from reference.runtime.tf import Recipe, TensorFlowBackend, Tensors

from .cnn import CNN
from .dmsnet import DMSNet

NETWORKS = {"cnn": CNN, "dmsnet": DMSNet}


def loss(logits_N: tf.Tensor, batch: Tensors) -> tf.Tensor:
    """Sum the samples' cross-entropies; see `metrics.sample_losses`."""
    labels = tf.cast(batch["labels_N"], tf.float32)
    return tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits_N))


def make_backend(run: RunConfig, task: PhaseTask, place: Ranks) -> TensorFlowBackend:
    """Build the backend of this benchmark."""
    name = task.options.model
    recipe = Recipe(
        network=lambda: NETWORKS[name](MODELS[name].LAYERS), loss=loss, optimiser=task.optimiser(place.size)
    )
    return TensorFlowBackend(run, place, recipe)

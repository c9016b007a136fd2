"""What the cloud benchmark adds to the steps of `runtime/tf.py`."""

from __future__ import annotations

import tensorflow as tf

from logging_spec.ranks import Ranks
from reference.runtime.runconfig import RunConfig
from reference.runtime.tf import Recipe, TensorFlowBackend, Tensors
from reference.slstr_cloud.facts import PARAMETERS
from reference.slstr_cloud.task import CloudTask

from .model import UNet
from .weights import variables


def forward(model: UNet, batch: Tensors) -> tf.Tensor:
    """Compute logits_NHW."""
    return model(batch["images_NHWC"])


def loss(logits_NHW: tf.Tensor, batch: Tensors) -> tf.Tensor:
    """Sum the samples' binary cross-entropies, each the mean over its valid pixels; see `metrics.sample_losses`."""
    label, valid = tf.cast(batch["label_NHW"], tf.float32), tf.cast(batch["valid_NHW"], tf.float32)
    pixels = tf.nn.sigmoid_cross_entropy_with_logits(labels=label, logits=logits_NHW) * valid
    return tf.reduce_sum(tf.reduce_sum(pixels, (1, 2)) / tf.maximum(tf.reduce_sum(valid, (1, 2)), 1.0))


def build_model(channels: str, inputs: int) -> UNet:
    """Build the U-Net and hold its size against the published one."""
    model = UNet(inputs)
    parameters = sum(int(tf.size(weight)) for weight in variables(model).values())
    assert parameters == PARAMETERS[channels], f"expected {PARAMETERS[channels]} parameters, found {parameters}"
    return model


def make_backend(run: RunConfig, task: CloudTask, place: Ranks) -> TensorFlowBackend:
    """Build the backend of this benchmark."""
    recipe = Recipe(
        model=lambda: build_model(task.options.channels, len(task.channels)),
        variables=variables,
        forward=forward,
        loss=loss,
        optimiser=task.optimiser(place.size),
    )
    return TensorFlowBackend(run, place, recipe)

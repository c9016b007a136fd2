"""`predict NAME --model RUN_OR_CHECKPOINT INPUT…`.

`--model` names what was trained. Which of a benchmark's models that is, its run.json says; for a checkpoint without
one there is `--hyper-model`. The same holds for any hyperparameter whose option a prediction has for itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import rich_click as click

from harness import registry
from harness.commands.options import HYPERPARAMETER, SETTING, given, hyperparameter_option, setting_option
from harness.settings import BY_NAME

_SETTINGS = ("implementation", "scale", "precision", "seed", "deterministic", "output_dir", "stall_seconds")
CLASHING = "--hyper-"
"""Beginning of a hyperparameter's option where a prediction's own option has its name."""

_NAME = "harness.commands.predict.name"


class PredictCommand(click.RichCommand):
    """A prediction's command: with a benchmark's name among the words, its hyperparameters are options as well."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Find the benchmark first, because it decides which options there are."""
        known = registry.names()
        ctx.meta[_NAME] = next((name for word in args if (name := registry.normalise(word)) in known), None)
        return super().parse_args(ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Options of the prediction, and of its benchmark."""
        name = ctx.meta.get(_NAME)
        schemas = registry.load(name).hyperparameters if name else {}
        plain = super().get_params(ctx)
        taken = {option for parameter in plain for option in parameter.opts}
        return [*plain[:-1], *(_hyperparameter(key, schema, taken) for key, schema in schemas.items()), plain[-1]]


def _hyperparameter(name: str, schema: Mapping[str, Any], taken: Collection[str]) -> click.Option:
    option = hyperparameter_option(name, schema, "as trained")
    option.opts = [f"{CLASHING}{text.removeprefix('--')}" if text in taken else text for text in option.opts]
    return option


def _predict(**parameters: Any) -> int:
    from harness import streams
    from harness.predict import PredictRequest, predict

    request = PredictRequest(
        benchmark=registry.load(parameters["name"]).name,
        model=parameters["model"],
        inputs=parameters["inputs"],
        given=given(parameters, SETTING),
        hyperparameters=given(parameters, HYPERPARAMETER),
        quiet=parameters["quiet"],
    )
    with streams.lasting():
        return predict(request)


command = PredictCommand(
    name="predict",
    params=[
        click.RichArgument(["name"], metavar="BENCHMARK"),
        click.RichArgument(["inputs"], nargs=-1, required=True, type=click.Path(path_type=Path), metavar="INPUT…"),
        click.RichOption(["model", "--model", "--run"], required=True, type=click.Path(path_type=Path),
                         metavar="RUN|CHECKPOINT",
                         help="Run directory, whose newest whole checkpoint is taken, or a checkpoint file."),
        *[setting_option(BY_NAME[name]) for name in _SETTINGS],
        click.RichOption(["quiet", "-q", "--quiet"], is_flag=True, help="Say nothing but the result."),
    ],
    callback=_predict,
    help="Predict with a trained model. INPUT is a file that the benchmark reads, or a folder of such or of a product; "
    "slstr_cloud converts SEN3 products, folders or zips.",
)  # fmt: skip

"""Options made from schemas: those of a run from harness/settings.py, those of a benchmark from its benchmark.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import rich_click as click

from harness.settings import SETTINGS, Setting

SETTING, HYPERPARAMETER = "setting__", "hyperparameter__"
"""Beginnings of the names under which click hands values over."""


def setting_option(setting: Setting) -> click.Option:
    """The option of a setting. It has no default: what was not given is left to the file and the benchmark."""
    names = [f"{SETTING}{setting.name}", setting.flag] + ([setting.short] if setting.short else [])
    default = setting.shown_default or ("" if setting.default is None else _shown(setting.default))
    return _option(names, setting.schema, setting.text, default, setting.metavar, panel="Run")


def hyperparameter_option(name: str, schema: Mapping[str, Any], default: Any) -> click.Option:
    """The option of a hyperparameter, with the default that its scale or its schema gives it."""
    names = [f"{HYPERPARAMETER}{name}", f"--{name.replace('_', '-')}"]
    return _option(names, schema, str(schema.get("description", "")), _shown(default), "", panel="Hyperparameters")


def setting_options() -> list[click.Option]:
    """Options of all settings."""
    return [setting_option(setting) for setting in SETTINGS]


def given(parameters: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """What the user gave under names that begin with `prefix`."""
    return {
        name.removeprefix(prefix): value
        for name, value in parameters.items()
        if name.startswith(prefix) and value is not None
    }


def _option(
    names: list[str], schema: Mapping[str, Any], text: str, default: str, metavar: str, *, panel: str
) -> click.Option:
    if schema.get("type") == "boolean":
        names[1] = f"{names[1]}/--no-{names[1].removeprefix('--')}"
    return click.RichOption(
        names,
        type=_type(schema),
        default=None,
        help=f"{text} [default: {default}]" if default else text,
        metavar=metavar or None,
        panel=panel,
    )


def _type(schema: Mapping[str, Any]) -> click.ParamType[Any] | type:
    if "enum" in schema:
        return click.Choice([str(value) for value in schema["enum"]])
    low, high = schema.get("minimum"), schema.get("maximum")
    open_low, open_high = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    bounds: dict[str, Any] = {
        "min": open_low if low is None else low,
        "max": open_high if high is None else high,
        "min_open": low is None and open_low is not None,
        "max_open": high is None and open_high is not None,
    }
    bounded = bounds["min"] is not None or bounds["max"] is not None
    if schema.get("type") == "integer":
        return click.IntRange(**bounds) if bounded else int
    if schema.get("type") == "number":
        return click.FloatRange(**bounds) if bounded else float
    return bool if schema.get("type") == "boolean" else str


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

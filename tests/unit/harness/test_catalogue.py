"""`list` and `describe`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from harness import registry
from harness.commands.catalogue import describe_command, list_command


@pytest.fixture
def say(monkeypatch):
    """Run a command in a wide terminal; returns what it said."""
    monkeypatch.setenv("COLUMNS", "200")

    def said(command, *words):
        done = CliRunner().invoke(command, words)
        assert done.exit_code == 0, done.output
        return done.output

    return said


def test_the_list_names_every_benchmark_and_its_default_model(say):
    shown = say(list_command)
    for name in registry.names():
        assert name in shown
        assert registry.load(name).title in shown
    assert "unet and 6 more" in shown


def test_the_list_is_to_be_had_as_json(say):
    found = {entry["name"]: entry for entry in json.loads(say(list_command, "--json"))}
    assert list(found) == registry.names()
    assert found["dms_classifier"]["models"] == ["cnn", "dmsnet"]
    assert found["em_denoise"]["metric"] == "psnr"
    assert found["slstr_cloud"]["default_model"] is None


def test_a_description_has_every_model_with_its_paper_and_targets(say):
    shown = " ".join(say(describe_command, "em_denoise").split())
    entry = registry.load("em_denoise")
    assert "unet (default) 122,737" in shown
    for name, model in entry.models.items():
        assert f"{model.parameters:,} {model.title} {model.source}" in shown
        scale = entry.scale_of("small", name)
        assert f"{scale.target:g} ({scale.max_epochs})" in shown
    assert "the larger, the better" in shown


def test_a_description_says_where_a_default_differs(say):
    shown = " ".join(say(describe_command, "em_denoise").split())
    assert "crop 256 " in shown
    assert "dncnn 40" in shown


def test_a_benchmark_of_one_model_has_no_table_of_models(say):
    assert "target of" not in say(describe_command, "slstr_cloud")


def test_a_description_is_to_be_had_as_json(say):
    assert json.loads(say(describe_command, "slstr_cloud", "--json"))["name"] == "slstr_cloud"

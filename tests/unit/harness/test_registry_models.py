"""Models of a benchmark: their defaults, and what benchmark.json may not say of them."""

from __future__ import annotations

import copy
import json

import pytest

from harness import registry
from harness.errors import ConfigError

RECORD = json.loads((registry.ROOT / "reference" / "em_denoise" / "benchmark.json").read_text(encoding="utf-8"))


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Load em_denoise as a benchmark outside the checkout, with members of its record replaced by path."""

    def loaded(**changes):
        record = copy.deepcopy(RECORD) | {"name": "mine"}
        for path, value in changes.items():
            *parents, last = path.split("__")
            part = record
            for parent in parents:
                part = part.setdefault(parent, {})
            part[last] = value
        folder = tmp_path / "reference" / "mine"
        folder.mkdir(parents=True)
        (folder / "benchmark.json").write_text(json.dumps(record), encoding="utf-8")
        monkeypatch.setenv("SCIML_BENCH_PATH", str(tmp_path))
        return registry.load("mine")

    return loaded


def test_a_model_goes_over_its_scale_and_its_own_scale_over_both(load):
    benchmark = load(
        scales__tiny__hyperparameters={"crop": 64, "batch_size": 2, "warmup_steps": 3},
        models__dncnn__hyperparameters={"crop": 40, "batch_size": 4},
        models__dncnn__scales={"tiny": {"max_epochs": 7, "hyperparameters": {"batch_size": 8}}},
    )
    scale = benchmark.scale_of("tiny", "dncnn")
    assert scale.hyperparameters == {"crop": 40, "batch_size": 8, "warmup_steps": 3}
    assert scale.max_epochs == 7
    assert scale.target == benchmark.scales["tiny"].target
    assert benchmark.scale_of("tiny", "unet").hyperparameters["crop"] == 64
    assert benchmark.scale_of("tiny", None) == benchmark.scales["tiny"]


def test_the_default_model_is_that_of_the_hyperparameter(load):
    assert load(hyperparameters__model__default="ffdnet").default_model == "ffdnet"
    assert registry.load("slstr_cloud").default_model is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hyperparameters__model__enum": ["unet"]},
         r"\$\.hyperparameters\.model\.enum: expected the models class_aware, dncnn, .*, found unet"),
        ({"scales": {"tiny": RECORD["scales"]["tiny"]}, "models__unet__scales": {"full": {}}},
         r"\$\.models\.unet\.scales: expected scales, found full — known: tiny"),
        ({"models__unet__hyperparameters": {"krop": 40}},
         r"\$\.models\.unet: expected hyperparameters, found krop — did you mean crop\?"),
        ({"models__unet__scales": {"tiny": {"hyperparameters": {"krop": 40}}}},
         r"\$\.models\.unet\.scales\.tiny: expected hyperparameters, found krop"),
        ({"models__unet__hyperparameters": {"crop": 8}},
         r"\$\.models\.unet\.hyperparameters\.crop: expected .*16.*, found 8"),
        ({"scales__tiny__hyperparameters": {"augment": "maybe"}},
         r"\$\.scales\.tiny\.hyperparameters\.augment: expected .*dihedral.*, found .*maybe"),
        ({"hyperparameters__batch_size__default": 0},
         r"\$\.hyperparameters\.batch_size: expected .*, found 0"),
    ],
)  # fmt: skip
def test_what_a_record_may_not_say_of_its_defaults(load, changes, message):
    with pytest.raises(ConfigError, match=message):
        load(**changes)

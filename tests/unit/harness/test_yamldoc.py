"""Strict YAML: what PyYAML lets through is refused, with the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import yamldoc
from harness.errors import ConfigError


def test_scalars_are_read_by_the_core_schema_of_yaml_1_2():
    text = "a: 1e-3\nb: no\nc: 010\nd: 12:30:00\ne: 2026-01-01\nf: true\ng: ~\nh: '3'\ni: .5\nj: .nan\nk: 1e999\n"
    assert yamldoc.parse(text, "c.yml").value == {
        "a": 0.001, "b": "no", "c": 10, "d": "12:30:00", "e": "2026-01-01", "f": True, "g": None, "h": "3", "i": 0.5,
        "j": ".nan", "k": "1e999",
    }  # fmt: skip


def test_every_value_knows_its_line():
    document = yamldoc.parse("scale: tiny\n\nhyperparameters:\n  batch_size: 8\n  list: [1,\n    2]\n", "c.yml")
    assert document.where(("hyperparameters", "batch_size")) == "c.yml:4"
    assert document.where(("hyperparameters", "list", 1)) == "c.yml:6"
    assert document.where(("hyperparameters", "absent")) == "c.yml:3"
    assert document.where(("absent",)) == "c.yml:1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "c.yml:4: c is written twice, first on line 3 — keep one"),
        ("a: &x 1\n", "c.yml:1: expected plain values, found an anchor or alias"),
        ("a: 1\nb: *x\n", "c.yml:2: expected plain values, found an anchor or alias"),
        ("a: !!python/object:os.system x\n", "c.yml:1: expected plain values, found the tag"),
        ("- 1\n", "c.yml:1: expected a mapping"),
        ("a: 1\n? [b]\n: 2\n", "c.yml:2: expected a name, found a sequence"),
        ("a: [1,\nb: 2\n", "c.yml:3: not YAML"),
        ("a: " + "[" * 9 + "]" * 9, "c.yml:1: expected at most 8 levels"),
        ("a: \x00", "not YAML"),
        ("a: 1\n---\nb: 2\n", "not YAML: but found another document"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(ConfigError) as refusal:
        yamldoc.parse(text, "c.yml")
    assert message in str(refusal.value)


def test_a_bomb_of_aliases_is_refused_before_it_grows():
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 9))
    with pytest.raises(ConfigError, match="anchor or alias"):
        yamldoc.parse(f"l0: &l0 x\n{levels}", "c.yml")


def test_a_file_that_is_no_configuration(tmp_path):
    large = tmp_path / "large.yml"
    large.write_text("a: 1 # " + "x" * yamldoc.MAX_BYTES)
    with pytest.raises(ConfigError, match="expected at most 65536 bytes"):
        yamldoc.load(large)
    cut_inside_a_character = tmp_path / "umlauts.yml"
    cut_inside_a_character.write_text("a: x" + "ü" * yamldoc.MAX_BYTES, encoding="utf-8")
    for endless in (Path("/dev/zero"), cut_inside_a_character):
        with pytest.raises(ConfigError, match="expected at most 65536 bytes"):
            yamldoc.load(endless)
    binary = tmp_path / "binary.yml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="expected UTF-8 text"):
        yamldoc.load(binary)
    with pytest.raises(ConfigError, match="No such file"):
        yamldoc.load(tmp_path / "absent.yml")


def test_an_empty_file_says_nothing():
    assert yamldoc.parse("# only a comment\n", "c.yml").value == {}

"""Documents from outside, and messages about them."""

from __future__ import annotations

from pathlib import Path

import pytest
from referencing.exceptions import Unresolvable

from harness.documents import faults, nearest, read_json, show
from harness.errors import ConfigError


def test_no_schema_is_fetched_from_anywhere(monkeypatch):
    asked = []
    monkeypatch.setattr("urllib.request.urlopen", lambda *arguments, **_: asked.append(arguments))
    with pytest.raises(Unresolvable):
        faults({}, {"$ref": "http://example.org/schema.json"})
    assert asked == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "a": 2}', "name written twice: a"),
        ('{"a": NaN}', "NaN is not JSON"),
        ("[1]", "list"),
        ('{"a": 1', "not JSON"),
    ],
)
def test_what_is_no_document(tmp_path, text, message):
    path = tmp_path / "d.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_json(path)


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match="No such file or directory — check the path"):
        read_json(tmp_path / "absent.json")
    (tmp_path / "binary.json").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="expected UTF-8 text"):
        read_json(tmp_path / "binary.json")
    with pytest.raises(ConfigError, match="expected at most 16777216 bytes"):
        read_json(Path("/dev/zero"))
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(16 * 1024 * 1024 + 1)
    with pytest.raises(ConfigError, match="expected at most 16777216 bytes"):
        read_json(tmp_path / "large.json")


def test_advice_names_the_nearest_or_all():
    assert nearest("tny", ["tiny", "small"]) == "did you mean tiny?"
    assert nearest("xyz", ["tiny", "small"]) == "known: small, tiny"


def test_values_are_shown_clipped():
    assert show([1, 2]) == "[1, 2]"
    assert show("x" * 100) == f"the text '{'x' * 77}…'"

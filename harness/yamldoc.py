"""Read a YAML configuration strictly, remembering on which line each value stands.

PyYAML reads YAML 1.1, in which `no` is false, `010` is eight, `12:30:00` is 45000 and `1e-3` is a text. Here scalars
are read by YAML 1.2's core schema; duplicate keys, anchors, aliases and tags are refused.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.errors import ConfigError

MAX_BYTES = 64 * 1024
MAX_DEPTH = 8

Keys = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class Document:
    """A configuration file."""

    name: str
    """Name of the file, as messages show it."""

    value: dict[str, Any]
    """Its content."""

    lines: dict[Keys, int]
    """Line of each value, counted from 1, by its path from the root."""

    def where(self, path: Keys) -> str:
        """`file:line` of a value, or of the nearest value around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.name}:{self.lines.get(path, 1)}"


class _CoreLoader(yaml.SafeLoader):
    """A composer of nodes whose plain scalars resolve by YAML 1.2's core schema; nothing is constructed by tags."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own attribute, emptied for this class


_NULL, _BOOL, _INT, _FLOAT, _STR, _MAP, _SEQ = (
    f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str", "map", "seq")
)
_CoreLoader.add_implicit_resolver(_NULL, re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_CoreLoader.add_implicit_resolver(_BOOL, re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_CoreLoader.add_implicit_resolver(_INT, re.compile(r"^[-+]?[0-9]{1,300}$"), list("-+0123456789"))
_CoreLoader.add_implicit_resolver(
    _FLOAT, re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"), list("-+0123456789.")
)


def load(path: Path) -> Document:
    """Read one file.

    Raises:
        ConfigError: it cannot be read, or is not a mapping in plain YAML; the message has the line.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)  # and no more: a device never ends
        text = data[:MAX_BYTES].decode("utf-8", "strict" if len(data) <= MAX_BYTES else "ignore")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror} — check --config") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: expected UTF-8 text — this is not a YAML file") from None
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path}: expected at most {MAX_BYTES} bytes, found more — this is not a configuration")
    return parse(text, path.name)


def parse(text: str, name: str) -> Document:
    """Read a configuration from text; `name` is what messages call it.

    Raises:
        ConfigError: as `load`.
    """
    _refuse_aliases(text, name)
    try:
        node = yaml.compose(text, Loader=_CoreLoader)
    except yaml.YAMLError as error:
        raise _not_yaml(error, name) from None
    lines: dict[Keys, int] = {}
    value = {} if node is None else _value(node, (), lines, name)
    if not isinstance(value, dict):
        raise ConfigError(f"{name}:1: expected a mapping of names to values — see examples/")
    return Document(name=name, value=value, lines=lines)


def _refuse_aliases(text: str, name: str) -> None:
    """Refuse anchors, aliases, tags and deep nesting while the text is still a stream of events: a few hundred bytes
    of aliases can stand for millions of values."""
    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            line = event.start_mark.line + 1 if event.start_mark else 1
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise ConfigError(
                    f"{name}:{line}: expected plain values, found an anchor or alias — write the value out"
                )
            tag = getattr(event, "tag", None)
            if tag:
                raise ConfigError(f"{name}:{line}: expected plain values, found the tag {tag} — leave it out")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise ConfigError(f"{name}:{line}: expected at most {MAX_DEPTH} levels, found more — see examples/")
    except yaml.YAMLError as error:
        raise _not_yaml(error, name) from None


def _not_yaml(error: yaml.YAMLError, name: str) -> ConfigError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or " ".join(str(error).split())
    return ConfigError(f"{name}:{mark.line + 1 if mark else 1}: not YAML: {problem}")


def _value(node: yaml.Node, path: Keys, lines: dict[Keys, int], name: str) -> Any:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, lines, name)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, index), lines, name) for index, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(node: yaml.MappingNode, path: Keys, lines: dict[Keys, int], name: str) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise ConfigError(f"{name}:{line}: expected a name, found a {key.id} — see examples/")
        if key.value in record:
            first = lines[(*path, key.value)]
            raise ConfigError(f"{name}:{line}: {key.value} is written twice, first on line {first} — keep one")
        record[key.value] = _value(value, (*path, key.value), lines, name)
        lines[(*path, key.value)] = line
    return record


def _scalar(node: yaml.Node) -> Any:
    text: str = node.value
    if node.tag == _NULL:
        return None
    if node.tag == _BOOL:
        return text.lower() == "true"
    if node.tag == _INT:
        return int(text)
    # A number beyond the largest float stays a text, which the schema then refuses under its own name.
    if node.tag == _FLOAT and math.isfinite(float(text)):
        return float(text)
    return text

"""Read JSON from outside, and hold values against JSON Schemas with messages for people."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import ConfigError
from logging_spec.events import LineError, parse_object

MAX_BYTES = 16 * 1024 * 1024
"""Larger documents are refused; the largest that the suite writes are manifests of some megabytes."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing wrong in a document."""

    path: tuple[str | int, ...]
    """Keys and indices from the document's root."""

    text: str
    """`expected …, found … — …`."""

    def pointer(self) -> str:
        """The path as text, such as `$.hyperparameters.batch_size`."""
        return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object strictly: no name twice, no NaN, at most 16 MiB.

    Raises:
        ConfigError: it is missing, too large, or not such a document.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)  # and no more: a device never ends
        if len(data) > MAX_BYTES:
            raise ConfigError(f"{path}: expected at most {MAX_BYTES} bytes — this is not a document of the suite")
        return parse_object(data.decode("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error} — check the path") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: expected UTF-8 text — this is not a JSON document") from None
    except LineError as error:
        raise ConfigError(f"{path}: {error}") from None


def nearest(name: str, known: Iterable[str]) -> str:
    """Advice for an unknown name: the nearest known one, or all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"


def faults(value: Any, schema: Mapping[str, Any]) -> list[Fault]:
    """All that is wrong with `value` by `schema`, in the order of the document. Nothing is fetched from anywhere."""
    from jsonschema import Draft202012Validator
    from referencing import Registry

    validator = Draft202012Validator(dict(schema), registry=Registry())
    found = [fault for error in validator.iter_errors(value) for fault in _explain(error)]
    return sorted(found, key=lambda fault: [str(part) for part in fault.path])


def unfit(value: Any, path: tuple[str | int, ...] = ()) -> Iterable[Fault]:
    """Texts in `value` that no file name and no UTF-8 document can hold: with a NUL, or bytes that are no text."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from unfit(item, (*path, name))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from unfit(item, (*path, index))
    elif isinstance(value, (str, Path)) and not is_text(str(value)):
        shown = ascii(str(value))
        yield Fault(path=path, text=f"expected UTF-8 text without a NUL, found {shown} — write it otherwise")


def is_text(text: str) -> bool:
    """Whether a text can be encoded in UTF-8 and holds no NUL. Bytes of another encoding in an argument or in the name
    of a folder are lone surrogates in Python, which JSON could not hold."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def require_valid(value: Any, schema: Mapping[str, Any], where: str) -> None:
    """Refuse a document that breaks its schema.

    Raises:
        ConfigError: with one line for each fault, each starting with `where`.
    """
    found = faults(value, schema)
    if found:
        raise ConfigError("\n".join(f"{where}: {fault.pointer()}: {fault.text}" for fault in found))


def show(value: Any) -> str:
    """A value as a message shows it: its JSON, clipped."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    text = text if len(text) <= 80 else f"{text[:77]}…"
    return f"the text {text!r}" if isinstance(value, str) else text


def _explain(error: Any) -> list[Fault]:
    """Faults of one validation error; jsonschema's own sentence is used where ours has nothing better to say."""
    path = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = [name for name in error.instance if name not in known]
        return [
            Fault(path=(*path, name), text=f"expected a known name, found {name} — {nearest(name, known)}")
            for name in unknown
        ]
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return [Fault(path=(*path, name), text="expected a value, found none — add it") for name in missing[:1]]
    expected = _expectation(error.validator, error.validator_value)
    if expected is None:
        return [Fault(path=path, text=error.message)]
    advice = _advice(error.validator, error.validator_value, error.instance)
    return [Fault(path=path, text=f"expected {expected}, found {show(error.instance)} — {advice}")]


def _expectation(validator: str, value: Any) -> str | None:
    types = value if isinstance(value, list) else [value]
    phrases = {
        "type": " or ".join(_TYPE_NAMES.get(str(name), str(name)) for name in types),
        "enum": f"one of {', '.join(map(str, types))}",
        "const": f"{value}",
        "minimum": f"at least {value}",
        "maximum": f"at most {value}",
        "exclusiveMinimum": f"more than {value}",
        "exclusiveMaximum": f"less than {value}",
        "minLength": f"a text of at least {value} characters",
        "maxLength": f"a text of at most {value} characters",
        "minItems": f"at least {value} entries",
        "pattern": f"a text like {value}",
    }
    return phrases.get(validator)


def _advice(validator: str, value: Any, found: Any) -> str:
    if validator == "enum" and isinstance(found, str):
        return nearest(found, map(str, value))
    if validator == "type" and isinstance(found, str) and value in ("integer", "number", "boolean"):
        return "write it without quotes, as a number" if value != "boolean" else "write true or false"
    return "change it"


_TYPE_NAMES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
    "null": "nothing",
}

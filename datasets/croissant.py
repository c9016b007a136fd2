"""Describe a data set as Croissant, the vocabulary by which searches and loaders find data for machine learning.

    python -m datasets.croissant DIR [--out FILE]

makes the JSON-LD of DIR/manifest.json and the set's source.json, and writes croissant.json beside the manifest. The
same manifest gives the same bytes. Croissant 1.0 (http://mlcommons.org/croissant/1.0) has no words for what is inside
HDF5: every file is a FileObject with its size and SHA-256, and the splits and the layout are record sets with the
values in them. Exit codes: 0 written, 2 usage, 3 there is no manifest.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from datasets.common.failures import DataError, failing_politely, say
from datasets.common.files import CROISSANT, MANIFEST, begins, require_writable
from datasets.common.published import SOURCE, Published, known_sets, read_published
from logging_spec.whole import whole_file

CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that the specification gives, term by term."""

BEGINNING = b'{\n "@context"'
"""How the file begins that this program writes."""

SUITE = "sciml-bench"
FORMATS = {".h5": "application/x-hdf5", ".hdf": "application/x-hdf5", ".hdf5": "application/x-hdf5"}


def croissant(manifest: Mapping[str, Any], published: Published) -> dict[str, Any]:
    """Return the description of a set as Croissant 1.0; addresses of files are relative to it.

    Args:
        manifest: its manifest.json. Licence and attribution come from it, as do the facts of a simulated set.
        published: the source.json of its kind.
    """
    made_by = manifest.get("made_by")
    described = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": manifest["dataset_id"],
        "description": _description(manifest, published),
        "license": manifest["licence"],
        "creditText": manifest.get("attribution"),
        "creator": {"@type": "sc:Organization", "name": SUITE if made_by else published.creator},
        "url": published.url,
        "citeAs": f"{SUITE}: {made_by['program']} {made_by['version']}" if made_by else published.cite_as,
        "keywords": list(published.keywords),
        "version": f"{made_by['version']}.0" if made_by else None,
        "distribution": [_file_object(entry) for entry in manifest["files"]],
        "recordSet": [_splits(manifest["splits"]), _layout(manifest["layout"])],
    }
    return {key: value for key, value in described.items() if value is not None}


def _description(manifest: Mapping[str, Any], published: Published) -> str:
    layout = manifest["layout"]
    if not manifest["simulated"]:
        return published.description
    options = json.dumps(manifest["made_by"]["options"], sort_keys=True)
    return f"{layout['title']}, simulated in the layout of {published.dataset_id} with the options {options}."


def _file_object(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": entry["path"],
        "name": entry["path"],
        "contentUrl": entry["path"],
        "contentSize": f"{entry['size']} B",
        "encodingFormat": FORMATS.get(PurePosixPath(entry["path"]).suffix, "application/octet-stream"),
        "sha256": entry["sha256"],
    }


def _splits(splits: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    rows = [{"splits/split": split, "splits/file": path} for split, paths in splits.items() for path in paths]
    return _record_set("splits", "Which file belongs to which split.", ("split", "file"), rows)


def _layout(layout: Mapping[str, Any]) -> dict[str, Any]:
    rows = [
        {
            "layout/key": key,
            "layout/shape": json.dumps(rule["shape"]),
            "layout/dtype": rule["dtype"],
            "layout/unit": rule.get("unit", ""),
            "layout/text": rule["text"],
        }
        for key, rule in layout["keys"].items()
    ]
    text = f"{layout['title']}: the HDF5 data sets of a file. {layout['container']}."
    return _record_set("layout", text, ("key", "shape", "dtype", "unit", "text"), rows)


def _record_set(name: str, text: str, fields: Sequence[str], rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": text,
        "field": [
            {"@type": "cr:Field", "@id": f"{name}/{field}", "name": field, "dataType": "sc:Text"} for field in fields
        ],
        "data": list(rows),
    }


def write_croissant(root: Path, out: Path | None = None) -> Path:
    """Write the description of the set in a folder, whole; beside its manifest, or where `out` says.

    Raises:
        DataError: there is no manifest of a set that is known here.
        UsageError: `out` is a file of another kind, or has no folder.
        OSError: the disk refuses.
    """
    try:
        manifest = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
        name = manifest["dataset"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"{root / MANIFEST}: expected the manifest of a data set, found: {error} — make or download the set first"
        ) from None
    if name not in known_sets():
        raise DataError(f"datasets/{name}/{SOURCE}: expected what is known of this kind of set, found none — write it")
    path, published = out or root / CROISSANT, read_published(known_sets()[name])
    if out is not None:  # the usual name is this program's own
        require_writable(out, lambda found: begins(found, BEGINNING), "a Croissant")
    try:
        described = croissant(manifest, published)
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{root / MANIFEST}: expected the manifest of a data set with its layout, found one that lacks: {error} — "
            f"`sciml-bench data verify {name} {root}` says more; make or download the set again"
        ) from None
    text = json.dumps(described, indent=1, ensure_ascii=False)
    with whole_file(path) as file:
        file.write(text.encode() + b"\n")
    return path


def main(argv: Sequence[str] | None = None) -> int:
    """Describe a data set as Croissant. Exit codes: 0 written, 2 usage, 3 there is no manifest."""
    parser = argparse.ArgumentParser(prog="python -m datasets.croissant", description=main.__doc__)
    parser.add_argument("folder", type=Path, help=f"folder that holds {MANIFEST}")
    parser.add_argument("--out", type=Path, help=f"file to write (default: {CROISSANT} in the folder)")
    options = parser.parse_args(argv)
    with failing_politely():
        say(str(write_croissant(options.folder, options.out)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

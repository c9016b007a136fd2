"""The Croissant description of a set, held by the vocabulary's own library."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest


@pytest.fixture(params=["em_set", "dms_set", "small_set"])
def some_set(request: pytest.FixtureRequest) -> Path:
    """Return the folder of one simulated set of each kind."""
    return request.getfixturevalue(request.param)


def described(root: Path, out: Path, call) -> dict:
    done = call("croissant", root, "--out", out)
    assert (done.code, done.error) == (0, "")
    return json.loads(out.read_text())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_library_takes_it_and_reads_its_records(call, some_set: Path, tmp_path: Path, caplog) -> None:
    """A warning is left: nobody says when these sets were published, and a made-up date would be worse."""
    import mlcroissant

    out = tmp_path / "croissant.json"
    described(some_set, out, call)
    with caplog.at_level(logging.WARNING):
        loaded = mlcroissant.Dataset(jsonld=str(out))
    assert "error" not in caplog.text
    assert caplog.text.count("is recommended, but does not exist") == caplog.text.count("datePublished") == 1
    manifest = json.loads((some_set / "manifest.json").read_text())
    rows = [(row["splits/split"], row["splits/file"]) for row in loaded.records("splits")]
    assert rows == [(split, path) for split, paths in manifest["splits"].items() for path in paths]
    assert [row["layout/key"] for row in loaded.records("layout")] == list(manifest["layout"]["keys"])


def test_it_replaces_its_own_file_alone(call, em_set: Path, tmp_path: Path) -> None:
    root = tmp_path / "set"
    root.mkdir()
    manifest = (em_set / "manifest.json").read_bytes()
    (root / "manifest.json").write_bytes(manifest)
    done = call("croissant", root, "--out", root / "manifest.json")
    assert done.code == 2
    assert "manifest.json: expected a Croissant or no file, found another file there — name another" in done.error
    assert (root / "manifest.json").read_bytes() == manifest
    assert [call("croissant", root).code for _ in range(2)] == [0, 0]


def test_it_states_every_file_and_the_licence(call, some_set: Path, tmp_path: Path) -> None:
    found = described(some_set, tmp_path / "croissant.json", call)
    manifest = json.loads((some_set / "manifest.json").read_text())
    files = [(file["contentUrl"], file["contentSize"], file["sha256"]) for file in found["distribution"]]
    assert files == [(file["path"], f"{file['size']} B", file["sha256"]) for file in manifest["files"]]
    assert {file["encodingFormat"] for file in found["distribution"]} == {"application/x-hdf5"}
    assert found["license"] == manifest["licence"]
    assert found["citeAs"] == f"sciml-bench: {manifest['made_by']['program']} {manifest['made_by']['version']}"


def test_a_downloaded_set_cites_its_publisher(call, published_pairs: Path, tmp_path: Path) -> None:
    call("em_denoise.manifest", published_pairs, "--dataset-id=em_graphene_sim")
    found = described(published_pairs, tmp_path / "croissant.json", call)
    (published_pairs / "manifest.json").unlink()
    assert "10.1038/s42254-022-00441-7" in found["citeAs"]
    assert found["license"].startswith("None is stated with the files")
    assert "version" not in found


def test_equal_manifests_give_equal_bytes(call, em_set: Path, tmp_path: Path) -> None:
    described(em_set, tmp_path / "a.json", call)
    described(em_set, tmp_path / "b.json", call)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_a_kind_of_set_of_which_nothing_is_known(call, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"dataset": "toy"}')
    done = call("croissant", tmp_path)
    assert done.code == 3
    assert "datasets/toy/source.json: expected what is known of this kind of set, found none" in done.error


def test_without_a_manifest_there_is_nothing_to_describe(call, tmp_path: Path) -> None:
    done = call("croissant", tmp_path)
    assert done.code == 3
    assert "manifest.json: expected the manifest of a data set" in done.error
    assert not list(tmp_path.iterdir())

"""Mode predict as far as all benchmarks share it: the document keeps its form and the order of the inputs."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
from numpy_twin import NumpyBackend

from reference.runtime import runconfig
from reference.runtime.latency import Latency
from reference.runtime.predicting import Prediction, predict_inputs

SCHEMA = json.loads((runconfig.ROOT / "logging_spec/schemas/predictions.schema.json").read_text(encoding="utf-8"))


def ready(write_run, tmp_path: Path) -> runconfig.RunConfig:
    inputs = [f"/in/{name}.h5" for name in "abcde"]
    changes = {"mode": "predict", "data.inputs": inputs, "resume_from": "/model.npz"}
    (tmp_path / "artifacts").mkdir(exist_ok=True)
    return runconfig.load(write_run({**changes, "output.artifacts": str(tmp_path / "artifacts")}))


def one(index: int, path: Path, latency: Latency) -> Prediction:
    latency.timed(lambda: None)
    scores = {"clean": {"model": {"psnr": float(index)}}, "other": {"reason": "no truth"}}
    return Prediction(input=str(path), summary=f"number {index}", files={"picture": f"{index}.png"}, scores=scores)


def test_the_document_has_its_form_and_nothing_else_stays(write_run, tmp_path) -> None:
    predict_inputs(ready(write_run, tmp_path), NumpyBackend(), one, model={"channels": "all"}, unit="files", warmup=1)
    (path,) = (tmp_path / "artifacts").iterdir()
    document = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(document, SCHEMA)
    assert [entry["summary"] for entry in document["predictions"]] == [f"number {index}" for index in range(5)]
    assert document["model"] == {"checkpoint": "/model.npz", "channels": "all"}
    assert (document["timing"]["items"], document["timing"]["unit"]) == (5, "files")


def test_ranks_each_do_their_share_and_rank_0_puts_them_together(write_run, tmp_path) -> None:
    seen: list[str] = []

    def watched(index: int, path: Path, latency: Latency) -> Prediction:
        seen.append(path.stem)
        return one(index, path, latency)

    run = ready(write_run, tmp_path)
    for rank in (2, 1, 0):  # rank 0 is the last, as after a sum over all ranks
        backend = NumpyBackend()
        backend.facts = backend.facts.__class__(**{**backend.facts.__dict__, "ranks": 3})
        backend.rank = rank
        predict_inputs(run, backend, watched, model={}, unit="files", warmup=1)
    document = json.loads((tmp_path / "artifacts" / "predictions.json").read_text(encoding="utf-8"))
    assert sorted(seen) == list("abcde"), "each input once"
    assert [Path(entry["input"]).stem for entry in document["predictions"]] == list("abcde")
    assert document["timing"]["items"] == 5

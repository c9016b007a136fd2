"""report.html: one run on one self-contained page, without scripts and without anything from outside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness import quality
from harness.files import write_whole
from harness.report import scores
from harness.report.charts import Band, Chart, Series, draw
from harness.report.record import Record, read

FOLDER = Path(__file__).parent

TELEMETRY = (
    ("host", "cpu_percent", "Processor load of the node", "share of all processors in %"),
    ("host", "memory_used_bytes", "Memory of the node", "used in GiB"),
    ("nvml", "power_mw", "Board power", "W"),
    ("nvml", "utilisation_percent", "Board utilisation", "% of time with a kernel"),
    ("rapl", "energy_uj", "Processor package power", "W"),
)
"""Source, metric, title and axis of the charts over time; one is drawn only where it was recorded."""

UNITS = {"power_mw": 1e-3, "memory_used_bytes": 2.0**-30}
"""What a recorded metric is multiplied by for its axis."""


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One figure at the head of the page."""

    name: str
    """What it is."""

    value: str
    """The figure with its unit."""

    beside: str
    """What it stands beside."""

    alarm: bool = False
    """Whether it is one to worry about."""


def write_report(run_dir: Path) -> Path:
    """Write report.html into a run directory and return its path; what is missing there is missing here."""
    path = run_dir / "report.html"
    write_whole(path, render(read(run_dir)).encode())
    return path


def render(record: Record) -> str:
    """Render the page of one run."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = shown
    return environment.get_template("page.html.j2").render(
        record=record,
        run=record.documents["run"],
        launch=record.documents["launch"],
        verdict=verdict(record),
        tiles=tiles(record),
        model=scores.model(record),
        goal=scores.aim(record),
        better=scores.BETTER,
        heading=scores.heading,
        ladder=scores.ladder(record),
        margin=scores.margin(record),
        others=scores.others(record),
        inference=scores.inference(record),
        rows=[(half, [(chart, draw(chart)) for chart in group]) for half, group in groupby(charts(record), _is_half)],
        environment=record.one("launch_environment") or {},
        facts=facts(record),
    )


def shown(value: Any) -> str:
    """Format a value for people: numbers to four digits, nothing as a dash."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def verdict(record: Record) -> dict[str, Any]:
    """The verdict on the judged log: whether it is compliant (None where nothing was judged), and the findings."""
    document = record.documents["verdict"]
    files = document.get("files") or [{}]
    return {
        "compliant": document.get("compliant"),
        "ruleset": document.get("ruleset", {}).get("name"),
        "findings": [shown_finding(finding) for finding in files[0].get("findings", [])],
    }


def shown_finding(finding: dict[str, Any]) -> dict[str, Any]:
    """A finding without the name of its file, which is the one that the page is about."""
    where = f"line {finding['line']}" if finding.get("line") else "the whole log"
    text = f"{finding['where']}: expected {finding['expected']}, found {finding['found']} — {finding['advice']}"
    return {"rule": finding["rule"], "severity": finding["severity"], "where": where, "text": text}


def tiles(record: Record) -> list[Tile]:
    """The figures at the head of the page."""
    return [*_time_tiles(record), *_quality_tiles(record), *_speed_tiles(record), *_energy_tiles(record)]


def _time_tiles(record: Record) -> Iterable[Tile]:
    start, stop = record.one_event("run_start"), record.one_event("run_stop")
    if start and stop:
        # A run that missed its target has no time to train, only a time that it took.
        name = "Time to train" if stop.metadata.get("status") == "success" else "Run time"
        beside = stop.metadata.get("reason") or f"status {stop.metadata.get('status')}"
        yield Tile(name=name, value=_duration((stop.time_ms - start.time_ms) / 1000), beside=str(beside))


def _quality_tiles(record: Record) -> Iterable[Tile]:
    goal, lead = scores.aim(record), scores.margin(record)
    if goal:
        value = goal.metric.text(goal.best["value"] if goal.best else None)
        yield Tile(name=scores.heading(goal.metric.label), value=value, beside=f"best; target {goal.bound}")
    if lead:
        name = "Lead" if lead["sufficient"] else "Insufficient lead"
        yield Tile(name=name, value=lead["short"], beside=lead["beside"], alarm=not lead["sufficient"])


def _speed_tiles(record: Record) -> Iterable[Tile]:
    rates = [e.value for e in record.all("throughput")]
    if rates:
        mean = f"{sum(rates) / len(rates):.3g} /s"
        yield Tile(name="Throughput", value=mean, beside="training samples, mean over epochs")
    waits = quality.data_waits(record.events)
    if waits:
        beside = "of the steps' time, mean over epochs"
        yield Tile(name="Waiting for data", value=f"{sum(waits) / len(waits):.1%}", beside=beside)
    staged = quality.staging(record.events)
    if staged:
        beside = f"of the run: {quality.staging_text(staged)}"
        yield Tile(name="Staging", value=_duration(staged["seconds"]), beside=beside)
    phase = quality.inference(record.events)
    if phase and phase["throughput"] is not None:
        items = str(phase["unit"]).removesuffix("/s")
        latency = "".join(f", {name} {value:.3g} ms" for name, value in phase["latency_ms"].items())
        yield Tile(name="Inference", value=f"{phase['throughput']:.3g} /s", beside=f"{items} after the run{latency}")


def _energy_tiles(record: Record) -> Iterable[Tile]:
    energies = [e for e in record.all("energy") if e.value is not None]
    for e in energies:
        yield Tile(
            name="Energy", value=f"{e.value / 1000:.3g} kJ", beside=f"{e.metadata.get('source')}, not MLPerf Power"
        )
    if not energies:
        why = next((e.metadata.get("reason") for e in record.all("energy")), "no source of power was recorded")
        # A reason begins with a code; the sentence is behind it.
        yield Tile(name="Energy", value="–", beside=str(why).partition(": ")[2] or str(why))


def charts(record: Record) -> Iterable[Chart]:
    """Quality, loss, throughput and what telemetry there is, over the minutes of the run."""
    yield from scores.charts(record)
    for name, title, label, beside in (
        ("loss", "Loss", "loss", scores.evaluation_loss(record)),
        ("throughput", "Training speed", "samples per second", None),
    ):
        tracked = [e for e in record.all("tracked_stats") if name in e.value]
        if tracked:
            points = [(record.minutes(e), float(e.value[name])) for e in tracked]
            series = [Series(name="training", points=points), *([beside] if beside else [])]
            yield _over_time(record, title, label, series)
    yield from _telemetry_charts(record)


def _is_half(chart: Chart) -> bool:
    return chart.half


def _over_time(record: Record, title: str, label: str, series: list[Series], note: str = "") -> Chart:
    return Chart(
        title=title,
        x_label="minutes since run_start",
        y_label=label,
        series=series,
        bands=_evaluations(record),
        y_from_zero=True,
        note=f"Shaded: evaluations.{note}",
        half=True,
    )


def facts(record: Record) -> list[tuple[str, str]]:
    """What the log says about the run, one row for each scalar that is logged once before the clock starts."""
    rows = []
    for event in record.events:
        if event.key == "run_start":
            break
        if not isinstance(event.value, dict | list) and event.value is not None:
            rows.append((event.key, shown(event.value)))
    hyperparameters = record.one("hyperparameters") or {}
    return rows + [(f"hyperparameters.{name}", shown(value)) for name, value in hyperparameters.items()]


def _evaluations(record: Record) -> list[Band]:
    stops = {e.metadata.get("epoch_num"): e for e in record.all("eval_stop")}
    return [
        Band(name=f"evaluation, epoch {epoch}", start=record.minutes(start), stop=record.minutes(stops[epoch]))
        for start in record.all("eval_start")
        if (epoch := start.metadata.get("epoch_num")) in stops
    ]


def _telemetry_charts(record: Record) -> Iterable[Chart]:
    for source, metric, title, label in TELEMETRY:
        series = [
            Series(name=_device_name(host, device), points=points)
            for host in record.samples
            for device, points in _device_points(record, host, source, metric).items()
        ]
        if series:
            most = scores.MOST_LINES
            note = f" The first {most} of {len(series)} are drawn." if len(series) > most else ""
            yield _over_time(record, title, label, series[:most], note)


def _device_points(record: Record, host: str, source: str, metric: str) -> dict[str, list[tuple[float, float]]]:
    """Points by device; an energy counter becomes the mean power between two readings."""
    origin_ms = next((e.time_ms for e in record.events if e.key == "run_start"), 0)
    points: dict[str, list[tuple[float, float]]] = {}
    last: dict[str, tuple[float, float]] = {}
    for sample in record.samples[host]:
        if sample.get("type") != "sample" or sample.get("source") != source or not origin_ms:
            continue
        minutes = (sample["wall_ns"] / 1e6 - origin_ms) / 60_000
        for item in sample["items"]:
            value = item.get(metric)
            if value is None:
                continue
            name = str(item.get("id"))
            if metric.startswith("energy"):
                before, last[name] = last.get(name), (minutes, value)
                if before is None or minutes <= before[0] or value < before[1]:
                    continue
                value = (value - before[1]) / 1e6 / ((minutes - before[0]) * 60)
            if minutes >= 0:
                points.setdefault(name, []).append((minutes, value * UNITS.get(metric, 1.0)))
    return points


def _device_name(host: str, device: str) -> str:
    return host if device == "host" else f"{host} {device}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"

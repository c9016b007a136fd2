"""report.html: one run on one self-contained page, without scripts and without anything from outside."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.files import write_whole
from harness.report.charts import Band, Chart, Level, Series, draw
from harness.report.record import Record, read
from logging_spec.events import Event

QUALITY = "eval_"
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
        quality=quality_table(record),
        charts=[(chart, draw(chart)) for chart in charts(record)],
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


def tiles(record: Record) -> list[tuple[str, str, str]]:
    """The figures at the head of the page: name, value, and what it stands beside."""
    start, stop = record.one_event("run_start"), record.one_event("run_stop")
    target = record.one_event("quality_target")
    rows = []
    if start and stop:
        # A run that missed its target has no time to train, only a time that it took.
        name = "Time to train" if stop.metadata.get("status") == "success" else "Run time"
        beside = stop.metadata.get("reason") or f"status {stop.metadata.get('status')}"
        rows.append((name, _duration((stop.time_ms - start.time_ms) / 1000), str(beside)))
    if target:
        reached = [e.value for e in record.all(QUALITY + str(target.metadata.get("metric")))]
        best = max(reached, default=None) if target.metadata.get("direction") == "max" else min(reached, default=None)
        rows.append((str(target.metadata.get("metric")).capitalize(), shown(best), f"target {shown(target.value)}"))
    rates = [e.value for e in record.all("throughput")]
    if rates:
        rows.append(("Throughput", f"{sum(rates) / len(rates):.3g} /s", "training samples, mean over epochs"))
    energies = [e for e in record.all("energy") if e.value is not None]
    if energies:
        rows += [
            ("Energy", f"{e.value / 1000:.3g} kJ", f"{e.metadata.get('source')}, not MLPerf Power") for e in energies
        ]
    else:
        why = next((e.metadata.get("reason") for e in record.all("energy")), "no source of power was recorded")
        rows.append(("Energy", "–", str(why)))
    return rows


def quality_table(record: Record) -> list[tuple[str, str, str]]:
    """Metrics of the last evaluation and the baselines beside them: name, value, kind."""
    last: dict[str, Event] = {
        e.key: e for e in record.events if e.key.startswith(QUALITY) and "epoch_num" in e.metadata
    }
    rows = [
        (_words(key.removeprefix(QUALITY)), shown(event.value), f"epoch {event.metadata['epoch_num']}")
        for key, event in last.items()
        if isinstance(event.value, int | float)
    ]
    rows += [
        (_words(e.metadata.get("name")), shown(e.value), f"baseline, {e.metadata.get('metric')}")
        for e in record.all("baseline")
    ]
    return rows


def charts(record: Record) -> Iterable[Chart]:
    """Quality, loss, throughput and what telemetry there is, over the minutes of the run."""
    yield _quality_chart(record)
    tracked = record.all("tracked_stats")
    for name, title, label in (
        ("loss", "Training loss", "loss"),
        ("throughput", "Training speed", "samples per second"),
    ):
        points = [(record.minutes(e), float(e.value[name])) for e in tracked if name in e.value]
        if points:
            series = [Series(name=name, points=points)]
            yield Chart(
                title=title,
                x_label="minutes since run_start",
                y_label=label,
                series=series,
                bands=_evaluations(record),
                y_from_zero=True,
                note="Shaded: evaluations.",
            )
    yield from _telemetry_charts(record)


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


def _quality_chart(record: Record) -> Chart:
    target = record.one_event("quality_target")
    metric = str(target.metadata.get("metric")) if target else "accuracy"
    keys = sorted({e.key for e in record.events if e.key.startswith(QUALITY) and isinstance(e.value, float)})
    keys = [key for key in keys if key not in ("eval_loss",)]
    keys.sort(key=lambda key: key != QUALITY + metric)
    levels = [Level(name="target", y=float(target.value), kind="target")] if target else []
    levels += [
        Level(name=_words(e.metadata.get("name")), y=float(e.value))
        for e in record.all("baseline")
        if e.metadata.get("metric") == metric
    ]
    series = [
        Series(
            name=_words(key.removeprefix(QUALITY)),
            points=[(record.minutes(e), e.value) for e in record.all(key)],
            marks=True,
        )
        for key in keys[:6]
    ]
    return Chart(
        title="Quality",
        x_label="minutes since run_start",
        y_label="on the evaluation samples",
        series=series,
        levels=levels,
        note=f"Target and baselines are of {_words(metric)}.",
    )


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
            yield Chart(
                title=title,
                x_label="minutes since run_start",
                y_label=label,
                series=series[:6],
                bands=_evaluations(record),
                y_from_zero=True,
                note="Shaded: evaluations." + (f" The first 6 of {len(series)} are drawn." if len(series) > 6 else ""),
            )


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


def _words(name: object) -> str:
    return str(name).replace("_", " ")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)} min {rest:.0f} s" if minutes else f"{rest:.1f} s"

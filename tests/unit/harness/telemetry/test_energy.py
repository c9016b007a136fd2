"""Summaries of made-up recordings: sums, cross-checks, and every reason for a null."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from telemetry_recordings import board, footer, header, recorded, sample, window

from harness.telemetry.energy import EnergyFact, summarise
from harness.telemetry.power_log import write_power_logs

REFUSED = {"available": False, "reason": {"code": "no_driver", "text": "there is none"}}


def boards_at(
    watts: dict[str, float], *, seconds: int = 10, rate_hz: int = 10, reading_error: float = 1.0, **clock: float
) -> list[dict[str, Any]]:
    """Readings of boards under constant loads, with sensors that show `reading_error` times the power."""
    return [
        sample(
            tick / rate_hz,
            "nvml",
            *(
                {
                    "id": uuid,
                    "power_mw": round(power_w * 1000 * reading_error),
                    "energy_mj": 10**9 + round(power_w * 1000 * tick / rate_hz),
                }
                for uuid, power_w in watts.items()
            ),
            **clock,
        )
        for tick in range(seconds * rate_hz + 1)
    ]


def nvml_energy(folder: Path, start_s: float, stop_s: float) -> EnergyFact:
    summary = summarise(folder, **window(start_s, stop_s))
    return next(energy for energy in summary.energies if energy.source == "nvml")


def test_boards_are_summed_strictly_within_the_window(write) -> None:
    lines = [header(nvml=recorded(boards=[board("A"), board("B")])), *boards_at({"A": 300, "B": 100}), footer(10)]
    fact = nvml_energy(write(lines), 2.05, 9.05)
    assert fact.energy_j == pytest.approx(400 * 7, abs=0.01)
    assert fact.reason is None
    assert fact.relative_gap == pytest.approx(0, abs=1e-4)
    assert (fact.coverage, fact.n_samples, fact.cautions) == (1.0, 70, ())
    assert [device.method for device in fact.devices] == ["counter", "counter"]


def test_hosts_are_summed_and_a_host_without_a_recording_of_boards_makes_the_sum_null(write) -> None:
    for host in ("a", "b"):
        folder = write([header(host, nvml=recorded(boards=[board("A")])), *boards_at({"A": 50}), footer(10)], host)
    assert nvml_energy(folder, 1, 9).energy_j == pytest.approx(800)
    write([header("c", nvml=REFUSED), footer(10)], "c")
    fact = nvml_energy(folder, 1, 9)
    assert (fact.energy_j, fact.reason) == (None, "no_driver: there is none")


def test_a_counter_and_an_integral_that_disagree_are_both_reported(write) -> None:
    lines = [header(nvml=recorded(boards=[board("A")])), *boards_at({"A": 100}, reading_error=1.2), footer(10)]
    fact = nvml_energy(write(lines), 1, 9)
    assert fact.energy_j == pytest.approx(800)
    assert fact.relative_gap == pytest.approx(0.2)
    assert fact.cautions == ("counter_and_integral_disagree",)


def test_power_of_the_whole_module_is_no_check_of_the_boards_counter(write) -> None:
    lines = [header(nvml=recorded(boards=[board("A", scope="module")])), *boards_at({"A": 100}, reading_error=3)]
    fact = nvml_energy(write([*lines, footer(10)]), 1, 9)
    assert (fact.energy_j, fact.relative_gap) == (pytest.approx(800), None)
    assert fact.cautions == ("power_covers_module",)


def test_without_a_counter_the_integral_stands_in_and_says_so(write) -> None:
    readings = boards_at({"A": 100})
    for line in readings:
        del line["items"][0]["energy_mj"]
    fact = nvml_energy(write([header(nvml=recorded(boards=[board("A")])), *readings, footer(10)]), 1, 9)
    assert fact.energy_j == pytest.approx(800)
    assert fact.cautions == ("counter_unavailable",)


def test_a_counter_that_was_reset_gives_way_to_the_integral(write) -> None:
    readings = boards_at({"A": 100})
    for line in readings[50:]:
        line["items"][0]["energy_mj"] -= 10**9
    fact = nvml_energy(write([header(nvml=recorded(boards=[board("A")])), *readings, footer(10)]), 1, 9)
    assert fact.energy_j == pytest.approx(800)
    assert (fact.devices[0].method, fact.devices[0].counter_j) == ("integral", None)


def test_a_board_that_gives_nothing_makes_the_sum_null(write) -> None:
    lines = [header(nvml=recorded(boards=[board("A"), board("B")])), *boards_at({"A": 100}), footer(10)]
    fact = nvml_energy(write(lines), 1, 9)
    assert fact.energy_j is None
    assert fact.reason.startswith("power_not_given: ")
    assert fact.reason.endswith("(B)")


def test_a_divided_board_has_power_and_no_energy_of_the_job(write) -> None:
    lines = [header(nvml=recorded(boards=[board("A", shared=True)])), *boards_at({"A": 100}), footer(10)]
    fact = nvml_energy(write(lines), 1, 9)
    assert fact.energy_j is None
    assert fact.reason.startswith("mig_board_shared: ")
    assert fact.devices[0].counter_j == pytest.approx(800)


def test_a_lost_board_has_no_energy(write) -> None:
    readings = boards_at({"A": 100}, seconds=5)
    readings[-1]["items"][0] = {"id": "A", "failed": {"power_mw": "GPU is lost"}, "lost": "GPU is lost"}
    fact = nvml_energy(write([header(nvml=recorded(boards=[board("A")])), *readings, footer(10)]), 1, 9)
    assert (fact.energy_j, fact.reason) == (None, "gpu_lost: GPU is lost (A)")
    assert fact.coverage == pytest.approx(3.9 / 8)


@pytest.mark.parametrize(("start_s", "stop_s"), [(-1, 9), (1, 11), (20, 30)])
def test_a_window_beyond_the_recording_has_no_energy(write, start_s: float, stop_s: float) -> None:
    lines = [header(nvml=recorded(boards=[board("A")])), *boards_at({"A": 100}), footer(10)]
    fact = nvml_energy(write(lines), start_s, stop_s)
    assert fact.energy_j is None
    assert fact.reason.startswith("window_not_bracketed: ")


def test_few_readings_are_a_caution(write) -> None:
    lines = [header(nvml=recorded(boards=[board("A")])), *boards_at({"A": 100}, rate_hz=1)]
    readings = [line for line in lines if line["type"] == "header" or line["mono_ns"] // 10**9 % 2 == 0]
    fact = nvml_energy(write([*readings, footer(10)]), 1, 9)
    assert fact.cautions == ("fewer_than_60_samples", "less_than_1_sample_per_second")


def test_a_wall_clock_that_was_set_moves_no_energy_and_is_a_caution(write) -> None:
    before, after = boards_at({"A": 100})[:51], boards_at({"A": 100}, stepped_s=-100)[51:]
    step = {
        "type": "clock_step",
        "wall_ns": after[0]["wall_ns"],
        "mono_ns": after[0]["mono_ns"],
        "step_ns": -100 * 10**9,
    }
    folder = write([header(nvml=recorded(boards=[board("A")])), *before, step, *after, footer(10)])
    start_ms, stop_ms = window(1, 0)["start_ms"], window(0, 9 - 100)["stop_ms"]
    with pytest.raises(ValueError, match="expected run_stop at or after run_start"):
        summarise(folder, start_ms=start_ms, stop_ms=stop_ms)  # such a log is for the checker to refuse
    forward = boards_at({"A": 100}, stepped_s=100)[51:]
    step |= {"wall_ns": forward[0]["wall_ns"], "step_ns": 100 * 10**9}
    folder = write([header(nvml=recorded(boards=[board("A")])), *before, step, *forward])
    fact = nvml_energy(folder, 1, 109)
    assert fact.energy_j == pytest.approx(800)
    assert "clock_stepped" in fact.cautions


def test_no_recording_is_a_reason_and_a_problem(tmp_path: Path) -> None:
    summary = summarise(tmp_path, **window(0, 1))
    assert [(fact.energy_j, fact.reason[:12]) for fact in summary.energies] == [(None, "no_recording")] * 2
    assert summary.problems == ("no_recording: there is no recording of any host",)
    assert (summary.hosts, summary.sources) == ((), ())


def test_a_recording_cut_in_the_middle_of_a_line_is_read_up_to_there(write) -> None:
    lines = [header(nvml=recorded(boards=[board("A")])), *boards_at({"A": 100})]
    folder = write([*lines, '{"type":"sample","wall_ns":18'])
    summary = summarise(folder, **window(1, 9))
    assert summary.energies[0].energy_j == pytest.approx(800)
    assert [problem.split(":")[0] for problem in summary.problems] == ["recording_cut_short", "recording_damaged"]


@pytest.mark.parametrize("text", ["", "not json\n", '{"type":"sample"}\n', '{"type":"header","format_version":2}\n'])
def test_a_file_that_is_no_recording_is_a_problem(write, text: str) -> None:
    summary = summarise(write([text]), **window(1, 9))
    assert summary.problems[0].startswith("recording_unreadable: node-a.jsonl: line 1: expected the header")


def test_every_source_says_whether_it_was_recorded(write) -> None:
    lines = [
        header(host=recorded(), ranks=recorded(), nvml=REFUSED, rapl=recorded(domains=[])),
        sample(1, "host", {"id": "host", "cpu_percent": 50.0}),
        {"type": "source_ended", **sample(2, "rapl"), "reason": {"code": "rapl_unreadable", "text": "it went"}},
        footer(3),
    ]
    lines[2]["type"] = "source_ended"
    facts = {fact.source: (fact.status, fact.reason) for fact in summarise(write(lines), **window(0, 2)).sources}
    assert facts == {
        "host": ("recorded", None),
        "ranks": ("unavailable", "no_samples: the recording holds no reading of it"),
        "nvml": ("unavailable", "no_driver: there is none"),
        "rapl": ("unavailable", "rapl_unreadable: it went"),
    }


def test_loads_are_means_and_peaks_of_the_window_only(write) -> None:
    lines: list[dict[str, Any]] = [header(host=recorded(), ranks=recorded(), nvml=recorded(boards=[board("A")]))]
    for second in range(11):
        outside = second in (0, 10)
        lines.append(sample(second, "host", {"id": "host", "cpu_percent": 99.0 if outside else 40.0 + second}))
        processes = [
            {"id": str(pid), "rank": rank, "cpu_percent": 50.0, "rss_bytes": rss * 1000**2}
            for pid, rank, rss in ((1, None, 9000), (2, 0, 100), (3, 0, 300 + second), (4, 1, 200))
        ]
        lines.append(sample(second, "ranks", *processes))
        item = {"id": "A", "power_mw": 200_000, "utilisation_percent": 70, "temperature_c": 60, "throttle_reasons": 4}
        lines.append(sample(second, "nvml", item | ({"throttle_reasons": 1} if second <= 3 else {})))
    means = summarise(write([*lines, footer(10)]), **window(0.5, 9.5)).means
    assert means.host_cpu_percent == pytest.approx(45.0)
    assert means.rank_cpu_percent == pytest.approx((100 + 50) / 2)
    assert means.rank_rss_peak_bytes == (100 + 309) * 1000**2
    assert (means.gpu_power_w, means.gpu_utilisation_percent, means.gpu_temperature_max_c) == (200, 70, 60)
    assert means.gpu_throttled_share == pytest.approx(6 / 9)
    assert means.gpu_memory_peak_bytes is None


def test_mlperfs_own_summariser_finds_the_same_energy_in_the_power_log(write, tmp_path: Path) -> None:
    from mlperf_logging.compliance_checker.mlp_parser import parse_file
    from mlperf_logging.result_summarizer.result_summarizer import _compute_power_node

    lines = [header(nvml=recorded(boards=[board("A"), board("B")])), *boards_at({"A": 300, "B": 100}), footer(10)]
    folder, out = write(lines), tmp_path / "power/result_0"
    bounds = window(1.25, 8.75)
    assert write_power_logs(folder, out, bounds["start_ms"], bounds["stop_ms"]) == [out / "node_0.txt"]
    parsed, errors = parse_file(str(out / "node_0.txt"), "4.1.0")
    assert errors == []
    readings = [line for line in parsed if line.key == "power_reading"]
    assert len(readings) == 8
    assert all("not MLPerf Power" in line.value["metadata"]["note"] for line in parsed)
    assert _compute_power_node(parsed, 7500) == pytest.approx(400 * 7.5, rel=1e-3)


def test_the_checker_of_packages_accepts_the_power_log(write, tmp_path: Path) -> None:
    from compliance.package import power, rules
    from compliance.package.archive import members

    limits = rules.load().power
    lines = [header(nvml=recorded(boards=[board("A"), board("B")])), *boards_at({"A": 300, "B": 100}), footer(10)]
    bounds = window(1.25, 8.75)
    write_power_logs(write(lines), tmp_path / "power", bounds["start_ms"], bounds["stop_ms"])
    files = members(tmp_path / "power", rules.load(), [])
    log = power.read(next(files), limits["at_most_w"])
    assert log.findings == []
    found = [finding.rule for finding in power.check_run(log, bounds["start_ms"], bounds["stop_ms"], limits)]
    assert found == ["sciml-package-024"], "eight readings are few, and nothing else is wrong with them"


def test_a_node_whose_power_was_not_measured_throughout_gets_no_power_log(write, tmp_path: Path) -> None:
    out, bounds = tmp_path / "power/result_0", window(1, 9)
    whole = [header("b", nvml=recorded(boards=[board("A")])), *boards_at({"A": 50}), footer(10)]
    write([header("a", nvml=REFUSED), footer(10)], "a")
    write([*whole[:30], *whole[80:]], "stalled")
    write([header("d", nvml=recorded(boards=[board("A", shared=True)])), *boards_at({"A": 50}), footer(10)], "shared")
    folder = write(whole, "b")
    assert write_power_logs(folder, out, bounds["start_ms"], bounds["stop_ms"]) == [out / "node_1.txt"]
    assert [path.name for path in out.iterdir()] == ["node_1.txt"]

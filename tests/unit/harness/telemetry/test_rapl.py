"""RAPL counters in a made-up sysfs."""

from __future__ import annotations

from pathlib import Path

import pytest
from telemetry_recordings import footer, header, recorded, sample, window

from harness.telemetry.energy import summarise
from harness.telemetry.rapl import Rapl
from harness.telemetry.source import UnavailableError

RANGE_UJ = 1_000_000_000


def domain(root: Path, folder: str, name: str, energy_uj: int) -> Path:
    path = root / folder
    path.mkdir(parents=True)
    (path / "name").write_text(f"{name}\n")
    (path / "energy_uj").write_text(f"{energy_uj}\n")
    (path / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
    return path


def test_packages_and_memory_are_read_and_their_parts_are_not_counted_twice(tmp_path: Path) -> None:
    domain(tmp_path, "intel-rapl:0", "package-0", 100)
    domain(tmp_path, "intel-rapl:0:0", "core", 60)
    domain(tmp_path, "intel-rapl:0:1", "dram", 20)
    domain(tmp_path, "intel-rapl:1", "psys", 500)
    domain(tmp_path, "intel-rapl-mmio:0", "package-0", 100)
    rapl = Rapl(tmp_path)
    assert rapl.read() == [{"id": "intel-rapl:0", "energy_uj": 100}, {"id": "intel-rapl:0:1", "energy_uj": 20}]
    assert rapl.facts()["domains"][0] == {"id": "intel-rapl:0", "name": "package-0", "range_uj": RANGE_UJ}


def test_no_domain_is_a_reason(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as raised:
        Rapl(tmp_path)
    assert raised.value.code == "rapl_not_present"


def test_a_counter_for_root_only_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    domain(tmp_path, "intel-rapl:0", "package-0", 100)
    read_text = Path.read_text

    def denied(path: Path, **options: str) -> str:
        if path.name == "energy_uj":  # the tests may run as root, whom no mode bits stop
            raise PermissionError(13, "Permission denied")
        return read_text(path, **options)

    monkeypatch.setattr(Path, "read_text", denied)
    with pytest.raises(UnavailableError) as raised:
        Rapl(tmp_path)
    assert raised.value.code == "rapl_permission_denied"


def test_energy_of_counters_that_wrap_is_their_sum(write) -> None:
    domains = [{"id": f"d{number}", "name": "package-0", "range_uj": RANGE_UJ} for number in (0, 1)]
    lines = [header(rapl=recorded(domains=domains))]
    for tick in range(101):  # 50 W and 5 W for 10 s; the first returns to 0 after 1000 J, in the window
        energy_uj = (700_000_000 + 5_000_000 * tick) % RANGE_UJ
        items = [{"id": "d0", "energy_uj": energy_uj}, {"id": "d1", "energy_uj": 500_000 * tick}]
        lines.append(sample(tick / 10, "rapl", *items))
    summary = summarise(write([*lines, footer(10)]), **window(2, 9))
    fact = next(energy for energy in summary.energies if energy.source == "rapl")
    assert fact.energy_j == pytest.approx(55 * 7)
    assert [device.energy_j for device in fact.devices] == [pytest.approx(350), pytest.approx(35)]

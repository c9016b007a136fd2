"""NVIDIA boards through the real pynvml and a stub of the library below it."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from harness.telemetry import nvml
from harness.telemetry.source import UnavailableError

FIRST, SECOND = (f"GPU-{number:08d}-aaaa-bbbb-cccc-000000000000" for number in (11111111, 22222222))

READ = """
import json
from harness.telemetry.nvml import Nvml
from harness.telemetry.source import UnavailableError
try:
    boards = Nvml()
    facts, items = boards.facts(), boards.read()
    boards.close()
    boards.close()
    print(json.dumps({"facts": facts, "items": items}))
except UnavailableError as error:
    print(json.dumps({"code": error.code, "text": error.text}))
"""

Run = Callable[..., Any]


def test_every_metric_is_read_in_its_unit(with_stub: Run) -> None:
    found = with_stub(READ, STUB_PERIOD_S="0", STUB_DEVICES="2")
    first, second = found["items"]
    assert first.pop("mono_ns") <= second.pop("mono_ns")
    assert first.pop("energy_mj") > 1_000_000_000
    assert first == {
        "id": FIRST,
        "power_mw": 300_000,
        "utilisation_percent": 90,
        "memory_utilisation_percent": 40,
        "memory_used_bytes": 1 << 30,
        "temperature_c": 50,
        "sm_clock_mhz": 1980,
        "memory_clock_mhz": 2619,
        "throttle_reasons": 4,
    }
    assert (second["id"], second["power_mw"]) == (SECOND, 400_000)


def test_a_board_is_described_and_what_the_driver_lacks_is_null(with_stub: Run) -> None:
    facts = with_stub(READ, STUB_NAME="NVIDIA Test 80GB")["facts"]
    board = facts["boards"][1]
    assert facts["driver"] == "999.42"
    assert (board["name"], board["index"], board["pci_bus_id"]) == ("NVIDIA Test 80GB", 1, "00000000:11:00.0")
    assert (board["memory_bytes"], board["shared"], board["unavailable"]) == (80 << 30, False, {})
    assert board["power_limit_mw"] is None  # the stub leaves that function out, as an old driver does


@pytest.mark.parametrize("code", ["3", "4"])
def test_a_metric_that_the_driver_refuses_is_asked_once_and_named_with_the_reason(with_stub: Run, code: str) -> None:
    found = with_stub(READ, STUB_FAIL=f"nvmlDeviceGetTotalEnergyConsumption={code}")
    text = {"3": "Not Supported", "4": "Insufficient Permissions"}[code]
    assert found["facts"]["boards"][0]["unavailable"] == {"energy_mj": text}
    assert "energy_mj" not in found["items"][0]
    assert "failed" not in found["items"][0]
    assert found["items"][0]["power_mw"] > 0


def test_a_passing_failure_leaves_one_value_out_and_is_named(with_stub: Run) -> None:
    found = with_stub(READ, STUB_FAIL="nvmlDeviceGetTemperature=10")
    assert found["facts"]["boards"][0]["unavailable"] == {}
    assert "temperature_c" not in found["items"][0]
    assert list(found["items"][0]["failed"]) == ["temperature_c"]
    assert found["items"][0]["sm_clock_mhz"] == 1980


def test_a_lost_board_is_said_to_be_lost_and_the_other_one_goes_on(with_stub: Run) -> None:
    code = READ.replace("facts, items = boards.facts(), boards.read()", "facts = boards.read(); items = boards.read()")
    found = with_stub(code, STUB_FAIL="nvmlDeviceGetUtilizationRates=15#1")
    assert [item["id"] for item in found["items"]] == [FIRST]


def test_when_all_boards_are_lost_the_source_ends_with_that_reason(with_stub: Run) -> None:
    found = with_stub(READ, STUB_DEVICES="1", STUB_FAIL="nvmlDeviceGetMemoryInfo=15")
    assert found["code"] == "gpu_lost"
    assert "GPU is lost" in found["text"]


@pytest.mark.parametrize(
    ("knobs", "call", "kind", "scope"),
    [
        ({}, "nvmlDeviceGetFieldValues(186)", "instant", "board"),
        ({"STUB_MODULE_POWER": "1"}, "nvmlDeviceGetFieldValues(186)", "instant", "module"),
        ({"STUB_FAIL": "nvmlDeviceGetFieldValues=3"}, "nvmlDeviceGetPowerUsage", "average_1s", "board"),
        ({"STUB_FAIL": "nvmlDeviceGetFieldValues=3", "STUB_ARCH": "5"}, "nvmlDeviceGetPowerUsage", "instant", "board"),
        (
            {"STUB_FAIL": "nvmlDeviceGetFieldValues=3", "STUB_ARCH": "7", "STUB_NAME": "NVIDIA A100-SXM4-80GB"},
            "nvmlDeviceGetPowerUsage",
            "instant",
            "board",
        ),
        (
            {"STUB_FAIL": "nvmlDeviceGetFieldValues=3,nvmlDeviceGetArchitecture=3"},
            "nvmlDeviceGetPowerUsage",
            "unknown",
            "board",
        ),
    ],
)
def test_power_comes_by_the_best_call_and_is_labelled(
    with_stub: Run, knobs: dict[str, str], call: str, kind: str, scope: str
) -> None:
    found = with_stub(READ, STUB_PERIOD_S="0", **knobs)
    assert found["facts"]["boards"][0]["power"] == {"call": call, "kind": kind, "scope": scope}
    assert found["items"][0]["power_mw"] == 300_000


@pytest.mark.parametrize(
    ("visible", "uuids", "shared"),
    [
        ("1", [SECOND], False),
        ("1,0", [SECOND, FIRST], False),
        ("GPU-2222", [SECOND], False),
        ("0,5,1", [FIRST], False),
        ("MIG-1-some-instance", [SECOND], True),
        (f"MIG-{FIRST}/3/0", [FIRST], True),
    ],
)
def test_the_boards_of_the_job_are_those_that_cuda_shows_it(
    with_stub: Run, visible: str, uuids: list[str], shared: bool
) -> None:
    found = with_stub(READ, CUDA_VISIBLE_DEVICES=visible)
    assert [item["id"] for item in found["items"]] == uuids
    assert [board["shared"] for board in found["facts"]["boards"]] == [shared] * len(uuids)


def test_a_board_in_mig_mode_is_shared(with_stub: Run) -> None:
    assert with_stub(READ, STUB_MIG="1")["facts"]["boards"][0]["shared"]


@pytest.mark.parametrize(
    ("knobs", "code"),
    [
        ({"CUDA_VISIBLE_DEVICES": ""}, "no_visible_gpu"),
        ({"CUDA_VISIBLE_DEVICES": "9"}, "no_visible_gpu"),
        ({"STUB_DEVICES": "0"}, "no_gpu"),
        ({"STUB_FAIL": "nvmlInitWithFlags=9"}, "driver_not_loaded"),
        ({"STUB_FAIL": "nvmlInitWithFlags=18"}, "driver_version_mismatch"),
        ({"STUB_FAIL": "nvmlInitWithFlags=999"}, "nvml_error"),
        ({"STUB_FAIL": "nvmlDeviceGetCount_v2=999"}, "nvml_error"),
    ],
)
def test_no_boards_is_a_reason(with_stub: Run, knobs: dict[str, str], code: str) -> None:
    assert with_stub(READ, **knobs)["code"] == code


def test_without_a_driver_there_is_a_reason(with_stub: Run) -> None:
    found = with_stub(READ, LD_LIBRARY_PATH="/nonexistent")
    if "items" in found:
        pytest.skip("this machine has an NVIDIA driver")
    assert found["code"] in {"no_driver", "driver_not_loaded", "no_gpu"}


def test_another_package_of_the_name_pynvml_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    impostor = types.ModuleType("pynvml")
    impostor.__file__ = "/site-packages/pynvml/__init__.py"
    monkeypatch.setitem(sys.modules, "pynvml", impostor)
    with pytest.raises(UnavailableError) as raised:
        nvml.Nvml({})
    assert raised.value.code == "pynvml_wrong_package"
    assert "install nvidia-ml-py" in raised.value.text


def test_a_missing_package_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(UnavailableError) as raised:
        nvml.Nvml({})
    assert raised.value.code == "pynvml_missing"


def test_pynvml_is_not_imported_before_a_board_is_asked_for(with_stub: Run) -> None:
    modules = "harness.telemetry.sampler, harness.telemetry.energy, harness.system"
    code = f"import json, sys, {modules}\nprint(json.dumps('pynvml' in sys.modules))"
    assert with_stub(code) is False

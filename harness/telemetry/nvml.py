"""NVIDIA boards through NVML: the only file that imports pynvml, and only when a board is asked for.

Every metric is optional. One that the driver says it cannot or may not give is asked for once and then left alone, with
the reason in the record; a passing failure leaves one value out. Units: power in mW, energy in mJ since the driver was
loaded, memory in bytes, clocks in MHz, temperature in °C, utilisation in percent of time.

The energy counter and the power readings are the board's own (NVML API reference, "Device Queries"): they cover the
board, not the node, and are no MLPerf Power.
"""

from __future__ import annotations

import os
import re
import time
import warnings
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from harness.telemetry.source import Item, UnavailableError
from harness.telemetry.visible import Selection, select

FIELD_POWER_AVERAGE = 185
FIELD_POWER_INSTANT = 186
SCOPES = {"board": 0, "module": 1}
"""Grace-Hopper measures the module, processor and GPU together, where it measures no board."""

AMPERE = 7
INSTANT_POWER_BOARDS = re.compile(r"\b(A100|A800|A30)\b")
"""GA100: the only chips from Ampere on whose nvmlDeviceGetPowerUsage is not the mean of one second."""

Metrics = dict[str, int | str | None]
Reader = Callable[[Any], Metrics]


class Nvml:
    """The boards that this job may use."""

    name = "nvml"

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Load the library, find the job's boards, and try every metric of each once.

        Args:
            environment: where CUDA_VISIBLE_DEVICES is looked up.

        Raises:
            UnavailableError: there is no driver, no board, or no board for this job.
        """
        self._nvml = _load()
        self._open = True
        self._boards: list[Board] = []
        try:
            self._driver = _maybe(self._nvml, self._nvml.nvmlSystemGetDriverVersion)
            self._boards = self._find_boards(environment)
        except self._nvml.NVMLError as error:
            self.close()
            raise UnavailableError("nvml_error", f"NVML lists no boards: {error}") from None
        except UnavailableError:
            self.close()
            raise

    def facts(self) -> dict[str, Any]:
        """Return the driver version and, for each board, what it is and which metrics it gives."""
        return {
            "driver": self._driver,
            "ignored_visible_devices": list(self._selection.ignored),
            "boards": [board.facts() for board in self._boards],
        }

    def read(self) -> list[Item]:
        """Read every metric of every board that is still there.

        Raises:
            UnavailableError: all boards are lost.
        """
        items = [board.read() for board in self._boards if board.lost is None]
        if not items:
            raise UnavailableError("gpu_lost", "; ".join(f"{board.uuid}: {board.lost}" for board in self._boards))
        return items

    def close(self) -> None:
        """Shut NVML down; a second call does nothing."""
        if self._open:
            self._open = False
            _maybe(self._nvml, self._nvml.nvmlShutdown)

    def _find_boards(self, environment: Mapping[str, str]) -> list[Board]:
        nvml = self._nvml
        handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]
        by_uuid = {str(nvml.nvmlDeviceGetUUID(handle)): (index, handle) for index, handle in enumerate(handles)}
        if not by_uuid:
            raise UnavailableError("no_gpu", "the NVIDIA driver is loaded and finds no board")
        visible = environment.get("CUDA_VISIBLE_DEVICES")
        self._selection: Selection = select(list(by_uuid), visible, self._mig_parent)
        if not self._selection.uuids:
            raise UnavailableError(
                "no_visible_gpu", f"CUDA_VISIBLE_DEVICES={visible!r} leaves none of {len(by_uuid)} boards"
            )
        return [Board(nvml, uuid, *by_uuid[uuid], mig=self._selection.mig) for uuid in self._selection.uuids]

    def _mig_parent(self, mig_uuid: str) -> str | None:
        nvml = self._nvml
        instance = _maybe(nvml, nvml.nvmlDeviceGetHandleByUUID, mig_uuid.encode())
        board = _maybe(nvml, nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle, instance) if instance else None
        return None if board is None else _maybe(nvml, nvml.nvmlDeviceGetUUID, board)


class Board:
    """One board and what it can tell."""

    def __init__(self, nvml: ModuleType, uuid: str, index: int, handle: Any, *, mig: bool) -> None:
        self.uuid = uuid
        self.lost: str | None = None
        self._nvml = nvml
        self._index = index
        self._handle = handle
        self._job_has_mig = mig
        self._off: dict[str, str] = {}
        self._power = _PowerReader(nvml, handle)
        self._readers: dict[str, Reader] = {
            "power_mw": self._power.read,
            "energy_mj": lambda h: {"energy_mj": nvml.nvmlDeviceGetTotalEnergyConsumption(h)},
            "utilisation_percent": self._read_utilisation,
            "memory_used_bytes": lambda h: {"memory_used_bytes": nvml.nvmlDeviceGetMemoryInfo(h).used},
            "temperature_c": lambda h: {"temperature_c": nvml.nvmlDeviceGetTemperature(h, nvml.NVML_TEMPERATURE_GPU)},
            "sm_clock_mhz": lambda h: {"sm_clock_mhz": nvml.nvmlDeviceGetClockInfo(h, nvml.NVML_CLOCK_SM)},
            "memory_clock_mhz": lambda h: {"memory_clock_mhz": nvml.nvmlDeviceGetClockInfo(h, nvml.NVML_CLOCK_MEM)},
            "throttle_reasons": self._read_throttling,
        }
        self.read()

    def facts(self) -> dict[str, Any]:
        """Return what the board is; `unavailable` maps each metric that it does not give to the reason."""
        nvml, handle = self._nvml, self._handle
        memory = _maybe(nvml, nvml.nvmlDeviceGetMemoryInfo, handle)
        pci = _maybe(nvml, nvml.nvmlDeviceGetPciInfo, handle)
        mig_mode = _maybe(nvml, nvml.nvmlDeviceGetMigMode, handle)
        return {
            "id": self.uuid,
            "index": self._index,
            "name": _maybe(nvml, nvml.nvmlDeviceGetName, handle),
            "pci_bus_id": None if pci is None else _decoded(pci.busId),
            "architecture": _maybe(nvml, nvml.nvmlDeviceGetArchitecture, handle),
            "memory_bytes": None if memory is None else memory.total,
            "power_limit_mw": _maybe(nvml, nvml.nvmlDeviceGetEnforcedPowerLimit, handle),
            "max_sm_clock_mhz": _maybe(nvml, nvml.nvmlDeviceGetMaxClockInfo, handle, nvml.NVML_CLOCK_SM),
            "pcie_generation": _maybe(nvml, nvml.nvmlDeviceGetMaxPcieLinkGeneration, handle),
            "pcie_width": _maybe(nvml, nvml.nvmlDeviceGetMaxPcieLinkWidth, handle),
            "shared": self._job_has_mig or bool(mig_mode and mig_mode[0]),
            "power": self._power.label,
            "unavailable": dict(self._off),
        }

    def read(self) -> Item:
        """Read every metric that the board gives, with the monotonic time just before.

        A metric that fails for good joins `unavailable`, and the item names it under `failed`; when the board itself is
        gone, `lost` says so and the rest is left out.
        """
        item: Item = {"id": self.uuid, "mono_ns": time.monotonic_ns()}
        for metric, reader in self._readers.items():
            if metric in self._off:
                continue
            try:
                item |= reader(self._handle)
            except self._nvml.NVMLError as error:
                self._note_failure(item, metric, error)
                if self.lost is not None:
                    break
        return item

    def _note_failure(self, item: Item, metric: str, error: Any) -> None:
        nvml = self._nvml
        item.setdefault("failed", {})[metric] = str(error)
        if error.value in (nvml.NVML_ERROR_GPU_IS_LOST, nvml.NVML_ERROR_RESET_REQUIRED, nvml.NVML_ERROR_UNINITIALIZED):
            item["lost"] = self.lost = str(error)
        elif error.value in (
            nvml.NVML_ERROR_NOT_SUPPORTED,
            nvml.NVML_ERROR_NO_PERMISSION,
            nvml.NVML_ERROR_FUNCTION_NOT_FOUND,
        ):
            self._off[metric] = str(error)

    def _read_utilisation(self, handle: Any) -> Metrics:
        rates = self._nvml.nvmlDeviceGetUtilizationRates(handle)
        return {"utilisation_percent": rates.gpu, "memory_utilisation_percent": rates.memory}

    def _read_throttling(self, handle: Any) -> Metrics:
        """Read why the clocks are low: the bit mask of nvmlClocksEventReasons."""
        nvml = self._nvml
        return {"throttle_reasons": nvml.nvmlDeviceGetCurrentClocksEventReasons(handle)}


class _PowerReader:
    """Power by the best call that a board answers: instantaneous field, averaged field, nvmlDeviceGetPowerUsage."""

    def __init__(self, nvml: ModuleType, handle: Any) -> None:
        self._nvml = nvml
        self._field: tuple[int, int] | None = None
        for field, kind in ((FIELD_POWER_INSTANT, "instant"), (FIELD_POWER_AVERAGE, "average_1s")):
            for scope, scope_id in SCOPES.items():
                if self._answers(handle, (field, scope_id)):
                    self._field = (field, scope_id)
                    self.label = {"call": f"nvmlDeviceGetFieldValues({field})", "kind": kind, "scope": scope}
                    return
        self.label = {"call": "nvmlDeviceGetPowerUsage", "kind": self._usage_kind(handle), "scope": "board"}

    def read(self, handle: Any) -> Metrics:
        """Read the power in mW.

        Raises:
            NVMLError: it could not be read this time.
        """
        if self._field is None:
            return {"power_mw": self._nvml.nvmlDeviceGetPowerUsage(handle)}
        return {"power_mw": self._read_field(handle, self._field)}

    def _read_field(self, handle: Any, field: tuple[int, int]) -> int:
        answer = self._nvml.nvmlDeviceGetFieldValues(handle, [field])[0]
        if answer.nvmlReturn != self._nvml.NVML_SUCCESS:  # the call succeeds even where a field does not
            raise self._nvml.NVMLError(answer.nvmlReturn)
        return int(answer.value.uiVal)

    def _answers(self, handle: Any, field: tuple[int, int]) -> bool:
        try:
            self._read_field(handle, field)
        except self._nvml.NVMLError:
            return False
        return True

    def _usage_kind(self, handle: Any) -> str:
        architecture = _maybe(self._nvml, self._nvml.nvmlDeviceGetArchitecture, handle)
        name = _maybe(self._nvml, self._nvml.nvmlDeviceGetName, handle)
        if architecture is None or name is None:
            return "unknown"
        return "instant" if architecture < AMPERE or INSTANT_POWER_BOARDS.search(name) else "average_1s"


def _load() -> ModuleType:
    """Import pynvml and initialise it.

    Raises:
        UnavailableError: with a code for each thing that is usually missing.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", FutureWarning
            )  # the retired package of that name only redirects, and says so
            import pynvml
    except ImportError:
        raise UnavailableError("pynvml_missing", "the module pynvml is not installed; install nvidia-ml-py") from None
    if not hasattr(pynvml, "_nvmlGetFunctionPointer"):
        raise UnavailableError(
            "pynvml_wrong_package",
            f"{pynvml.__file__} is not NVIDIA's pynvml; uninstall pynvml and install nvidia-ml-py",
        )
    module: ModuleType = pynvml
    try:
        module.nvmlInit()
    except module.NVMLError as error:
        codes = {
            module.NVML_ERROR_LIBRARY_NOT_FOUND: ("no_driver", "libnvidia-ml.so.1 is not there: no NVIDIA driver"),
            module.NVML_ERROR_DRIVER_NOT_LOADED: ("driver_not_loaded", "the NVIDIA driver is installed, not loaded"),
            module.NVML_ERROR_LIB_RM_VERSION_MISMATCH: (
                "driver_version_mismatch",
                "the NVIDIA driver was upgraded and the old one is still loaded; restart the node",
            ),
        }
        raise UnavailableError(*codes.get(error.value, ("nvml_error", f"NVML does not start: {error}"))) from None
    return module


def _maybe(nvml: ModuleType, call: Callable[..., Any], *arguments: Any) -> Any:
    """Make a call whose answer is welcome and not needed: None where NVML refuses it."""
    try:
        return call(*arguments)
    except nvml.NVMLError:
        return None


def _decoded(text: bytes | str) -> str:
    return text.decode() if isinstance(text, bytes) else text

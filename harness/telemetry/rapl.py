"""Energy counters of processors and memory: RAPL, through the Linux power capping interface in sysfs.

Each domain is a folder with `name` and `energy_uj` (a counter that returns to 0 after `max_energy_range_uj`); packages
are `intel-rapl:N`, on AMD processors too, and memory is a part of one named `dram`. Since Linux 5.10 only root can read
the counters (CVE-2020-8694).
Source: Documentation/power/powercap/powercap.rst in the Linux kernel.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.telemetry.source import Item, UnavailableError

POWERCAP = Path("/sys/class/powercap")


class Rapl:
    """The package and memory domains of this node; the sum over them counts no energy twice."""

    name = "rapl"

    def __init__(self, root: Path = POWERCAP) -> None:
        """Find the domains and try to read each.

        Raises:
            UnavailableError: there are none, or they may not be read.
        """
        if not any(root.glob("intel-rapl:*")):
            raise UnavailableError(
                "rapl_not_present", f"{root} holds no intel-rapl domain; many virtual machines have none"
            )
        # `core` and `uncore` are parts of a package, and `psys` covers all of them: adding them would count twice.
        self._domains = {
            folder.name: folder
            for folder in sorted(root.glob("intel-rapl:*"))
            if _text(folder / "name").startswith(("package", "dram"))
        }
        if not self._domains:
            raise UnavailableError("rapl_not_present", f"{root} holds neither a package nor a memory domain")
        self.read()

    def facts(self) -> dict[str, Any]:
        """Return the domains with the range of their counters in microjoules."""
        return {
            "domains": [
                {"id": key, "name": _text(folder / "name"), "range_uj": int(_text(folder / "max_energy_range_uj"))}
                for key, folder in self._domains.items()
            ]
        }

    def read(self) -> list[Item]:
        """Read the counters, in microjoules."""
        return [{"id": key, "energy_uj": int(_text(folder / "energy_uj"))} for key, folder in self._domains.items()]

    def close(self) -> None:
        """Hold nothing."""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except PermissionError:
        raise UnavailableError(
            "rapl_permission_denied", f"{path} may be read by root only; ask for read permission"
        ) from None
    except OSError as error:
        raise UnavailableError("rapl_unreadable", f"{path}: {error.strerror}") from None

"""Names of simulated granules, in the form of Sentinel-3 products.

S3A_SL_1_RBT____START_STOP_CREATION_DURATION_CYCLE_ORBIT_FRAME_CENTRE_O_NT_BASELINE.hdf. The centre is SIM, which no
real product carries. Scenes are three minutes long; the sun-synchronous orbit crosses the equator at 10:00 and 22:00.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
SCENE = timedelta(minutes=3)
ORBIT = timedelta(minutes=101)
ORBITS_PER_CYCLE = 385


def granule_name(number: int, *, night: bool) -> str:
    """Return the file name of a set's scene; names sort in the order of their numbers."""
    hour = 22 if night else 10
    start = EPOCH + timedelta(days=number, hours=hour, minutes=(number * 17) % 60)
    orbit = 1 + (number * 14) % ORBITS_PER_CYCLE
    cycle = 140 + number // 27
    stamps = "_".join(t.strftime("%Y%m%dT%H%M%S") for t in (start, start + SCENE, start + ORBIT))
    frame = (number * 180) % 5940 if not night else 5940 - (number * 180) % 5940
    return f"S3A_SL_1_RBT____{stamps}_0179_{cycle:03d}_{orbit:03d}_{frame:04d}_SIM_O_NT_004.hdf"

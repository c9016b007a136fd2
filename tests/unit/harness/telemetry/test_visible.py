"""CUDA_VISIBLE_DEVICES, as the driver reads it."""

from __future__ import annotations

import pytest

from harness.telemetry.visible import select

A, B, C = BOARDS = ("GPU-aaaa1111-0", "GPU-aaaa2222-0", "GPU-cccc3333-0")
MIG = {"MIG-x": A, "MIG-y": A, "MIG-z": C}


@pytest.mark.parametrize(
    ("visible", "uuids", "ignored"),
    [
        (None, BOARDS, ()),
        ("0", (A,), ()),
        ("2,0", (C, A), ()),
        (" 1 , 2 ", (B, C), ()),
        ("", (), ()),
        ("-1", (), ("-1",)),
        ("0,-1,1", (A,), ("-1", "1")),
        ("1,7,0", (B,), ("7", "0")),
        ("0,x,1", (A,), ("x", "1")),
        ("1x", (B,), ()),
        ("0,0", (), ("0", "0")),
        ("NoDevFiles", (), ("NoDevFiles",)),
        ("GPU-cccc", (C,), ()),
        (f"{B},{A}", (B, A), ()),
        ("GPU-aaaa", (), ("GPU-aaaa",)),
        ("GPU-aaaa1,GPU-nobody,GPU-cccc", (A,), ("GPU-nobody", "GPU-cccc")),
        ("GPU-cccc,0", (C,), ("0",)),
        ("GPU-cccc,GPU-cccc3333", (), ("GPU-cccc", "GPU-cccc3333")),
    ],
)
def test_whole_boards(visible: str | None, uuids: tuple[str, ...], ignored: tuple[str, ...]) -> None:
    found = select(BOARDS, visible, MIG.get)
    assert (found.uuids, found.ignored, found.mig) == (uuids, ignored, False)


@pytest.mark.parametrize(
    ("visible", "uuids"),
    [
        ("MIG-z", (C,)),
        ("MIG-x,MIG-y,MIG-z", (A, C)),
        (f"MIG-{B}/7/0", (B,)),
        ("MIG-z,MIG-nobody,MIG-x", (C,)),
        ("MIG-z,0", (C,)),
    ],
)
def test_mig_instances_lead_to_their_boards_once(visible: str, uuids: tuple[str, ...]) -> None:
    found = select(BOARDS, visible, MIG.get)
    assert (found.uuids, found.mig) == (uuids, True)

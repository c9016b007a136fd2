"""A step on one rank and on several is the same step: the same global batch, shared out, whatever the shares' sizes.

Some shares are empty. The limits are in tolerances.json, beside what was found.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from parity_comparison import rank_gaps
from parity_pins import pin_of, refusals
from parity_processes import RANKS, Archive
from parity_subjects import FRAMEWORKS, Subject, make_data, subjects
from twin_steps import task_of

import reference
from reference.runtime import runconfig

ALL = subjects()
ON_RANKS = [subject for subject in ALL if pin_of(subject).ranks]
OnRanks = Mapping[str, Mapping[tuple[str, int], Archive]]


@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.parametrize("subject", ON_RANKS, ids=lambda subject: subject.name)
def test_ranks_agree(subject: Subject, on_ranks: OnRanks) -> None:
    assert not refusals(subject, rank_gaps(on_ranks[subject.name]), ranks=True)


@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.parametrize("subject", ON_RANKS, ids=lambda subject: subject.name)
def test_every_rank_holds_the_same_bits_after_training(subject: Subject, on_ranks: OnRanks) -> None:
    assert set(on_ranks[subject.name]) == {(twin, ranks) for twin in FRAMEWORKS for ranks in RANKS}
    for (_, ranks), found in on_ranks[subject.name].items():
        copies = found["copies"]
        assert len(copies) == ranks
        assert (copies == copies[0]).all()


@pytest.mark.parametrize("subject", ALL, ids=lambda subject: subject.name)
def test_a_share_is_a_part_of_the_batch(subject: Subject, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is drawn for a sample, such as its crop and its dropout masks, does not depend on its neighbours."""
    monkeypatch.setattr(reference, "__path__", [*reference.__path__, str(subject.benchmark.home / "reference")])
    run = subject.write_run(scratch / "shares", "pt", make_data(subject, scratch / "data"), "fp32")
    task = task_of(subject.package("pt").rpartition(".")[0], runconfig.load(run))
    order = np.array([3, 0, 5, 2])
    whole = task.train_batch(order, 2)
    for share in (order[:1], order[1:], order[:0]):
        first = int(np.flatnonzero(order == share[0])[0]) if len(share) else 0
        part = task.train_batch(share, 2)
        assert part.keys() == whole.keys()
        for name, array in whole.items():
            assert part[name].dtype == array.dtype
            np.testing.assert_array_equal(part[name], array[first : first + len(share)], err_msg=name)

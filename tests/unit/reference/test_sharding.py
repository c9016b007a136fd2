"""Every sample exactly once in an epoch, for any number of ranks, batch size and remainder."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reference.runtime import sharding

counts = st.integers(0, 300)
sizes = st.integers(1, 17)
seeds = st.integers(0, 2**63 - 1)


@given(count=counts, batch_size=st.integers(1, 50), size=sizes, seed=seeds, epoch=st.integers(1, 500))
def test_every_sample_once(count: int, batch_size: int, size: int, seed: int, epoch: int) -> None:
    batches = sharding.batches(sharding.permutation(count, seed=seed, epoch=epoch), batch_size)
    seen = [sharding.share(batch, rank=rank, size=size) for batch in batches for rank in range(size)]
    assert sorted(np.concatenate([*seen, np.empty(0, np.int64)]).tolist()) == list(range(count))


@given(count=counts, size=sizes)
def test_shares_follow_each_other_and_are_nearly_equal(count: int, size: int) -> None:
    items = np.arange(count)
    shares = [sharding.share(items, rank=rank, size=size) for rank in range(size)]
    assert np.array_equal(np.concatenate(shares), items)
    lengths = [len(part) for part in shares]
    assert max(lengths) - min(lengths) <= 1


@given(count=counts, batch_size=st.integers(1, 50))
def test_only_the_last_batch_is_short(count: int, batch_size: int) -> None:
    lengths = [len(batch) for batch in sharding.batches(np.arange(count), batch_size)]
    assert all(length == batch_size for length in lengths[:-1])
    assert all(0 < length <= batch_size for length in lengths[-1:])


def test_order_depends_on_seed_and_epoch_alone() -> None:
    orders = {
        (seed, epoch): tuple(sharding.permutation(50, seed=seed, epoch=epoch)) for seed in (1, 2) for epoch in (1, 2)
    }
    assert len(set(orders.values())) == 4
    assert orders[1, 2] == tuple(sharding.permutation(50, seed=1, epoch=2))

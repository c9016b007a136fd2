"""Reading ahead changes no result, hides no error and holds up no ending."""

from __future__ import annotations

import threading

import pytest

from reference.runtime.readahead import ReadAhead


def test_results_come_in_order() -> None:
    with ReadAhead(range(50), lambda number: number * number, depth=3) as results:
        assert list(results) == [number * number for number in range(50)]


def test_it_reads_ahead_but_no_further_than_it_may() -> None:
    asked: list[int] = []
    third = threading.Event()

    def read(number: int) -> int:
        asked.append(number)
        if number == 2:
            third.set()
        return number

    with ReadAhead(range(10), read, depth=2):
        assert third.wait(10)  # two wait in the queue, and the third is in the thread's hand
        assert asked == [0, 1, 2]


def test_an_error_comes_at_its_place() -> None:
    def read(number: int) -> int:
        if number == 2:
            raise ValueError("tile 2 is damaged")
        return number

    with ReadAhead(range(5), read) as results:
        stream = iter(results)
        assert [next(stream), next(stream)] == [0, 1]
        with pytest.raises(ValueError, match="tile 2"):
            next(stream)


def test_leaving_early_ends_the_thread() -> None:
    before = threading.active_count()
    with ReadAhead(iter(int, 1), lambda number: number, depth=1) as results:
        next(iter(results))
    assert threading.active_count() == before

"""Read the next batches in the background while the current one is computed.

One thread is enough: it copies from memory maps, which releases the interpreter lock, and a worker process would spend
more on passing the arrays than on reading them. Both frameworks share it, so that a comparison of the two compares
computing and not two input pipelines.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class ReadAhead(Generic[Item, Result]):
    """Iterate over `read(item)` for each item, at most `depth` results ahead.

        with ReadAhead(shares, task.train_batch, depth=2) as batches:
            for batch in batches: ...

    What `read` raises is raised at the place in the iteration where its result would have come.
    """

    def __init__(self, items: Iterable[Item], read: Callable[[Item], Result], *, depth: int = 2) -> None:
        self._items = items
        self._read = read
        self._results: queue.Queue[Any] = queue.Queue(maxsize=depth)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="read-ahead", daemon=True)
        self.waited_s = 0.0
        """Seconds that the iteration has waited for results, the first one included."""

    def __enter__(self) -> ReadAhead[Item, Result]:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        while not self._results.empty():  # a full queue would hold the thread back from seeing the event
            self._results.get_nowait()
        self._thread.join()

    def __iter__(self) -> Iterator[Result]:
        """Yield the results that have not come yet: iterating again goes on where it was left."""
        while True:
            asked = time.perf_counter()
            kind, content = self._results.get()
            self.waited_s += time.perf_counter() - asked
            if kind == "end":
                return
            if kind == "error":
                raise content
            yield content

    def _work(self) -> None:
        try:
            for item in self._items:
                if self._closing.is_set() or not self._put("result", self._read(item)):
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that iterates
            self._put("error", error)
        else:
            self._put("end", None)

    def _put(self, kind: str, content: object) -> bool:
        while not self._closing.is_set():
            try:
                self._results.put((kind, content), timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

"""Work on several files at once, and stop all of it soon and cleanly when one fault ends the whole."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")

GRACE_S = 3.0
"""After Ctrl-C, a thread that waits for the network for longer is left to die with the process."""


class Halted(Exception):  # noqa: N818 - no error: another one ended the whole
    """The work was stopped because of something else."""


def run_each(
    work: Callable[[Item, threading.Event], None],
    items: Sequence[Item],
    jobs: int,
    *,
    fatal: tuple[type[Exception], ...],
) -> list[Exception]:
    """Do `work(item, stop)` for each item, several at once, and return what went wrong.

    Args:
        work: raises Halted soon after `stop` was set.
        items: taken in this order.
        jobs: threads.
        fatal: faults after which the rest is not worth doing.

    Raises:
        BaseException: what interrupts this thread, after the others were told.
    """
    waiting: queue.SimpleQueue[Item] = queue.SimpleQueue()
    for item in items:
        waiting.put(item)
    stop, failures = threading.Event(), list[Exception]()

    def serve() -> None:
        while not stop.is_set():
            try:
                work(waiting.get_nowait(), stop)
            except (queue.Empty, Halted):
                return
            except Exception as error:  # noqa: BLE001 - it is handed to the thread that waits
                failures.append(error)
                if isinstance(error, fatal):
                    stop.set()

    threads = [threading.Thread(target=serve, daemon=True) for _ in range(min(jobs, len(items)))]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)
    except BaseException:
        stop.set()
        deadline = time.monotonic() + GRACE_S
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        raise
    return failures

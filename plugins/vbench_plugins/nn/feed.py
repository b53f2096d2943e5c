"""Prepares the next step's batch while the network works on this one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def prefetch(make: Callable[[int], T], first: int, last: int) -> Iterator[tuple[int, T]]:
    """Yield ``(step, make(step))`` for each step, made one step ahead in another thread.

    ``make`` must depend on the step only: order and resumption then change nothing. What it
    raises comes up at the step that it was raised for.

    Args:
        make: Makes the batch of a step; numpy work that releases the interpreter lock.
        first: The first step, included.
        last: The last step, included.
    """
    if first > last:
        return
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches") as pool:
        waiting = pool.submit(make, first)
        for step in range(first, last + 1):
            batch = waiting.result()
            if step < last:
                waiting = pool.submit(make, step + 1)
            yield step, batch

"""Threads for kernels that release the GIL: one pool per process, created at first use."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

from indicators.series import check_whole

Item = TypeVar("Item")
Result = TypeVar("Result")


@lru_cache
def threads() -> ThreadPoolExecutor:
    """Return the pool of this process."""
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="kernel")


# A forked child has none of its parent's threads: it creates its own.
os.register_at_fork(after_in_child=threads.cache_clear)


def map_in_threads(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> list[Result]:
    """Return function(item) for each item, in order, by `workers` threads including this one.

    Thread i takes every `workers`-th item from i on, so that no thread waits for another.
    """
    shares = [items[start::workers] for start in range(min(workers, len(items)))]
    others = [start_thread(function, share) for share in shares[1:]]
    done = [list(map(function, shares[0])) if shares else []]
    done += [other() for other in others]
    return [done[i % len(shares)][i // len(shares)] for i in range(len(items))]


def start_thread(
    function: Callable[[Item], Result], items: Sequence[Item]
) -> Callable[[], list[Result]]:
    """Start function(item) for each item in a thread; return what waits for the results.

    A process that exits starts no more threads: then the calling thread does the work.
    """
    try:
        return threads().submit(lambda: list(map(function, items))).result
    except RuntimeError:
        return lambda: list(map(function, items))


@lru_cache
def processors() -> int:
    return os.cpu_count() or 1


def workers_of(asked: int | None, name: str) -> int:
    """Return the number of threads: `asked`, or one per processor (the caller is one of them)."""
    if asked is None:
        return processors()
    check_whole(**{name: asked})
    if asked < 1:
        raise ValueError(f"{name} {asked}: use 1 or more, or None for all processors")
    return asked

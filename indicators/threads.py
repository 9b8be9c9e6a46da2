"""Threads for kernels that release the GIL: one pool per process, made when it is needed."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache


@lru_cache
def threads() -> ThreadPoolExecutor:
    """Return the pool of this process."""
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="kernel")


# A forked child has none of its parent's threads: it makes its own.
os.register_at_fork(after_in_child=threads.cache_clear)


def workers_of(asked: int | None, name: str) -> int:
    """Return how many may work at once: `asked`, or all processors but one."""
    if asked is None:
        return max(1, (os.cpu_count() or 1) - 1)
    if asked < 1:
        raise ValueError(f"{name} {asked}: use 1 or more, or None for all processors but one")
    return asked

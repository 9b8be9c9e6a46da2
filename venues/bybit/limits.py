"""Rate limits: requests per class and second of an account, and per address. Pure."""

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

MOST_CLIENTS: Final = 10_000


class Usage(NamedTuple):
    """What a client may still do; `reset_ms` is when the window ends, or now if it may go on."""

    limit: int
    left: int
    reset_ms: int
    is_exceeded: bool


@dataclass(frozen=True)
class Rule:
    """`requests` in each window of `seconds`; rules with equal `counts` are counted together."""

    counts: str
    requests: int
    seconds: int = 1


class Limit(Enum):
    """Classes of requests of an account; a batch is one request of a class of its own."""

    CREATE = Rule("create", 10)
    AMEND = Rule("amend", 10)
    CANCEL = Rule("cancel", 10)
    CANCEL_ALL = Rule("cancel-all", 10)
    CREATE_BATCH = Rule("create-batch", 10)
    AMEND_BATCH = Rule("amend-batch", 10)
    CANCEL_BATCH = Rule("cancel-batch", 10)
    ORDERS = Rule("orders", 50)
    EXECUTIONS = Rule("executions", 50)
    POSITIONS = Rule("positions", 50)
    POSITION_WRITE = Rule("position-write", 10)
    ACCOUNT = Rule("account", 50)
    OTHER = Rule("other", 10)
    PUBLIC = Rule("public", 600, 5)
    ADDRESS = Rule("address", 600, 5)


class Windows:
    """Counts requests of clients in fixed windows. `factor` scales all limits; 0: no limits."""

    def __init__(self, factor: float = 1.0, clock: Callable[[], float] = time.time) -> None:
        self._factor = factor
        self._clock = clock
        self._counts: dict[Hashable, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def take(self, client: Hashable, limit: Limit) -> Usage:
        """Count a request of a client, unless that exceeds the limit."""
        rule = limit.value
        now = self._clock()
        window = int(now // rule.seconds)
        most = max(1, round(rule.requests * self._factor)) if self._factor else 10**9
        key = client, rule.counts
        with self._lock:
            last, used = self._counts.pop(key, (window, 0))
            used = used if last == window else 0
            is_exceeded = used >= most
            used = used if is_exceeded else used + 1
            self._counts[key] = window, used
            if len(self._counts) > MOST_CLIENTS:  # the longest unused one
                del self._counts[next(iter(self._counts))]
        reset_ms = (window + 1) * rule.seconds * 1000 if is_exceeded else int(now * 1000)
        return Usage(most, max(0, most - used), reset_ms, is_exceeded)

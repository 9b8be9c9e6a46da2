"""The live machines of a process: found by id and by state, counted, safe between threads.

The database is the owner of what an order is; this is what the process knows of it without asking.
"""

import threading
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, Protocol, TypeVar


class Life(Protocol):
    """A machine at one moment: OrderLife or PositionLife."""

    @property
    def state(self) -> IntEnum: ...

    @property
    def version(self) -> int: ...

    @property
    def is_final(self) -> bool: ...


K = TypeVar("K", bound=Hashable)
L = TypeVar("L", bound=Life)


@dataclass(frozen=True)
class Statistics:
    """Counts since the registry was made; `states` are those of the machines that it holds."""

    states: Mapping[str, int]
    transitions: Mapping[tuple[str, str], int]
    refused: int
    """Illegal transitions that were tried."""
    stale: int
    """Machines that came with a version older than the known one."""


class Registry(Generic[K, L]):
    """Holds the newest known moment of each machine."""

    def __init__(self) -> None:
        self._lives: dict[K, L] = {}
        self._transitions: Counter[tuple[str, str]] = Counter()
        self._refused = self._stale = 0
        self._lock = threading.Lock()

    def put(self, key: K, life: L) -> bool:
        """Note a machine; return False, and change nothing, if a newer version is known."""
        with self._lock:
            known = self._lives.get(key)
            if known is not None and life.version < known.version:
                self._stale += 1
                return False
            if known is not None and life.version > known.version:
                self._transitions[known.state.name, life.state.name] += 1
            self._lives[key] = life
            return True

    def get(self, key: K) -> L | None:
        with self._lock:
            return self._lives.get(key)

    def in_states(self, *states: IntEnum) -> dict[K, L]:
        """Return the machines in these states."""
        with self._lock:
            return {key: life for key, life in self._lives.items() if life.state in states}

    def refused(self) -> None:
        """Count an illegal transition."""
        with self._lock:
            self._refused += 1

    def clear_final(self) -> int:
        """Forget the machines that cannot change any more; return how many."""
        with self._lock:
            final = [key for key, life in self._lives.items() if life.is_final]
            for key in final:
                del self._lives[key]
            return len(final)

    def statistics(self) -> Statistics:
        with self._lock:
            states = Counter(life.state.name for life in self._lives.values())
            return Statistics(states, dict(self._transitions), self._refused, self._stale)

    def __len__(self) -> int:
        return len(self._lives)

"""Who uses the doors of this process: connections, requests, refusals, limits. Pure."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

MOST_CLIENTS: Final = 1_000
"""The longest silent ones are forgotten first; those that are connected, never."""
FORGOTTEN_S: Final = 600.0
LONGEST_REASON: Final = 160


class Use(NamedTuple):
    """What is left of a limit: `left` of `most` requests, when it was last counted."""

    most: int
    left: int


class Key(NamedTuple):
    """A client: an account, "" if the requests were not signed, at an address."""

    venue: str
    address: str
    account: str


@dataclass(frozen=True, kw_only=True)
class Client:
    """What is known of a client. Times are in seconds since 1970 UTC."""

    key: Key
    heard_at: float
    connections: int = 0
    requests: int = 0
    refused: int = 0
    refusal: str = ""
    """Code and reason of the newest refusal."""
    limits: dict[str, Use] = field(default_factory=dict)


def nothing() -> None:
    """Do nothing."""


class Clients:
    """All clients of the doors. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.on_change: Callable[[], None] = nothing
        """Called after each change, by the thread that made it."""
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[Key, Client] = OrderedDict()
        self._connected: dict[str, Key] = {}
        """Clients by the names of their connections."""

    def connect(self, connection: str, venue: str, address: str) -> None:
        """Count a WebSocket, at first of nobody."""
        with self._lock:
            self._attach(connection, Key(venue, address, ""))

    def identify(self, connection: str, account: str) -> None:
        """Note whose WebSocket it is."""
        with self._lock:
            if connection in self._connected:
                key = self._detach(connection)
                self._attach(connection, key._replace(account=account))

    def disconnect(self, connection: str) -> None:
        with self._lock:
            if connection in self._connected:
                self._detach(connection)

    def request(self, key: Key, *, refusal: str = "", limits: dict[str, Use] | None = None) -> None:
        """Count a request; `refusal` says why it was refused."""
        with self._lock:
            known = self._of(key)
            self._put(
                replace(
                    known,
                    requests=known.requests + 1,
                    refused=known.refused + bool(refusal),
                    refusal=refusal[:LONGEST_REASON] or known.refusal,
                    limits={**known.limits, **(limits or {})},
                )
            )

    def listed(self) -> list[Client]:
        """Return the clients of the last ten minutes, and all that are connected."""
        oldest = self._clock() - FORGOTTEN_S
        with self._lock:
            found = [
                each for each in self._known.values() if each.connections or each.heard_at > oldest
            ]
        return sorted(found, key=lambda each: each.key)

    def _attach(self, connection: str, key: Key) -> None:
        self._connected[connection] = key
        known = self._of(key)
        self._put(replace(known, connections=known.connections + 1))

    def _detach(self, connection: str) -> Key:
        key = self._connected.pop(connection)
        known = self._of(key)
        self._put(replace(known, connections=max(0, known.connections - 1)))
        return key

    def _of(self, key: Key) -> Client:
        return self._known.get(key) or Client(key=key, heard_at=0.0)

    def _put(self, client: Client) -> None:
        self.on_change()
        self._known[client.key] = replace(client, heard_at=self._clock())
        self._known.move_to_end(client.key)
        if len(self._known) > MOST_CLIENTS:
            silent = next((key for key, each in self._known.items() if not each.connections), None)
            if silent is not None:
                del self._known[silent]


clients: Final = Clients()
"""Those of this process."""

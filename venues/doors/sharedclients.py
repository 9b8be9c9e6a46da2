"""The clients of the doors of all processes, which show them to each other through a cache.

A process shows its clients at most once a second while something changes, and every BEAT_S while
any are connected, so that those of a process that died do not stay for long.
"""

import os
import socket
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import structlog
from django.core.cache import caches

from venues.doors.clients import FORGOTTEN_S, Client, Clients, Key, clients
from web.rediserrors import redis_error

logger = structlog.get_logger(__name__)

CACHE: Final = "clients"
INDEX: Final = "processes"
SOON_S: Final = 1.0
BEAT_S: Final = 5.0
CONNECTED_S: Final = 15
"""How long the clients of a process are shown that says nothing more, if any are connected."""


class SharedClients:
    """The clients of this process and those of the others."""

    def __init__(self, own: Clients, name: str) -> None:
        self._own = own
        self._name = name
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def start(self) -> None:
        """Show the clients of this process to the others from now on."""
        self._own.on_change = self._touch

    def publish(self) -> bool:
        """Show the clients of this process as they are now; return whether any are connected."""
        listed = self._own.listed()
        is_connected = any(each.connections for each in listed)
        try:
            known = caches[CACHE].get(INDEX, {})
            oldest = time.time() - FORGOTTEN_S
            known = {name: at for name, at in known.items() if at > oldest}
            kept_s = CONNECTED_S if is_connected else int(FORGOTTEN_S)
            caches[CACHE].set(self._name, listed, kept_s)
            caches[CACHE].set(INDEX, {**known, self._name: time.time()}, int(FORGOTTEN_S))
        except (OSError, redis_error()) as error:
            logger.warning("cache of clients unavailable", error=str(error).strip())
        return is_connected

    def everyone(self) -> tuple[list[Client], int]:
        """Return the clients of all processes, and how many processes have shown theirs."""
        try:
            others = [name for name in caches[CACHE].get(INDEX, {}) if name != self._name]
            found = caches[CACHE].get_many(others)
        except (OSError, redis_error()) as error:
            logger.warning("cache of clients unavailable", error=str(error).strip())
            found = {}
        listed = [self._own.listed(), *found.values()]
        return merged(each for part in listed for each in part), len(listed)

    def _touch(self) -> None:
        self._later(SOON_S)

    def _later(self, seconds: float) -> None:
        """Publish within some seconds."""
        with self._lock:
            timer = self._timer
            if timer is not None and seconds < timer.interval:
                timer.cancel()
            elif timer is not None:
                return
            self._timer = threading.Timer(seconds, self._publish)
            self._timer.daemon = True
            self._timer.start()

    def _publish(self) -> None:
        with self._lock:
            self._timer = None
        if self.publish():
            self._later(BEAT_S)


def merged(listed: Iterable[Client]) -> list[Client]:
    """Return each client once: what several processes count of it is added up."""
    found: dict[Key, Client] = {}
    for each in sorted(listed, key=lambda client: client.heard_at):
        before = found.get(each.key)
        if before is not None:
            each = replace(
                each,
                connections=before.connections + each.connections,
                requests=before.requests + each.requests,
                refused=before.refused + each.refused,
                refusal=each.refusal or before.refusal,
                limits={**before.limits, **each.limits},
            )
        found[each.key] = each
    return sorted(found.values(), key=lambda client: client.key)


shared: Final = SharedClients(clients, f"{socket.gethostname()}-{os.getpid()}")
"""That of this process."""

"""Heartbeats: a client that asked for them must show that it is there. Pure."""

from enum import Enum
from typing import Final

SHORTEST_S: Final = 10
LONGEST_S: Final = 86_400


class Beat(Enum):
    """What is due."""

    HEARTBEAT = "heartbeat"
    TEST_REQUEST = "test_request"
    END = "end"


class Heart:
    """What a connection is sent every `interval_s`.

    First a heartbeat; a client that sent nothing since then gets a test_request instead of the
    next one. If it sends nothing after that either, the connection ends.
    """

    def __init__(self, interval_s: int) -> None:
        self.interval_s = interval_s
        self._is_heard = True
        self._is_tested = False

    def heard(self) -> None:
        """Note that the client sent a request; only public/test answers a test_request."""
        self._is_heard = True

    def tested(self) -> None:
        """Note that the client sent public/test."""
        self._is_heard, self._is_tested = True, False

    def beat(self) -> Beat:
        """Return what is due, an interval after the last beat."""
        if self._is_tested:
            return Beat.END
        if self._is_heard:
            self._is_heard = False
            return Beat.HEARTBEAT
        self._is_tested = True
        return Beat.TEST_REQUEST

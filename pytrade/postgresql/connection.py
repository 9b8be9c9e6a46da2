"""A PostgreSQL connection that gives up on a server that does not answer.

libpq waits for a suspended server forever. TCP keepalives detect a host that is gone, not a process
that hangs, and Unix sockets have none. psycopg wakes up at an interval while it waits, so the limit
is checked there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, ClassVar, Final, Self

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus
from psycopg.waiting import Ready

GRACE_S: Final = 0.5
"""How much later than the server the client gives up: a slow statement is cancelled by the server,
and its connection stays usable."""
SUSPECT_S: Final = 1.0
"""The limit after a server was silent, until any of its connections answers again."""


class LimitedConnection(psycopg.Connection[Any]):
    """Cancels statements that take longer than `timeout_s`, on the server.

    A server that does not even do that is considered hung: the connection closes and raises
    OperationalError. Until the server answers again, other connections wait SUSPECT_S only.
    """

    timeout_s: ClassVar[float]
    _is_suspect: ClassVar[bool] = False
    _is_unlimited = False

    @classmethod
    def connect(cls, conninfo: str = "", **kwargs: Any) -> Self:
        """Connect as psycopg does, with the limit as default of every timeout that libpq has."""
        limit_s, limit_ms = max(1, round(cls.timeout_s)), round(cls.timeout_s * 1000)
        defaults = {
            "connect_timeout": max(2, limit_s),
            "keepalives_idle": limit_s,
            "keepalives_interval": 1,
            "keepalives_count": limit_s,
            "tcp_user_timeout": limit_ms,
        }
        options = f"-c statement_timeout={limit_ms} {kwargs.pop('options', '')}"
        connection = super().connect(conninfo, **{**defaults, **kwargs, "options": options})
        cls._is_suspect = False
        return connection

    def wait(
        self,
        gen: PQGen[RV],
        interval: float = 0.1,
        timeout: float | None = None,
    ) -> RV:
        if self._is_unlimited:
            return super().wait(gen, interval, timeout)
        cls = type(self)
        limit_s = cls.timeout_s + GRACE_S
        if cls._is_suspect:
            limit_s = min(limit_s, SUSPECT_S)
        try:
            answer = super().wait(until_silent(gen, limit_s), interval, timeout)
        except SilentServerError:
            cls._is_suspect = True
            self.close()
            raise
        cls._is_suspect = False
        return answer

    @contextmanager
    def unlimited(self) -> Iterator[None]:
        """Let statements take any time, e.g. those of a migration."""
        self.execute("SET statement_timeout = 0")
        self._is_unlimited = True
        try:
            yield
        finally:
            self._is_unlimited = False
            # An aborted transaction takes the SET back with everything else.
            if not self.closed and self.info.transaction_status != TransactionStatus.INERROR:
                self.execute("RESET statement_timeout")


class SilentServerError(psycopg.OperationalError):
    """The server did not answer in time."""


def until_silent(gen: PQGen[RV], limit_s: float) -> PQGen[RV]:
    """Forward a generator of psycopg; raise SilentServerError after `limit_s` of silence."""
    try:
        waits_for = next(gen)
        heard_at = monotonic()
        while True:
            ready = yield waits_for
            if ready != Ready.NONE:
                heard_at = monotonic()
            elif monotonic() - heard_at > limit_s:
                raise SilentServerError(f"the database server did not answer within {limit_s:g} s")
            waits_for = gen.send(ready)
    except StopIteration as end:
        answer: RV = end.value
        return answer


def limited_to(timeout_s: float) -> type[LimitedConnection]:
    """Return the class of connections whose statements may take `timeout_s`."""
    return type("LimitedConnection", (LimitedConnection,), {"timeout_s": timeout_s})

"""One WebSocket of the Bybit door: operations, and the replies to what is wrong."""

import re
from typing import Any, Final
from urllib.parse import parse_qs

import structlog
from django.db import Error as DatabaseError

from venues.bybit.sockets.operations import BadMessageError, Operation, parsed, refused
from venues.doors.sockets import INTERNAL_ERROR, LONGEST_IDLE_S, DoorSocket

logger = structlog.get_logger(__name__)

SHORTEST_IDLE_S: Final = 30


class Socket(DoorSocket):
    """Subclasses say what operations do."""

    venue = "bybit"

    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        super().__init__(scope, receive, send)
        self._idle_s = active_time(scope.get("query_string", b""))

    async def operate(self, operation: Operation) -> None:
        """Do what a message asks for."""
        raise NotImplementedError

    async def take(self, text: str | None) -> None:
        operation = Operation(op="")
        try:
            if text is None:
                raise BadMessageError("Invalid request data: send text frames that hold JSON")
            operation = parsed(text)
            await self.operate(operation)
        except BadMessageError as error:
            self.refuse(operation, str(error))
        except DatabaseError as error:
            logger.warning("operation failed", op=operation.op, error=str(error).strip())
            self.unavailable(operation)
        except Exception:  # of one connection: the others go on
            logger.exception("operation failed", op=operation.op)
            await self.end("error", INTERNAL_ERROR)

    def refuse(self, operation: Operation, text: str) -> None:
        """Answer a message that is wrong."""
        self.reply(refused(operation, self.connection, text))

    def unavailable(self, operation: Operation) -> None:
        """Answer a message that cannot be served now."""
        self.refuse(operation, "error:server error, the database is unavailable; try again")


_ACTIVE: Final = re.compile(r"(\d{1,3})(s|m)")


def active_time(query: bytes) -> float:
    """Return how long a connection may be idle: `max_active_time` of its URL, e.g. 30s or 1m."""
    given = parse_qs(query.decode("latin-1")).get("max_active_time", [""])[0]
    found = _ACTIVE.fullmatch(given)
    if found is None:
        return LONGEST_IDLE_S
    seconds = int(found[1]) * (60 if found[2] == "m" else 1)
    return min(max(seconds, SHORTEST_IDLE_S), LONGEST_IDLE_S)

"""The commands that wait for the exchange, read from the database."""

import time
from collections.abc import Callable
from typing import Final

import structlog
from django.db import InterfaceError, OperationalError, connection

from exchange.accounts.loading import desk_command
from exchange.accounts.waking import commands_arrived
from exchange.clearing.commands import Command
from exchange.models import Command as StoredCommand

logger = structlog.get_logger(__name__)

UNAVAILABLE: Final = (OperationalError, InterfaceError)
MOST: Final = 500
"""Commands per poll, so that a pass stays short."""
NOTIFIED_POLL_S: Final = 0.25
"""From one poll to the next while notifications arrive, which may be lost."""
WAITING: Final = "SELECT id FROM exchange_command WHERE NOT done ORDER BY id"


class CommandQueue:
    """Finds each command once, in the order of arrival, until its result is committed.

    Transactions may commit in another order than that of their ids, so every poll looks at all
    commands that are not done.
    """

    def __init__(
        self,
        is_notified: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`is_notified` says whether every new command sets `commands_arrived`."""
        self.is_unavailable = False
        """Whether the last poll found the database unavailable."""
        self._taken: set[int] = set()
        self._is_notified = is_notified
        self._clock = clock
        self._poll_at = clock()

    def poll(self) -> list[Command]:
        """Return commands that were not returned before; none while the database is unavailable."""
        if not self._is_due():
            return []
        commands_arrived.clear()
        self._poll_at = self._clock() + NOTIFIED_POLL_S
        try:
            found = self._poll()
        except UNAVAILABLE as error:
            connection.close()
            if not self.is_unavailable:
                logger.warning("commands cannot be read", error=str(error).strip())
            self.is_unavailable = True
            return []
        self.is_unavailable = False
        return found

    def _is_due(self) -> bool:
        return (
            commands_arrived.is_set()
            or self.is_unavailable
            or not self._is_notified()
            or self._clock() >= self._poll_at
        )

    def _poll(self) -> list[Command]:
        with connection.cursor() as cursor:
            cursor.execute(WAITING)
            waiting = [key for (key,) in cursor.fetchall()]
        self._taken.intersection_update(waiting)
        new = [key for key in waiting if key not in self._taken]
        if not new:
            return []
        if len(new) > MOST:
            commands_arrived.set()
            new = new[:MOST]
        rows = StoredCommand.objects.filter(pk__in=new).select_related("order").order_by("pk")
        commands = [desk_command(row) for row in rows]
        self._taken.update(new)
        return commands

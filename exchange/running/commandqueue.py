"""The commands that wait for the exchange, read from the database."""

from typing import Final

import structlog
from django.db import InterfaceError, OperationalError, connection

from exchange.accounts.loading import desk_command
from exchange.clearing.commands import Command
from exchange.models import Command as StoredCommand

logger = structlog.get_logger(__name__)

UNAVAILABLE: Final = (OperationalError, InterfaceError)
MOST: Final = 500
"""Commands per poll, so that a pass stays short."""
WAITING: Final = "SELECT id FROM exchange_command WHERE NOT done ORDER BY id"


class CommandQueue:
    """Finds each command once, in the order of arrival, until its result is committed.

    Transactions may commit in another order than that of their ids, so every poll looks at all
    commands that are not done.
    """

    def __init__(self) -> None:
        self._taken: set[int] = set()
        self.is_unavailable = False
        """Whether the last poll found the database unavailable."""

    def poll(self) -> list[Command]:
        """Return commands that were not returned before; none while the database is unavailable."""
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

    def _poll(self) -> list[Command]:
        with connection.cursor() as cursor:
            cursor.execute(WAITING)
            waiting = [key for (key,) in cursor.fetchall()]
        self._taken.intersection_update(waiting)
        new = [key for key in waiting if key not in self._taken][:MOST]
        if not new:
            return []
        rows = StoredCommand.objects.filter(pk__in=new).select_related("order").order_by("pk")
        commands = [desk_command(row) for row in rows]
        self._taken.update(new)
        return commands

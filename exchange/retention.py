"""How long books and trades are kept, counted back from the newest record of each stream."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from archive.database import fetch
from exchange.kinds import BLOCKS, TRADES
from instruments.models import Instrument
from journal.pruning import prune
from live import companions
from market.keys import key_range
from market.kinds import Kind
from market.timeframes import MICROSECONDS

logger = structlog.get_logger(__name__)

EVERY_S: Final = 60.0


def register() -> None:
    """Prune beside every live market, if the settings limit anything."""
    if settings.EXCHANGE_KEEP_BOOK_S > 0 or settings.EXCHANGE_KEEP_TRADES_S > 0:
        companions.register(lambda publish: RetentionThread())


def prune_all() -> Counter[str]:
    """Remove what is older than the settings say; return how many records, by kind.

    Of books, the snapshot remains from which the oldest moment to be kept is shown.
    """
    removed: Counter[str] = Counter()
    for instrument_id in Instrument.objects.order_by("pk").values_list("pk", flat=True):
        for kind, keep_s, condition in (
            (BLOCKS, settings.EXCHANGE_KEEP_BOOK_S, "AND is_snapshot = 1"),
            (TRADES, settings.EXCHANGE_KEEP_TRADES_S, ""),
        ):
            if keep_s > 0 and (kept := first_kept(kind, instrument_id, keep_s, condition)):
                removed[kind.name] += prune(kind, instrument_id, kept - 1)
    return removed


def first_kept(kind: Kind, instrument_id: int, keep_s: int, condition: str = "") -> int:
    """Return the seq of the newest record that is at least `keep_s` old; 0 if there is none.

    `condition`: SQL that the record must meet, for which the times are indexed.
    """
    lowest, end = key_range(instrument_id)
    newest = f"SELECT at FROM {kind.table} WHERE id > %s AND id < %s ORDER BY id DESC LIMIT 1"  # noqa: S608
    found = fetch(
        f"SELECT id FROM {kind.table} WHERE instrument_id = %s {condition} "  # noqa: S608
        f"AND at <= ({newest}) - %s ORDER BY at DESC, id DESC LIMIT 1",
        [instrument_id, lowest, end, keep_s * MICROSECONDS],
    )
    return int(found[0][0]) - lowest if found else 0


class RetentionThread(threading.Thread):
    """Removes what has become too old each minute, beside a live market."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(name="retention", daemon=True)
        self._clock = clock
        self._stopping = threading.Event()

    def run(self) -> None:
        next_at = self._clock() + EVERY_S
        while not self._stopping.wait(max(0.0, next_at - self._clock())):
            try:
                removed = prune_all()
            except (OperationalError, InterfaceError) as error:
                logger.warning("nothing pruned", error=str(error).strip())
            else:
                if removed.total():
                    logger.info("pruned", **removed)
            finally:
                connection.close()
            next_at = max(next_at + EVERY_S, self._clock())

    def stop(self) -> None:
        self._stopping.set()
        self.join()

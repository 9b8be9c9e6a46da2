"""The thread that runs the exchange beside the simulation of quotes: a source of records."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog
from django.db import connection

from exchange.accounts.notices import Listener
from exchange.accounts.waking import commands_arrived
from exchange.running.driver import Driver
from journal.sources import Put

logger = structlog.get_logger(__name__)

PASS_S: Final = 0.02
FINISH_S: Final = 1.0
"""Time to put the last checkpoints at a stop."""
REPORT_S: Final = 5.0
"""From one log line about books behind their quotes to the next."""


class ExchangeThread:
    """A `LiveExtension`: runs a pass of its `Driver` every PASS_S and when a command arrives."""

    def __init__(
        self,
        make_driver: Callable[[Put], Driver],
        clock: Callable[[], float] = time.monotonic,
        listener: Listener | None = None,
    ) -> None:
        """`listener` sets `commands_arrived` for commands of other processes."""
        self.error: Exception | None = None
        self._make_driver = make_driver
        self._clock = clock
        self._listener = listener
        self._driver: Driver | None = None
        self._thread = threading.Thread(target=self._run, name="exchange", daemon=True)
        self._stopping = threading.Event()
        self._report_at = clock()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    @property
    def lag_s(self) -> float:
        return self._driver.lag_s if self._driver else 0.0

    def summary(self) -> Mapping[str, object]:
        return self._driver.summary() if self._driver else {}

    def start(self, put: Put) -> None:
        self._driver = self._make_driver(put)
        if self._listener is not None:
            self._listener.start()
        self._thread.start()

    def finish(self) -> None:
        self._stopping.set()
        commands_arrived.set()
        self.join(FINISH_S)

    def stop(self) -> None:
        self._stopping.set()
        commands_arrived.set()
        if self._thread.ident is not None:
            self._thread.join()

    def join(self, timeout: float) -> None:
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        try:
            if self._driver is not None and self._passes(self._driver):
                self._driver.close()
        except Exception as error:  # LiveMarket raises it again
            self.error = error
            logger.exception("exchange stopped")
        finally:
            if self._listener is not None:
                self._listener.stop()
            connection.close()

    def _passes(self, driver: Driver) -> bool:
        """Run passes until the end; return whether the intake is still open."""
        while driver.is_running and not self._stopping.is_set():
            due = self._clock() + PASS_S
            if not driver.run_pass():
                return False
            self._report(driver)
            commands_arrived.wait(max(0.0, due - self._clock()))
        return True

    def _report(self, driver: Driver) -> None:
        """Log how far books behind their quotes are."""
        if self._clock() >= self._report_at:
            self._report_at = self._clock() + REPORT_S
            if progress := driver.progress():
                logger.info("books catch up with their quotes", **progress)

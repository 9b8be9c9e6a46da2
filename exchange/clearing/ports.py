"""How the desk reaches the order book of an instrument."""

from typing import Protocol

from market.kinds import Rows


class BookPort(Protocol):
    """The book of one instrument at its present position in history."""

    @property
    def instrument_id(self) -> int: ...

    @property
    def at(self) -> int:
        """Return the simulated time."""

    @property
    def mark(self) -> int:
        """Return the ticks of the newest quote of the law."""

    @property
    def marked_at(self) -> int:
        """Return the time of that quote."""

    @property
    def last(self) -> int:
        """Return the ticks of the last trade, or of the mark if there was none."""

    @property
    def trade_seq(self) -> int:
        """Return the seq of the newest trade; the next FILLED report has the seq after it."""

    def best(self, side: int) -> int | None:
        """Return the best ticks of a side."""

    def levels(self, side: int, n: int) -> Rows:
        """Return up to n rows of (ticks, lots, orders), best first."""

    def send(self, messages: Rows) -> Rows:
        """Execute MESSAGE rows now, log them, number their trades; return the REPORT rows.

        The trades that they cause must not be given to `Desk.on_trades`.
        """

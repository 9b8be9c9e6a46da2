"""History repeated from a checkpoint: the flow as drawn, messages at their positions. Pure."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from exchange.flow.advances import Advance, joined
from exchange.flow.market import BookMarket, Position
from exchange.matching import MESSAGE
from market.kinds import Rows


class DivergedError(ValueError):
    """The repeated history has no such position."""


class Repetition:
    """Repeats what a market did, given its recorded MESSAGES."""

    def __init__(self, market: BookMarket, messages: Iterable[Rows]) -> None:
        """`messages`: those after the market's position, ascending, in arrays of any length."""
        self.market = market
        self._messages = singles(messages)
        self._next = next(self._messages, None)

    def to(self, position: Position, at: int) -> Advance:
        """Repeat everything up to a position and time, messages there included."""
        end = (*position, at)
        return self._to(position, at, lambda message: place_of(message) <= end)

    def to_message(self, seq: int, position: Position, at: int) -> Advance:
        """Repeat everything up to message `seq`, then up to a position and time."""
        return self._to(position, at, lambda message: bool(message["seq"][0] <= seq))

    def _to(self, position: Position, at: int, is_due: Callable[[Rows], bool]) -> Advance:
        parts = []
        while self._next is not None and is_due(self._next):
            slot, event, sent_at = place_of(self._next)
            parts.append(self._go_to(Position(slot, event)))
            parts.append(self._execute(engine_messages(self._next), sent_at))
            self._next = next(self._messages, None)
        parts.append(self._go_to(position))
        self._execute(np.empty(0, MESSAGE), at)  # only time passes
        return joined(parts)

    def _execute(self, messages: Rows, at: int) -> Advance:
        return self.market.execute(messages, max(at, self.market.at))[1]

    def _go_to(self, position: Position) -> Advance:
        """Advance to a position; that after the last event of a slot may be its end."""
        made = self.market.advance_to(position)
        reached = self.market.position
        if reached not in (position, (position.slot + 1, 0)):
            raise DivergedError(
                f"there is no event {position.event} in slot {position.slot}: history continues "
                f"with event {reached.event} of slot {reached.slot}"
            )
        return made


def singles(chunks: Iterable[Rows]) -> Iterator[Rows]:
    """Yield the rows of all chunks as arrays of shape (1,)."""
    for rows in chunks:
        for i in range(len(rows)):
            yield rows[i : i + 1]


def place_of(rows: Rows) -> tuple[int, int, int]:
    """Return slot, event and time of the first of rows of MESSAGES, BLOCKS or CHECKPOINTS."""
    return int(rows["slot"][0]), int(rows["event"][0]), int(rows["at"][0])


def engine_messages(rows: Rows) -> Rows:
    """Return recorded messages as the engine takes them."""
    messages = np.zeros(len(rows), MESSAGE)
    messages["order_id"] = rows["order"]
    for name in ("kind", "side", "tif", "owner", "ticks", "lots"):
        messages[name] = rows[name]
    return messages

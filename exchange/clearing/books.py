"""The books of the desk's instruments, with what the desk knows about each."""

from dataclasses import dataclass, field

from exchange.clearing.accounts import Contract
from exchange.clearing.orders import Order, TriggerBy
from exchange.clearing.ports import BookPort
from exchange.clearing.triggers import Triggers


@dataclass(slots=True)
class Book:
    """A book, attached while it has a port."""

    contract: Contract
    marked_at: int = 0
    port: BookPort | None = None
    holders: set[int] = field(default_factory=set)  # accounts with a position
    orders: set[int] = field(default_factory=set)  # open ones of accounts
    by_last: Triggers = field(default_factory=Triggers)
    by_mark: Triggers = field(default_factory=Triggers)
    traded: tuple[int, int] | None = None
    """Lowest and highest price of trades that triggers have not seen."""

    @property
    def instrument(self) -> int:
        return self.contract.instrument

    @property
    def mark(self) -> int:
        return self.contract.mark

    @property
    def open_port(self) -> BookPort:
        """Return the port; raise LookupError if the book is not attached."""
        if self.port is None:
            raise LookupError(f"the book of instrument {self.instrument} is not attached")
        return self.port

    def triggers(self, order: Order) -> Triggers:
        """Return the triggers among which the order waits."""
        return self.by_mark if order.trigger_by is TriggerBy.MARK else self.by_last

    def watched_price(self, order: Order) -> int:
        """Return the present price that an untriggered order watches."""
        return self.mark if order.trigger_by is TriggerBy.MARK else self.open_port.last

    def refresh(self) -> None:
        """Take the mark from the port."""
        if self.port is not None:
            self.contract.mark, self.marked_at = self.port.mark, self.port.marked_at

    def note_trades(self, lowest: int, highest: int) -> None:
        """Remember prices of trades for the triggers."""
        if self.traded is not None:
            lowest, highest = min(lowest, self.traded[0]), max(highest, self.traded[1])
        self.traded = lowest, highest

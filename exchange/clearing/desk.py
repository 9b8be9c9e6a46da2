"""The clearing desk: margin, triggers, liquidation and funding in front of the engines."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from exchange.clearing.accounts import Account, Contract
from exchange.clearing.commands import Command
from exchange.clearing.ports import BookPort
from market.kinds import Delivery, Rows


@dataclass(slots=True, kw_only=True)
class Tails:
    """The newest seq of each stream of the desk, by instrument (0 if there is none)."""

    order_events: dict[int, int] = field(default_factory=dict)
    executions: dict[int, int] = field(default_factory=dict)
    funding: dict[int, int] = field(default_factory=dict)
    liquidations: int = 0
    """Orders of the exchange so far: the next one has the id -(liquidations + 1)."""


class Desk:
    """All accounts of a process; one thread owns it.

    Every change is a row of ORDER_EVENTS, EXECUTIONS or FUNDING at the time of the book that it
    concerns. From the state that these rows leave (open orders, positions, balances, leverages,
    numbers of rows) an equal desk can be loaded at any moment between two calls.
    """

    def __init__(
        self,
        contracts: Iterable[Contract],
        accounts: Iterable[Account] = (),
        tails: Tails | None = None,
    ) -> None: ...

    def attach(self, port: BookPort) -> None:
        """Serve a book from now on; commands for others are rejected with NO_BOOK."""

    def detach(self, instrument_id: int) -> None:
        """Stop serving a book."""

    def add(self, account: Account) -> None:
        """Add an account that was opened after the desk was loaded."""

    def knows(self, account_id: int) -> bool:
        """Return whether the account was loaded or added."""
        raise NotImplementedError

    def watches(self, instrument_id: int) -> bool:
        """Return whether any account has an open order or a position in the instrument.

        If not, `on_trades` and `on_mark` need not be called between two commands.
        """
        raise NotImplementedError

    def handle(self, command: Command) -> None:
        """Execute a command at the present positions of the attached books.

        The last of its ORDER_EVENTS rows answers it: `command` is its id, `cause` its result.
        Cancelling all orders, money and unknown orders give a row with order 0 for that, in
        the stream of the command's instrument or else of the lowest attached one.
        """

    def on_trades(self, instrument_id: int, trades: Rows) -> None:
        """Book the fills that TRADES rows of the background flow brought to account orders."""

    def on_mark(self, instrument_id: int, ticks: int, at: int) -> None:
        """Take a new mark price at the end of a slot: funding, triggers, liquidation.

        Give the trades of the slot to `on_trades` first.
        """

    def take_records(self) -> list[Delivery]:
        """Return the rows since the last call, numbered without gaps."""
        raise NotImplementedError

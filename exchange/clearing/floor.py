"""The floor: accounts, their open orders and the books, and how they trade."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from exchange.clearing.accounts import Account, Contract
from exchange.clearing.books import Book
from exchange.clearing.money import fee
from exchange.clearing.orders import LARGEST_ID, Cause, Order, State
from exchange.clearing.records import Records, Tails
from exchange.clearing.valuation import required, solvency
from exchange.engine.messages import MESSAGE, Kind, Outcome, TimeInForce

FILLED: Final = int(Outcome.FILLED)
CANCELLED: Final = int(Outcome.CANCELLED)
REJECTED: Final = int(Outcome.REJECTED)


class Reply(NamedTuple):
    """What the engine did beside fills: the reasons of a cancelled remainder, or of a refusal."""

    cancelled: int | None
    rejected: int | None


class Floor:
    """State of the desk and its basic moves.

    `fills` holds maker orders whose fills are not recorded as events yet, with the time of the
    last one; `touched` the holdings that traded; `ended` those whose position was closed.
    """

    def __init__(
        self, contracts: Iterable[Contract], accounts: Iterable[Account], tails: Tails
    ) -> None:
        self.contracts = {contract.instrument: replace(contract) for contract in contracts}
        self.books = {key: Book(contract) for key, contract in self.contracts.items()}
        self.accounts: dict[int, Account] = {}
        self.orders: dict[int, Order] = {}
        self.client_ids: dict[tuple[int, str], Order] = {}
        self.records = Records(tails)
        self.liquidations = tails.liquidations
        self.fills: dict[int, tuple[Order, int]] = {}
        self.touched: dict[tuple[int, int], None] = {}
        self.ended: set[tuple[int, int]] = set()
        for account in accounts:
            self.add(account)

    def add(self, account: Account) -> None:
        """Add an account with its holdings.

        Raise ValueError if it is there already, or holds what the desk has no contract for.
        """
        if account.id in self.accounts:
            raise ValueError(f"account {account.id} is at the desk already")
        for instrument, holding in list(account.holdings.items()):
            if instrument not in self.contracts:
                if holding.position.lots or holding.orders():
                    raise ValueError(
                        f"account {account.id} trades instrument {instrument}, "
                        f"but the desk has contracts for {sorted(self.contracts)} only"
                    )
                del account.holdings[instrument]
        self.accounts[account.id] = account
        for instrument, holding in account.holdings.items():
            if holding.position.lots:
                self.books[instrument].holders.add(account.id)
            for order in holding.orders():
                self.keep(order)

    def keep(self, order: Order) -> None:
        """Index an order that is open now."""
        book = self.books[order.instrument]
        self.accounts[order.account].holding(order.instrument).keep(order)
        self.orders[order.id] = order
        book.orders.add(order.id)
        if order.client_id:
            self.client_ids[order.account, order.client_id] = order
        if order.state is State.UNTRIGGERED:
            book.triggers(order).add(order)

    def drop(self, order: Order) -> None:
        """Forget an order that is no longer open."""
        book = self.books[order.instrument]
        self.accounts[order.account].holding(order.instrument).drop(order)
        self.orders.pop(order.id, None)
        self.client_ids.pop((order.account, order.client_id), None)
        book.orders.discard(order.id)
        book.triggers(order).discard(order)

    def equity(self, account: Account) -> int:
        """Return balance and unrealised profit at the present marks."""
        return solvency(account, self.contracts)[0]

    def required(self, account: Account, *, other_than: int = 0) -> int:
        """Return the initial margin of an account, without that of one instrument."""
        return sum(
            required(account, holding, self.contracts[instrument])
            for instrument, holding in account.holdings.items()
            if instrument != other_than
        )

    def available(self, account: Account) -> int:
        """Return what new positions or withdrawals of an account may use."""
        return self.equity(account) - self.required(account)

    def is_below_maintenance(self, account: Account) -> bool:
        """Return whether the equity of an account is below its maintenance margin."""
        equity, maintenance = solvency(account, self.contracts)
        return equity < maintenance

    def event(self, order: Order, cause: Cause, command: int = 0, at: int | None = None) -> None:
        """Record what an order is now, at the present time of its book or at `at`."""
        if at is None:
            at = self.books[order.instrument].open_port.at
        account = self.accounts[order.account]
        self.records.order_event(at, order.instrument, account, order, command, cause)

    def send(
        self,
        kind: Kind,
        order: Order,
        *,
        ticks: int = 0,
        lots: int = 0,
        tif: TimeInForce = TimeInForce.GTC,
    ) -> Reply:
        """Send a message about an order to its book, and book the fills of both sides."""
        book = self.books[order.instrument]
        port, cancelled, rejected = book.open_port, None, None
        trade_seq = port.trade_seq
        row = (kind, order.side, tif, engine_id(order.id), order.account, ticks, lots)
        for report in port.send(np.array([row], MESSAGE)).tolist():
            outcome, _, _, maker_id, _, price, filled, reason = report
            if outcome == FILLED:
                trade_seq += 1
                trade = trade_seq, price, filled
                self.fill(order, trade, port.at, is_maker=False)
                if maker_id < 0:
                    self.fill_maker(-maker_id, trade, port.at)
                book.note_trades(price, price)
            elif outcome == CANCELLED:
                cancelled = reason
            elif outcome == REJECTED:
                rejected = reason
        return Reply(cancelled, rejected)

    def fill_maker(self, order_id: int, trade: tuple[int, int, int], at: int) -> None:
        """Book a fill of a resting order; raise LookupError if the desk does not know it."""
        if (order := self.orders.get(order_id)) is None:
            raise LookupError(f"order {order_id} was filled but is not open at the desk")
        self.fill(order, trade, at, is_maker=True)
        self.fills.pop(order_id, None)
        self.fills[order_id] = order, at

    def fill(self, order: Order, trade: tuple[int, int, int], at: int, *, is_maker: bool) -> None:
        """Book a trade (seq, ticks, lots) of an order: position, fee and balance."""
        book, account = self.books[order.instrument], self.accounts[order.account]
        position = account.holding(order.instrument).position
        _, ticks, lots = trade
        before, tick_value = position.lots, book.contract.tick_value
        realised = position.trade(order.side, ticks, lots, tick_value)
        rate = account.fees.maker_ppm if is_maker else account.fees.taker_ppm
        paid = fee(ticks * lots * tick_value, rate)
        account.balance += realised - paid
        order.filled += lots
        self.records.execution(
            at, account, order, trade, is_maker=is_maker, fee=paid, realised=realised
        )
        (book.holders.add if position.lots else book.holders.discard)(account.id)
        self.touched[account.id, order.instrument] = None
        if before and before * position.lots <= 0:
            self.ended.add((account.id, order.instrument))

    def report_fills(self) -> None:
        """Record an event for each resting order that was filled."""
        for order, at in self.fills.values():
            order.move(State.PARTIALLY_FILLED if order.leaves else State.FILLED)
            if not order.leaves:
                self.drop(order)
            self.event(order, Cause.FILLED, at=at)
        self.fills.clear()

    def cancel(self, order: Order, cause: Cause, command: int = 0) -> None:
        """Cancel an open order."""
        if order.state is not State.UNTRIGGERED:
            self._must(self.send(Kind.CANCEL, order), order)
        order.move(State.CANCELLED)
        self.drop(order)
        self.event(order, cause, command)

    def shrink(self, order: Order, lots: int, cause: Cause, command: int = 0) -> None:
        """Make a resting order smaller by `lots`, in its place."""
        self._must(self.send(Kind.REDUCE, order, lots=order.leaves - lots), order)
        order.lots -= lots
        self.event(order, cause, command)

    def _must(self, reply: Reply, order: Order) -> None:
        if reply.rejected is not None:
            raise LookupError(
                f"order {order.id} is {order.state.name} at the desk but does not rest in the book"
            )


def engine_id(order_id: int) -> int:
    """Return the engine's id of an account's order: always negative."""
    return -order_id if order_id > 0 else order_id - LARGEST_ID

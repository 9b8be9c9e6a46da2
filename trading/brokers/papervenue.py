"""A venue for paper orders: requests arrive late, fills follow the queue, fees are charged. Pure.

Time is that of the market data, in microseconds: whoever feeds a trade or a level says when it
happened, and every request that has arrived by then is executed first. Differences to a real venue:
no margin, no funding, no impact, and reduce-only orders are trimmed one by one.
"""

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from exchange.clearing.fees import Fees
from exchange.clearing.money import fee
from trading.core.paperbook import PaperBook, PaperFill, PaperOrder, WouldTakeError
from trading.core.profits import Fill, ProfitAndLoss
from venues.brokers import (
    Balance,
    ExecutionSeen,
    Instruction,
    OrderReport,
    OrderSeen,
    PositionSeen,
    RefusedError,
    VenueState,
)

OPEN: Final = VenueState.WORKING


@dataclass(slots=True)
class Known:
    """An order that was sent here."""

    sent: Instruction
    paper: PaperOrder
    state: VenueState | None = None
    """None while it is on its way."""
    number: int = 0
    reason: str = ""

    @property
    def is_open(self) -> bool:
        return self.state is OPEN

    def seen(self) -> OrderSeen:
        paper = self.paper
        report = OrderReport(
            number=self.number,
            state=OPEN if self.state is None else self.state,
            lots=paper.lots,
            filled=paper.filled,
            ticks=paper.ticks,
        )
        return OrderSeen(
            client_id=self.sent.client_id,
            venue_id=self.sent.client_id,
            symbol=self.sent.symbol,
            side=self.sent.side,
            report=report,
            reason=self.reason,
        )


@dataclass(slots=True)
class Market:
    """One instrument: its book with our orders, and what they came to."""

    result: ProfitAndLoss
    book: PaperBook = field(default_factory=PaperBook)
    mark: int = 0


class PaperVenue:
    """One account. `tick_values` are those of the instruments, by symbol."""

    def __init__(
        self, tick_values: Mapping[str, int], *, balance: int, fees: Fees, latency_us: int = 0
    ) -> None:
        self.changes: Final[list[OrderSeen | ExecutionSeen]] = []
        """All that happened, in order."""
        self._markets = {
            symbol: Market(ProfitAndLoss(tick_value=value)) for symbol, value in tick_values.items()
        }
        self._deposit = balance
        self._fees = fees
        self._latency_us = latency_us
        self._orders: dict[str, Known] = {}
        self._requests: list[tuple[int, int, Callable[[int], None]]] = []
        self._counter = count()
        self._events = self._fills = 0

    def place(self, order: Instruction, at: int) -> None:
        """Send an order, which arrives after the latency; again under its client id: nothing."""
        if (known := self._orders.get(order.client_id)) is not None:
            if known.sent != order:
                raise RefusedError(f"client id {order.client_id!r} named another order before")
            return
        if order.symbol not in self._markets:
            raise RefusedError(f"{order.symbol} is not fed: choose {', '.join(self._markets)}")
        paper = PaperOrder(
            client_id=order.client_id,
            side=order.side,
            style=order.style,
            lots=order.lots,
            ticks=order.ticks,
        )
        known = self._orders[order.client_id] = Known(order, paper)
        self._request(at, lambda now: self._arrive(known, now))

    def cancel(self, client_id: str, at: int) -> None:
        self._request(at, lambda now: self._cancel(client_id, "cancelled"))

    def amend(self, client_id: str, lots: int, ticks: int, at: int) -> None:
        self._request(at, lambda now: self._amend(client_id, lots, ticks, now))

    def advance(self, at: int) -> None:
        """Execute the requests that have arrived."""
        while self._requests and self._requests[0][0] <= at:
            arrived, _, execute = heapq.heappop(self._requests)
            execute(arrived)

    def trade(self, symbol: str, side: int, ticks: int, lots: int, at: int) -> None:
        """Feed a trade of the venue; `side` is that of its aggressor."""
        self.advance(at)
        market = self._markets[symbol]
        market.mark = ticks
        self._book(symbol, market.book.trade(side, ticks, lots), at)

    def level(self, symbol: str, side: int, ticks: int, lots: int, at: int) -> None:
        """Feed a level of the venue's book; 0 lots remove it."""
        self.advance(at)
        self._book(symbol, self._markets[symbol].book.change(side, ticks, lots), at)

    def order(self, client_id: str) -> OrderSeen:
        known = self._orders.get(client_id)
        if known is None:
            report = OrderReport(number=self._events, state=VenueState.UNKNOWN)
            return OrderSeen(client_id=client_id, report=report)
        return known.seen()

    def is_waiting(self, client_id: str) -> bool:
        """Return whether an order is still on its way."""
        known = self._orders.get(client_id)
        return known is not None and known.state is None

    def open_orders(self, symbol: str = "") -> list[OrderSeen]:
        return [
            known.seen()
            for known in self._orders.values()
            if known.is_open and symbol in ("", known.sent.symbol)
        ]

    def positions(self) -> list[PositionSeen]:
        return [
            PositionSeen(
                symbol=symbol,
                lots=market.result.method.lots,
                cost=market.result.method.cost,
                mark=market.mark,
                realised=market.result.realised,
                fees=market.result.fees,
                funding=0,
            )
            for symbol, market in self._markets.items()
        ]

    def balance(self) -> Balance:
        results = [(market.result, market.mark) for market in self._markets.values()]
        money = self._deposit + sum(result.net for result, _ in results)
        equity = money + sum(result.unrealised(mark) for result, mark in results)
        return Balance(balance=money, equity=equity, available=equity)

    def arrival(self, at: int) -> int:
        """Return when a request arrives that is sent at a time."""
        return at + self._latency_us

    def _request(self, at: int, execute: Callable[[int], None]) -> None:
        heapq.heappush(self._requests, (self.arrival(at), next(self._counter), execute))

    def _arrive(self, known: Known, at: int) -> None:
        market, paper = self._markets[known.sent.symbol], known.paper
        if known.sent.reduce_only and not self._fits(market, known):
            self._report(known, VenueState.REJECTED, "there is no position that it reduces")
            return
        self._execute(known, lambda: market.book.place(paper), at)

    def _execute(self, known: Known, place: Callable[[], list[PaperFill]], at: int) -> None:
        """Let an order enter its book, and report what became of it."""
        try:
            fills = place()
        except WouldTakeError as error:
            self._report(known, VenueState.REJECTED, str(error))
            return
        known.state = OPEN
        for fill in fills:
            self._execution(known, fill, at)
        rests = any(order is known.paper for order in self._book_of(known).resting)
        if known.paper.leaves and not rests:
            self._report(known, VenueState.CANCELLED, "nothing more rests")
        else:
            self._report(known, OPEN if rests else VenueState.FILLED, "accepted")
        self._trim(known.sent.symbol)

    def _amend(self, client_id: str, lots: int, ticks: int, at: int) -> None:
        known = self._orders.get(client_id)
        if known is None or not known.is_open or lots <= known.paper.filled:
            return
        paper, book = known.paper, self._book_of(known)
        if ticks == paper.ticks and lots <= paper.lots:
            book.reduce(client_id, lots)
            self._report(known, OPEN, "amended")
            return
        book.cancel(client_id)  # any other change loses the place
        paper.lots, paper.ticks = lots, ticks
        self._execute(known, lambda: book.place(paper), at)

    def _cancel(self, client_id: str, reason: str) -> None:
        known = self._orders.get(client_id)
        if known is not None and known.is_open:
            self._book_of(known).cancel(client_id)
            self._report(known, VenueState.CANCELLED, reason)

    def _book(self, symbol: str, fills: list[PaperFill], at: int) -> None:
        """Book the fills of resting orders."""
        for fill in fills:
            known = self._orders[fill.client_id]
            self._execution(known, fill, at)
            self._report(known, OPEN if known.paper.leaves else VenueState.FILLED, "filled")
        if fills:
            self._trim(symbol)

    def _execution(self, known: Known, fill: PaperFill, at: int) -> None:
        market, side = self._markets[known.sent.symbol], known.sent.side
        ppm = self._fees.maker_ppm if fill.is_maker else self._fees.taker_ppm
        paid = fee(fill.lots * fill.ticks * market.result.tick_value, ppm)
        realised = market.result.trade(Fill(side, fill.ticks, fill.lots, paid))
        self._fills += 1
        self.changes.append(
            ExecutionSeen(
                number=self._fills,
                venue_id=str(self._fills),
                client_id=fill.client_id,
                symbol=known.sent.symbol,
                at=at,
                side=side,
                ticks=fill.ticks,
                lots=fill.lots,
                is_maker=fill.is_maker,
                fee=paid,
                realised=realised,
            )
        )

    def _report(self, known: Known, state: VenueState, reason: str) -> None:
        self._events += 1
        known.state, known.number, known.reason = state, self._events, reason
        self.changes.append(known.seen())

    def _trim(self, symbol: str) -> None:
        """Shrink or cancel the reduce-only orders that exceed the position."""
        market = self._markets[symbol]
        for paper in market.book.resting:
            known = self._orders[paper.client_id]
            if not known.sent.reduce_only:
                continue
            most = max(0, -paper.side * market.result.method.lots)
            if not most:
                self._cancel(paper.client_id, "the position is closed")
            elif paper.leaves > most:
                market.book.reduce(paper.client_id, paper.filled + most)
                self._report(known, OPEN, "reduced")

    def _fits(self, market: Market, known: Known) -> bool:
        """Shrink a reduce-only order to the position; return False if there is none."""
        most = -known.paper.side * market.result.method.lots
        known.paper.lots = max(1, min(known.paper.lots, most))
        return most > 0

    def _book_of(self, known: Known) -> PaperBook:
        return self._markets[known.sent.symbol].book

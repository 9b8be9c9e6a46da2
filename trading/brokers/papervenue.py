"""A venue for paper orders: requests arrive late, fills follow the queue, fees are charged. Pure.

Time is that of the market data, in microseconds: whoever feeds a trade or a level says when it
happened, and every request that has arrived by then is executed first. Differences to a real venue:
no margin, no funding, no impact, and reduce-only orders are trimmed one by one.
"""

import heapq
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from exchange.clearing.fees import Fees
from exchange.clearing.money import fee
from trading.brokers.papermarkets import OPEN, Known, Market, Request
from trading.core.paperbook import PaperBook, PaperFill, WouldTakeError
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

KEPT: Final = 50
"""Orders that have ended, and executions, which are stored for whoever asks for them again."""


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
        self._asked = self._events = self._fills = 0

    def place(self, order: Instruction, at: int) -> None:
        """Send an order, which arrives after the latency; again under its client id: nothing."""
        if (known := self._orders.get(order.client_id)) is not None:
            if known.sent != order:
                raise RefusedError(f"client id {order.client_id!r} named another order before")
            return
        if order.symbol not in self._markets:
            raise RefusedError(f"{order.symbol} is not fed: choose {', '.join(self._markets)}")
        self._orders[order.client_id] = Known.of(order)
        self._request("place", order.client_id, at)

    def cancel(self, client_id: str, at: int) -> None:
        self._request("cancel", client_id, at)

    def amend(self, client_id: str, lots: int, ticks: int, at: int) -> None:
        self._request("amend", client_id, at, lots, ticks)

    def advance(self, at: int) -> None:
        """Execute the requests that have arrived in every instrument."""
        for symbol in self._markets:
            self.advance_to(symbol, at)

    def advance_to(self, symbol: str, at: int) -> None:
        """Execute the requests that have arrived in one instrument."""
        market = self._markets[symbol]
        while market.requests and market.requests[0].arrives <= at:
            self._carry_out(heapq.heappop(market.requests))
        market.at = max(market.at, at)

    def trade(self, symbol: str, side: int, ticks: int, lots: int, at: int) -> None:
        """Feed a trade of the venue; `side` is that of its aggressor."""
        self.advance_to(symbol, at)
        market = self._markets[symbol]
        market.mark = ticks
        self._book(symbol, market.book.trade(side, ticks, lots), at)

    def level(self, symbol: str, side: int, ticks: int, lots: int, at: int) -> None:
        """Feed a level of the venue's book; 0 lots remove it."""
        self.advance_to(symbol, at)
        self._book(symbol, self._markets[symbol].book.change(side, ticks, lots), at)

    def give_up(self, symbol: str, reason: str) -> list[str]:
        """End all that may have traded unseen, without a fill; return the orders' client ids.

        Requests on their way are lost, and nothing is known of the book any more.
        """
        market, ended = self._markets[symbol], list[str]()
        for known in self._orders.values():
            if known.sent.symbol == symbol and known.state in (None, OPEN):
                ended.append(known.sent.client_id)
                state = VenueState.REJECTED if known.state is None else VenueState.CANCELLED
                self._report(known, state, reason)
        market.requests, market.book = [], PaperBook()
        return ended

    def order(self, client_id: str) -> OrderSeen:
        known = self._orders.get(client_id)
        if known is None:
            report = OrderReport(number=self._events, state=VenueState.UNKNOWN)
            return OrderSeen(client_id=client_id, report=report)
        return known.seen()

    def is_waiting(self, client_id: str) -> bool:
        """Return whether a request for an order is still on its way."""
        known = self._orders.get(client_id)
        if known is None:
            return False
        market = self._markets[known.sent.symbol]
        return any(request.client_id == client_id for request in market.requests)

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

    @property
    def markets(self) -> Mapping[str, Market]:
        """The instruments by symbol."""
        return self._markets

    @property
    def executions(self) -> list[ExecutionSeen]:
        """The fills, oldest first."""
        return [each for each in self.changes if isinstance(each, ExecutionSeen)]

    def changed_since(self, number: int) -> list[OrderSeen]:
        """Return the orders that changed after the event of a number, in that order."""
        found = [known.seen() for known in self._orders.values() if known.number > number]
        return sorted(found, key=lambda seen: seen.report.number)

    def as_json(self, counted: int) -> dict[str, Any]:
        """Return what `restore` needs; executions up to `counted` were read by everyone."""
        ended = [known for known in self._orders.values() if known.state not in (None, OPEN)]
        ended.sort(key=lambda known: known.number)
        forgotten = {known.sent.client_id for known in ended[:-KEPT]}
        return {
            "asked": self._asked,
            "events": self._events,
            "fills": self._fills,
            "orders": [
                known.as_json() for name, known in self._orders.items() if name not in forgotten
            ],
            "markets": {symbol: market.as_json() for symbol, market in self._markets.items()},
            "executions": [
                asdict(each)
                for n, each in enumerate(reversed(self.executions))
                if n < KEPT or each.number > counted
            ][::-1],
        }

    def restore(self, stored: Mapping[str, Any]) -> None:
        """Take over what `as_json` returned; the books must show their levels of that moment."""
        self._asked, self._events = stored["asked"], stored["events"]
        self._fills = stored["fills"]
        found = (Known.from_json(each) for each in stored["orders"])
        self._orders = {known.sent.client_id: known for known in found}
        self.changes.extend(ExecutionSeen(**each) for each in stored["executions"])
        for symbol, market in stored["markets"].items():
            self._markets[symbol].restore(market, self._orders)

    def arrival(self, at: int) -> int:
        """Return when a request arrives that is sent at a time."""
        return at + self._latency_us

    def _request(self, kind: str, client_id: str, at: int, lots: int = 0, ticks: int = 0) -> None:
        known = self._orders.get(client_id)
        if known is None:
            return
        self._asked += 1
        request = Request(self.arrival(at), self._asked, kind, client_id, lots, ticks)
        heapq.heappush(self._markets[known.sent.symbol].requests, request)

    def _carry_out(self, request: Request) -> None:
        if request.kind == "place":
            self._arrive(self._orders[request.client_id], request.arrives)
        elif request.kind == "amend":
            self._amend(request.client_id, request.lots, request.ticks, request.arrives)
        else:
            self._cancel(request.client_id, "cancelled")

    def _arrive(self, known: Known, at: int) -> None:
        market, paper = self._markets[known.sent.symbol], known.paper
        if known.sent.reduce_only:
            most = self._reducible(known)
            if not most:
                self._report(known, VenueState.REJECTED, "there is no position that it reduces")
                return
            paper.lots = min(paper.lots, most)
        self._execute(known, lambda: market.book.place(paper), at)

    def _execute(self, known: Known, place: Callable[[], list[PaperFill]], at: int) -> None:
        """Let an order enter its book, and report what became of it."""
        try:
            fills = place()
        except WouldTakeError as error:
            ended = VenueState.CANCELLED if known.is_open else VenueState.REJECTED
            self._report(known, ended, str(error))
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
        if known is None or not known.is_open:
            return
        paper, book = known.paper, self._book_of(known)
        if known.sent.reduce_only:
            lots = min(lots, paper.filled + self._reducible(known))
        if lots <= paper.filled:
            return
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
            most = self._reducible(known)
            if not most:
                self._cancel(paper.client_id, "the position is closed")
            elif paper.leaves > most:
                market.book.reduce(paper.client_id, paper.filled + most)
                self._report(known, OPEN, "reduced")

    def _reducible(self, known: Known) -> int:
        """Return how many lots of the position an order may still close."""
        held = self._markets[known.sent.symbol].result.method.lots
        return max(0, -known.paper.side * held)

    def _book_of(self, known: Known) -> PaperBook:
        return self._markets[known.sent.symbol].book

"""From what a strategy wants to the orders that bring it about, given those that work already."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from exchange.engine.messages import BUY, SELL
from trading.core.execution import Circumstances, choose
from trading.core.strategies.strategy import Decision, Quote
from venues.brokers import Style


@dataclass(frozen=True, kw_only=True)
class Working:
    """An order of the bot that may still trade."""

    client_id: str
    side: int
    style: Style
    ticks: int
    leaves: int


class Order(NamedTuple):
    """An order to send."""

    side: int
    style: Style
    lots: int
    ticks: int
    reduce_only: bool


class Actions(NamedTuple):
    """Client ids to cancel, then orders to send."""

    cancel: Sequence[str]
    send: Sequence[Order]


def actions(
    decision: Decision, held: int, working: Sequence[Working], now: Circumstances
) -> Actions:
    """Return what to do in an instrument.

    A target is approached by one order at a time, and through zero in two: the first one only
    closes. What rests and is not wanted is cancelled before anything else is sent.
    """
    unwanted, missing = _quotes(decision.quotes, working)
    if decision.target is None or decision.target == held:
        return Actions(unwanted, missing)
    if working:
        return Actions([order.client_id for order in _stale(working, now)], [])
    return Actions([], [_towards(decision.target, held, now)])


def _quotes(wanted: Sequence[Quote], working: Sequence[Working]) -> tuple[list[str], list[Order]]:
    """Compare the quotes that should rest with the orders that do."""
    resting = {(order.side, order.ticks, order.leaves) for order in working}
    kept = {(quote.side, quote.ticks, quote.lots) for quote in wanted}
    missing = [
        Order(quote.side, Style.POST_ONLY, quote.lots, quote.ticks, reduce_only=False)
        for quote in wanted
        if (quote.side, quote.ticks, quote.lots) not in resting
    ]
    unwanted = [
        order.client_id for order in working if (order.side, order.ticks, order.leaves) not in kept
    ]
    return unwanted, missing


def _stale(working: Sequence[Working], now: Circumstances) -> list[Working]:
    """Return the orders on the way to a target that are no longer at the best price."""
    return [
        order
        for order in working
        if order.style is not Style.MARKET and order.ticks != now.touch.own(order.side)
    ]


def _towards(target: int, held: int, now: Circumstances) -> Order:
    crosses = held * target < 0
    missing = (0 if crosses else target) - held
    side = BUY if missing > 0 else SELL
    choice = choose(side, now)
    reduces = abs(0 if crosses else target) < abs(held)
    return Order(side, choice.style, abs(missing), choice.ticks, reduces)

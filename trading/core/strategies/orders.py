"""From what a strategy wants to the orders that bring it about, given those that work already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from exchange.engine.messages import BUY, SELL
from trading.core.chasing import Chase, Chased, Move, decide
from trading.core.orderchoice import Circumstances, choose
from trading.core.strategies.strategy import Decision, Quote
from venues.brokers import Style

ENDS: Final = (Move.GIVE_UP, Move.CROSS)


@dataclass(frozen=True, kw_only=True)
class Working:
    """An order of the bot that may still trade."""

    client_id: str
    side: int
    style: Style
    ticks: int
    leaves: int
    first_ticks: int = 0
    """Where it began; 0: here."""
    moves: int = 0
    """How often it followed the price."""
    waited_s: float = 0.0


class Order(NamedTuple):
    """An order to send."""

    side: int
    style: Style
    lots: int
    ticks: int
    reduce_only: bool


class Actions(NamedTuple):
    """Client ids to cancel, then orders to send, and new limits of orders by client id."""

    cancel: Sequence[str]
    send: Sequence[Order]
    reprice: Mapping[str, int] = {}
    crosses: bool = False
    """Whether the chase has ended, and the next order shall take."""
    gives_up: bool = False
    """Whether the chase has ended for now."""


def actions(
    decision: Decision, held: int, working: Sequence[Working], now: Circumstances, chase: Chase
) -> Actions:
    """Return what to do in an instrument.

    A target is approached by one order at a time, and through zero in two: the first one only
    closes. An order that waits follows the price, as far as `chase` allows. What rests and is not
    wanted is cancelled before anything else is sent.
    """
    unwanted, missing = _quotes(decision.quotes, working)
    if decision.target is None or decision.target == held:
        return Actions(unwanted, missing)
    if working:
        return _chase(working, now, chase)
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


def _chase(working: Sequence[Working], now: Circumstances, chase: Chase) -> Actions:
    """Return what becomes of the orders on the way to a target."""
    found = {
        order.client_id: decide(chase, _chased(order), now.touch)
        for order in working
        if order.style is not Style.MARKET
    }
    ended = {each: what.move for each, what in found.items() if what.move in ENDS}
    return Actions(
        list(ended),
        [],
        {each: what.ticks for each, what in found.items() if what.move is Move.REPRICE},
        crosses=Move.CROSS in ended.values(),
        gives_up=Move.GIVE_UP in ended.values(),
    )


def _chased(order: Working) -> Chased:
    return Chased(
        side=order.side,
        first_ticks=order.first_ticks or order.ticks,
        ticks=order.ticks,
        moves=order.moves,
        waited_s=order.waited_s,
    )


def _towards(target: int, held: int, now: Circumstances) -> Order:
    crosses = held * target < 0
    missing = (0 if crosses else target) - held
    side = BUY if missing > 0 else SELL
    choice = choose(side, now)
    reduces = abs(0 if crosses else target) < abs(held)
    return Order(side, choice.style, abs(missing), choice.ticks, reduces)

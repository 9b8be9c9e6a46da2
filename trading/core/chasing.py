"""Chasing: a limit order follows a price that moves away from it, within bounds."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from trading.core.orderchoice import Touch


class Move(IntEnum):
    KEEP = 0
    REPRICE = 1
    GIVE_UP = 2
    """Cancel the remainder."""
    CROSS = 3
    """Send the remainder as an order that takes, within the largest distance."""


class Decision(NamedTuple):
    move: Move
    ticks: int = 0
    """The new limit of REPRICE and CROSS."""


@dataclass(frozen=True, kw_only=True)
class Chase:
    """The bounds of a chase: it ends after so many moves, so many ticks, or so much time."""

    most_moves: int
    most_ticks: int
    """How far the limit may go from where it began, against us."""
    longest_s: float
    least_ticks: int = 1
    """The price must be this far away before the order follows."""
    crosses: bool = False
    """At the end, take what is within `most_ticks` instead of giving up."""

    def __post_init__(self) -> None:
        if min(self.most_moves, self.most_ticks) < 0 or self.least_ticks < 1:
            raise ValueError(f"{self}: moves and ticks must be 0 or more, least_ticks 1 or more")
        if not 0 < self.longest_s < float("inf"):
            raise ValueError(f"longest_s {self.longest_s} is not a finite time above 0")


@dataclass(frozen=True, kw_only=True)
class Chased:
    """An order that is chased."""

    side: int
    first_ticks: int
    ticks: int
    moves: int = 0
    waited_s: float = 0.0


KEEP: Final = Decision(Move.KEEP)


def decide(chase: Chase, order: Chased, touch: Touch) -> Decision:
    """Return what to do with an order at the present best prices."""
    worst = order.first_ticks + order.side * chase.most_ticks
    wanted = touch.own(order.side)
    if order.waited_s >= chase.longest_s:
        return _end(chase, order, touch, worst)
    if order.side * (wanted - order.ticks) < chase.least_ticks:
        return KEEP  # it is at the best price, or better
    if order.moves >= chase.most_moves or order.ticks == worst:
        return _end(chase, order, touch, worst)
    return Decision(Move.REPRICE, _better(order.side, wanted, worst))


def _end(chase: Chase, order: Chased, touch: Touch, worst: int) -> Decision:
    opposite = touch.opposite(order.side)
    if chase.crosses and order.side * (worst - opposite) >= 0:
        return Decision(Move.CROSS, opposite)
    return Decision(Move.GIVE_UP)


def _better(side: int, one: int, other: int) -> int:
    """Return the price that is better for the side that pays it."""
    return min(one, other) if side > 0 else max(one, other)

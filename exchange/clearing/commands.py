"""Commands of accounts to the desk."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from exchange.clearing.orders import Order


class CommandKind(IntEnum):
    PLACE = 0
    """`placed`: the order. Closing a position is a market order with `close`."""
    AMEND = 1
    """`order` or `client_id`; what changes of ticks, lots (in total) and trigger_ticks."""
    CANCEL = 2
    """`order` or `client_id`."""
    CANCEL_ALL = 3
    """`instrument`, or 0 for all of them."""
    LEVERAGE = 4
    """`instrument`, `leverage`."""
    MONEY = 5
    """`amount`: a deposit if positive, a withdrawal if negative."""


ANYTIME: Final = (CommandKind.CANCEL, CommandKind.CANCEL_ALL, CommandKind.MONEY)
"""Commands that need no book that is level with its quotes, nor a running exchange to be stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    id: int
    account: int
    kind: CommandKind
    instrument: int = 0
    order: int = 0
    client_id: str = ""
    placed: Order | None = None
    ticks: int | None = None
    lots: int | None = None
    trigger_ticks: int | None = None
    leverage: int = 0
    amount: int = 0

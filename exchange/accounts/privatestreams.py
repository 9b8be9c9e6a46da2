"""The private topics of accounts: orders, executions, positions, balance.

Orders and executions are numbered per account and resumable. Positions and balance are states: each
frame is the whole, and its version says which is newer.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import numpy as np
from django.db.models import OuterRef, Subquery

from exchange import kinds
from exchange.accounts.instruments import with_keys
from exchange.accounts.listings import (
    EVENTS,
    EXECUTIONS,
    Listing,
    average_cost,
    money,
    with_client_ids,
)
from exchange.accounts.rows import in_order
from exchange.clearing.orders import Cause
from exchange.models import Account, Execution, Leverage, Order, OrderEvent
from instruments.models import Instrument
from live import bulletin, makers, sequenced, topics
from live.cutting import made
from live.frames import Frame, Publication
from live.sequenced import Missed
from market.kinds import Delivery, Rows
from market.times import from_microseconds, to_microseconds

ORDERS_TOPIC: Final = "orders"
EXECUTIONS_TOPIC: Final = "executions"
POSITIONS_TOPIC: Final = "positions"
BALANCE_TOPIC: Final = "balance"
HELD: Final = tuple(
    f"positions__{name}"
    for name in ("instrument", "lots", "cost", "realised", "fees", "funding", "updated_at")
)
"""What is published of a position; all are None for an account without positions."""


@dataclass(frozen=True)
class Numbered:
    """A topic whose rows an account counts (live.sequenced.Sequenced); keys are accounts."""

    topic: str
    listing: Listing[Any]
    counter: str
    """The field of Account that holds the newest number."""
    rows: Callable[[], Any]
    """All rows of the topic, with what the listing needs."""

    def ends(self, keys: Iterable[str]) -> dict[str, int]:
        """Return the newest number of each account."""
        wanted = [int(key) for key in keys]
        found = Account.objects.filter(pk__in=wanted).values_list("pk", self.counter)
        return dict.fromkeys(map(str, wanted), 0) | {str(key): end for key, end in found}

    def missed(self, key: str, since: int | None, limit: int) -> Missed:
        """Return what came after number `since` (None: the newest row alone)."""
        last = self.ends([key])[key]
        if last == (since or 0):
            return Missed([], last)
        if since is not None and since > last:
            return Missed([{"topic": self.topic, "type": "reset", "last_seq": last}], last)
        first = last if since is None else max(since + 1, last - limit + 1)
        frames: list[Frame] = []
        if since is not None and first > since + 1:
            frames.append(
                {"topic": self.topic, "type": "gap", "from_seq": since + 1, "to_seq": first - 1}
            )
        found = self.rows().filter(account=key, number__gte=first, number__lte=last)
        return Missed([*frames, self.frame(found.order_by("number"))], last)

    def frame(self, rows: Iterable[Any]) -> Frame:
        data = [self.row(each) for each in rows]
        return {"topic": self.topic, "type": self.topic, "data": data}

    def row(self, row: Any) -> tuple[Any, ...]:
        values = self.listing.json_row(self.listing.values(row))
        return tuple(float(each) if isinstance(each, Decimal) else each for each in values)

    def publications(self, rows: Iterable[Any]) -> list[Publication]:
        """Return a publication per account of rows ascending by account and number."""
        of_account: dict[int, list[Any]] = {}
        for each in rows:
            of_account.setdefault(each.account, []).append(each)
        return [
            made(
                self.frame(mine),
                mine[0].number,
                mine[-1].number,
                topic=topics.of_account(self.topic, account),
            )
            for account, mine in of_account.items()
        ]


EVENTS_OF_ACCOUNTS: Final = Numbered(
    ORDERS_TOPIC, EVENTS, "events", lambda: with_client_ids(OrderEvent.objects.all())
)
EXECUTIONS_OF_ACCOUNTS: Final = Numbered(
    EXECUTIONS_TOPIC,
    EXECUTIONS,
    "executions",
    lambda: Execution.objects.select_related("instrument"),
)


def publish(committed: Sequence[Delivery]) -> list[Publication]:
    """Return the private publications of a transaction: rows first, then states."""
    of_kind: dict[str, list[Rows]] = {}
    for kind, rows in committed:
        of_kind.setdefault(kind.name, []).append(rows)
    events = joined(of_kind.get(kinds.ORDER_EVENTS.name, ()))
    executions = joined(of_kind.get(kinds.EXECUTIONS.name, ()))
    funding = [row for rows in of_kind.get(kinds.FUNDING.name, ()) for row in rows]
    if not (events or executions or funding):
        return []
    instruments = with_keys({int(row["instrument"]) for row in events + executions})
    client_ids = dict(
        Order.objects.filter(pk__in={int(row["order"]) for row in events})
        .exclude(client_id="")
        .values_list("pk", "client_id")
    )
    moved = {int(row["account"]) for row in executions + funding}
    levered = {int(row["account"]) for row in events if row["cause"] == Cause.LEVERAGE_SET}
    return [
        *EVENTS_OF_ACCOUNTS.publications(event_of(row, instruments, client_ids) for row in events),
        *EXECUTIONS_OF_ACCOUNTS.publications(execution_of(row, instruments) for row in executions),
        *states(moved | levered),
    ]


def joined(blocks: Sequence[Rows]) -> list[Any]:
    """Return rows of several streams, ascending by account and number."""
    return list(in_order(np.concatenate(blocks))) if blocks else []


def event_of(
    row: Any, instruments: Mapping[int, Instrument], client_ids: Mapping[int, str]
) -> OrderEvent:
    event = OrderEvent(**fields_of(row, instruments))
    event.client_id = client_ids.get(event.order, "")  # type: ignore[attr-defined]  # annotation
    return event


def execution_of(row: Any, instruments: Mapping[int, Instrument]) -> Execution:
    return Execution(**fields_of(row, instruments))


def fields_of(row: Any, instruments: Mapping[int, Instrument]) -> dict[str, Any]:
    fields = {name: int(row[name]) for name in row.dtype.names}
    at, instrument = fields.pop("at"), fields.pop("instrument")
    return {**fields, "at": from_microseconds(at), "instrument": instruments[instrument]}


def states(keys: Iterable[int]) -> list[Publication]:
    """Return positions and balance of accounts, as they are now."""
    wanted = set(keys)
    if not wanted:  # most orders move nothing: the query would be compiled for nothing
        return []
    chosen = Leverage.objects.filter(
        account=OuterRef("pk"), instrument=OuterRef("positions__instrument")
    )
    rows = (
        Account.objects.filter(pk__in=wanted)
        .annotate(leverage=Subquery(chosen.values("leverage")))
        .order_by("pk", "positions__instrument")
        .values_list("pk", "version", "balance", "leverage", *HELD)
    )
    found: list[Publication] = []
    for (key, version, balance), mine in groupby(rows, key=itemgetter(0, 1, 2)):
        held = [position_json(*row[3:]) for row in mine if row[4] is not None]
        found += [
            state_of(POSITIONS_TOPIC, key, version, held),
            state_of(BALANCE_TOPIC, key, version, {"balance": float(money(balance))}),
        ]
    return found


def state_of(topic: str, account: int, version: int, data: Any) -> Publication:
    frame = {"topic": topic, "type": "snapshot", "data": data}
    publication = made(frame, 0, 0, topic=topics.of_account(topic, account))
    return {**publication, "version": version}


def position_json(
    leverage: int | None, instrument_id: int, lots: int, cost: int, *rest: Any
) -> dict[str, Any]:
    """Return a position; `rest` is the end of HELD."""
    realised, fees, funding, updated_at = rest
    instrument = with_keys([instrument_id])[instrument_id]
    entry = average_cost(instrument, cost, lots)
    return {
        "symbol": instrument.symbol,
        "quantity": float(instrument.lattice.quantity(lots)),
        "entry_price": None if entry is None else float(entry),
        "leverage": leverage,
        "realised": float(money(realised)),
        "fees": float(money(fees)),
        "funding": float(money(funding)),
        "updated_at": to_microseconds(updated_at) // 1000,
    }


def stored(topic: str) -> Callable[[str], Publication]:
    """Return a function that reads the state of an account."""

    def read(key: str) -> Publication:
        positions, balance = states([int(key)])
        return positions if topic == POSITIONS_TOPIC else balance

    return read


def register() -> None:
    """Register the topics; called once, when the app is ready."""
    for numbered in (EVENTS_OF_ACCOUNTS, EXECUTIONS_OF_ACCOUNTS):
        topics.register_private(numbered.topic)
        sequenced.register(numbered.topic, numbered)
    for name in (POSITIONS_TOPIC, BALANCE_TOPIC):
        topics.register_private(name)
        bulletin.register(name, stored(name))
    makers.register_together(publish)

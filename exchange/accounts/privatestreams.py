"""The private topics of accounts: orders, executions, positions, balance.

Orders and executions are numbered per account and resumable. Positions and balance are states: each
frame is the whole, and its version says which is newer.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, Final

import numpy as np

from archive.listings import Listing
from exchange.accounts.amounts import average_cost, money
from exchange.accounts.instruments import with_keys
from exchange.accounts.listings import EVENTS, EXECUTIONS, with_client_ids
from exchange.accounts.rows import in_order
from exchange.accounts.states import Held, Reading, State
from exchange.clearing.orders import Cause
from exchange.kinds import EXECUTIONS as EXECUTED
from exchange.kinds import FUNDING, ORDER_EVENTS
from exchange.models import Account, Execution, OrderEvent
from journal import projections
from live import bulletin, makers, sequenced, topics
from live.cutting import made
from live.frames import Frame, Publication
from live.sequenced import Missed
from market.kinds import Delivery, Kind, Rows
from market.times import from_microseconds

ORDERS_TOPIC: Final = "orders"
EXECUTIONS_TOPIC: Final = "executions"
POSITIONS_TOPIC: Final = "positions"
BALANCE_TOPIC: Final = "balance"


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


@dataclass(frozen=True)
class Changes:
    """What a transaction says about accounts; rows ascend by account and number."""

    events: Rows
    executions: Rows
    funding: Rows

    @classmethod
    def of(cls, deliveries: Iterable[Delivery]) -> "Changes":
        of_kind: dict[str, list[Rows]] = {}
        for kind, rows in deliveries:
            of_kind.setdefault(kind.name, []).append(rows)

        def joined(kind: Kind) -> Rows:
            return np.concatenate(of_kind.get(kind.name) or [np.empty(0, kind.dtype)])

        events, executions = in_order(joined(ORDER_EVENTS)), in_order(joined(EXECUTED))
        return cls(events, executions, joined(FUNDING))

    @property
    def moved(self) -> set[int]:
        """The accounts whose positions or balance changed."""
        levered = self.events[self.events["cause"] == Cause.LEVERAGE_SET]
        return {
            account
            for rows in (self.executions, self.funding, levered)
            for account in rows["account"].tolist()
        }

    @property
    def orders(self) -> set[int]:
        return set(self.events["order"].tolist()) - {0}


class Publisher:
    """Makes the private publications of transactions; a thread has one journal."""

    def __init__(self) -> None:
        self._local = threading.local()

    def read(self, stored: Sequence[Delivery]) -> None:
        """Read what publications need besides the records, in their transaction."""
        changes = Changes.of(stored)
        self._local.read = stored, changes, Reading(changes.moved, changes.orders)

    def publish(self, committed: Sequence[Delivery]) -> list[Publication]:
        """Return the publications of a transaction: rows first, then states."""
        stored, changes, reading = getattr(self._local, "read", (None, None, None))
        if changes is None or reading is None or stored is not committed:
            changes = Changes.of(committed)  # nobody knew whether it was committed
            reading = Reading(changes.moved, changes.orders)
        return [
            *EVENTS_OF_ACCOUNTS.publications(events_of(changes.events, reading.client_ids())),
            *EXECUTIONS_OF_ACCOUNTS.publications(listed(changes.executions)),
            *(each for state in reading.states() for each in states_of(state)),
        ]


def events_of(rows: Rows, client_ids: Mapping[int, str]) -> Iterator[SimpleNamespace]:
    """Yield ORDER_EVENTS as their listing needs them."""
    for event in listed(rows):
        event.client_id = client_ids.get(event.order, "")
        yield event


def listed(rows: Rows) -> Iterator[SimpleNamespace]:
    """Yield records with the attributes of their model, but without the cost of making one."""
    names = rows.dtype.names or ()
    instruments = with_keys(set(rows["instrument"].tolist()))
    for values in rows.tolist():
        row = SimpleNamespace(**dict(zip(names, values, strict=True)))
        row.at, row.instrument = from_microseconds(row.at), instruments[row.instrument]
        yield row


def states_of(state: State) -> tuple[Publication, Publication]:
    """Return the publications of an account's positions and balance."""
    held = [position_json(each) for each in state.positions]
    balance = {"balance": float(money(state.balance))}
    return state_of(POSITIONS_TOPIC, state, held), state_of(BALANCE_TOPIC, state, balance)


def state_of(topic: str, state: State, data: Any) -> Publication:
    frame = {"topic": topic, "type": "snapshot", "data": data}
    publication = made(frame, 0, 0, topic=topics.of_account(topic, state.account))
    return {**publication, "version": state.version}


def position_json(held: Held) -> dict[str, Any]:
    instrument = with_keys([held.instrument])[held.instrument]
    entry = average_cost(instrument.lattice, held.cost, held.lots)
    return {
        "symbol": instrument.symbol,
        "quantity": float(instrument.lattice.quantity(held.lots)),
        "entry_price": None if entry is None else float(entry),
        "leverage": held.leverage,
        "realised": float(money(held.realised)),
        "fees": float(money(held.fees)),
        "funding": float(money(held.funding)),
        "updated_at": held.at // 1000,
    }


def stored(topic: str) -> Callable[[str], Publication]:
    """Return a function that reads the state of an account."""

    def read(key: str) -> Publication:
        (state,) = Reading([int(key)], []).states()
        positions, balance = states_of(state)
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
    publisher = Publisher()
    projections.register_last(publisher.read)
    makers.register_together(publisher.publish)

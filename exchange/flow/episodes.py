"""Labelled episodes: planned from their own stream and the law's path, played message by message.

Each block of BLOCK slots of a run of the law has one episode of the chosen kinds. Half of those
that suggest a direction are placed just before a run of the law in it, and so seem to succeed.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from exchange.engine.messages import BUY, MESSAGE, SELL, Kind
from exchange.flow.lawahead import Integers, LawAhead
from exchange.flow.philox import Key
from exchange.flow.scripts import DIRECTIONAL, LEAD, RUN, SCRIPTS, SLOTS, WIDEST, Script
from exchange.flow.slotevents import EPISODE_ORDERS, IDS_PER_SLOT, LANE_BITS
from exchange.kinds import EPISODES, EpisodeKind
from market.kinds import Rows

BLOCK = 900


@dataclass
class Episode:
    """An episode that is planned or in progress."""

    kind: int
    first_slot: int
    last_slot: int
    details: dict[str, Any]
    batches: list[tuple[int, Rows]]
    """Time and messages of each batch, then the end: a batch without messages."""
    played: int = 0
    began_at: int = 0
    first_trade: int = 0

    @property
    def next_at(self) -> int:
        return self.batches[self.played][0]

    @property
    def is_over(self) -> bool:
        return self.played == len(self.batches)

    def begin(self, at: int, first_trade: int) -> None:
        """Note when it begins and the seq that the next trade will have."""
        self.began_at, self.first_trade = at, first_trade

    def record(self, header: tuple[int, int, int], last_trade: int) -> Rows:
        """Return the EPISODES row; `header`: instrument, seq and time."""
        data = json.dumps(self.details).encode()
        trades = (self.first_trade, last_trade)
        row = np.zeros(1, EPISODES.dtype)
        row[0] = (*header, self.kind, self.began_at, self.first_slot, self.last_slot, *trades, data)
        return row

    def interrupt(self, slot: int, at: int) -> None:
        """Cancel all orders and end in `slot` at `at`."""
        self.last_slot = slot
        orders = self.details["orders"]
        cancels = np.zeros(len(orders), MESSAGE)
        cancels["kind"], cancels["order_id"] = Kind.CANCEL, orders
        self.batches[self.played :] = [(at, cancels)]
        self.details["interrupted"] = True

    def as_json(self) -> dict[str, Any]:
        batches = [(at, messages.tolist()) for at, messages in self.batches]
        return asdict(self) | {"batches": batches}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        batches = [
            (at, np.array([tuple(fields) for fields in messages], MESSAGE))
            for at, messages in stored["batches"]
        ]
        return cls(**stored | {"batches": batches})


class Place(NamedTuple):
    """Where in the block an episode begins, its direction, and whether a run follows."""

    slot: int
    side: int
    succeeds: bool


class Planner:
    """Plans the episodes of one run of the law."""

    def __init__(self, law: LawAhead, key: Key, kinds: Sequence[EpisodeKind]) -> None:
        self._law = law
        self._key = key
        self._kinds = kinds

    @property
    def block_end(self) -> int:
        """Return the slot that begins the next block."""
        done = self._law.next_seq - self._law.law.first_seq
        return self._law.law.first_seq + (done // BLOCK + 1) * BLOCK

    def plan(self, first_id: int) -> Episode | None:
        """Return the episode of the block of the slot in progress if it is still to begin.

        `first_id`: of the orders of the slot in progress.
        """
        law, slot = self._law.law, self._law.next_seq
        if self.block_end - slot < BLOCK:
            return None
        uniform = Draws(self._key, (slot - law.first_seq) // BLOCK)
        kind = self._kinds[int(uniform() * len(self._kinds))]
        prices = self._law.ticks(BLOCK)
        place = choose_place(prices, kind, uniform)
        path = prices[place.slot : place.slot + SLOTS]
        if path.min() <= WIDEST:
            return None
        first_slot = slot + place.slot
        begins = [law.at(first_slot + i) - law.interval_us for i in range(SLOTS)]
        ids = first_id + place.slot * IDS_PER_SLOT + (EPISODE_ORDERS << LANE_BITS)
        script = Script(path.tolist(), begins, law.interval_us, place.side, ids, uniform)
        details = SCRIPTS[kind](script)
        details |= {"side": "buy" if place.side == BUY else "sell", "orders": script.orders}
        if kind in DIRECTIONAL:
            details["succeeds"] = place.succeeds
        last_slot = first_slot + SLOTS - 1
        batches = [*script.batches(), (law.at(last_slot), np.empty(0, MESSAGE))]
        return Episode(kind, first_slot, last_slot, details, batches)


class Draws:
    """The uniforms of one block, in order."""

    def __init__(self, key: Key, block: int) -> None:
        self._rng = np.random.Generator(np.random.Philox(key=key, counter=[0, block, 0, 0]))

    def __call__(self) -> float:
        return float(self._rng.random())


def choose_place(prices: Integers, kind: EpisodeKind, uniform: Draws) -> Place:
    """Return where in a block with these prices an episode begins.

    Before the run the price may move against its direction by one tick at most; to an iceberg, it
    does not move away either.
    """
    side = BUY if uniform() < 0.5 else SELL
    where, wants_run = uniform(), uniform() < 0.5 and kind in DIRECTIONAL
    starts = np.arange(BLOCK - SLOTS)
    steps = np.diff(prices)
    windows = sliding_window_view(steps == side, RUN)[starts + LEAD]
    follows = np.asarray(windows.all(axis=1))
    lead = sliding_window_view(side * prices, LEAD)[starts]
    fits = lead.min(axis=1) >= lead[:, 0] - 1
    if kind is EpisodeKind.ICEBERG:
        fits &= lead.max(axis=1) == lead[:, 0]
    if wants_run:
        chosen = starts[follows & fits & (steps[starts + LEAD - 1] != side)]
    else:
        chosen = starts[fits & ~follows]
    if len(chosen) == 0:
        chosen = starts
    slot = int(chosen[int(where * len(chosen))])
    return Place(slot, side, bool(follows[slot]))

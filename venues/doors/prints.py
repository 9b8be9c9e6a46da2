"""The topics prints.SYMBOL: every trade in whole ticks, lots and microseconds, for doors.

Clients of the stream cannot name them. Like all topics with seqs, they are read from the database
where a publication was lost.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson

from archive import records
from archive.instruments import find as find_instrument
from exchange.clearing.orders import LARGEST_ID
from exchange.kinds import TRADES
from instruments.lattice import Lattice
from journal import streams
from live import makers, sequenced
from live.cutting import made
from live.frames import Frame, Publication
from live.sequenced import Missed
from market.kinds import Rows

TOPIC: Final = "prints"


class Print(NamedTuple):
    """A trade; `at` is in microseconds, `side` that of the aggressor."""

    seq: int
    at: int
    ticks: int
    lots: int
    side: int
    is_liquidation: bool


class StoredPrints:
    """The stored trades (live.sequenced.Sequenced)."""

    def ends(self, symbols: Iterable[str]) -> dict[str, int]:
        wanted = list(symbols)
        return dict.fromkeys(wanted, 0) | streams.ends(TRADES, wanted)

    def missed(self, symbol: str, since: int | None, limit: int) -> Missed:
        """Return the trades after `since`, the newest `limit` of them; else the newest alone."""
        instrument = find_instrument(symbol)
        last = self.ends([symbol])[symbol]
        topic = f"{TOPIC}.{symbol}"
        if instrument is None or last == (since or 0):
            return Missed([], last)
        if since is not None and since > last:
            return Missed([{"topic": topic, "type": "reset", "last_seq": last}], last)
        oldest = last if since is None else max(since + 1, last - limit + 1)
        rows = records.read(TRADES, instrument, oldest - 1, last)
        frames: list[Frame] = []
        first = int(rows["seq"][0]) if len(rows) else last + 1  # later where trades were pruned
        if since is not None and first > since + 1:
            frames.append(
                {"topic": topic, "type": "gap", "from_seq": since + 1, "to_seq": first - 1}
            )
        if len(rows):
            frames.append({"topic": topic, "type": TOPIC, "data": prints_of(rows)})
        return Missed(frames, last)


def prints_of(trades: Rows) -> list[tuple[Any, ...]]:
    """Return rows of TRADES as the fields of prints."""
    liquidated = trades["taker"] < -LARGEST_ID  # orders of the exchange itself
    columns = [trades[name].tolist() for name in ("seq", "at", "ticks", "lots", "side")]
    return list(zip(*columns, liquidated.tolist(), strict=True))


def publications(symbol: str, lattice: Lattice, trades: Rows) -> list[Publication]:
    """Return new trades as one publication."""
    frame = {"topic": f"{TOPIC}.{symbol}", "type": TOPIC, "data": prints_of(trades)}
    return [made(frame, int(trades["seq"][0]), int(trades["seq"][-1]))]


def trades_in(publication: Publication) -> tuple[Print, ...]:
    """Return the trades in a publication of the topic: none in a gap or a reset."""
    return _parsed(publication["text"])


@lru_cache(maxsize=64)
def _parsed(text: str) -> tuple[Print, ...]:
    """Parse a text once for all publishers that follow the topic."""
    frame = orjson.loads(text)
    if frame["type"] != TOPIC:
        return ()
    return tuple(Print(*row) for row in frame["data"])


def register() -> None:
    """Register the topics; called once, when the app is ready."""
    sequenced.register(TOPIC, StoredPrints())
    makers.register(TRADES, publications)

"""The topics footprint.SYMBOL.TIMEFRAME and footprint.SYMBOL.TIMEFRAME.STEP, as they are stored."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

import orjson

from archive.instruments import find, find_with_newest
from archive.selections import Span
from exchange.kinds import TRADES
from instruments.models import Instrument
from live.frames import Frame
from live.sequenced import Missed
from market.timeframes import MICROSECONDS, TIMEFRAMES, opened_at
from orderflow.clusters import in_steps
from orderflow.footprints import (
    closed_keys,
    closed_rows,
    last_number,
    newest_key,
    open_step,
)
from orderflow.history import open_cluster
from orderflow.opencluster import OpenCluster
from orderflow.stepping import AUTO
from orderflow.stored import newest

TOPIC: Final = "footprint"
REPLAYED: Final = 500
"""Most closed clusters that are sent to a client that missed them."""
REPLAYED_BYTES: Final = 786_432
FOREVER: Final = 2**62
_KEY: Final = re.compile(rf"(.+)\.({'|'.join(TIMEFRAMES)})(?:\.([1-9][0-9]{{0,5}}))?")


class Key(NamedTuple):
    """What follows footprint. in a topic; `step` may be AUTO."""

    symbol: str
    timeframe_s: int
    step: int


def parse(key: str) -> Key | None:
    """Return the parts of a key such as ES.1m or ES.1m.5; None if it is none."""
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    symbol, timeframe, step = match.groups()
    return Key(symbol, TIMEFRAMES[timeframe], int(step or AUTO))


def symbol_of(key: str) -> str:
    """Return the symbol in a key, nothing if it is none."""
    found = parse(key)
    return found.symbol if found else ""


def named(key: str) -> Key:
    found = parse(key)
    if found is None:
        raise ValueError(f"{key!r} is not SYMBOL.TIMEFRAME or SYMBOL.TIMEFRAME.STEP")
    return found


def stored_instrument(symbol: str) -> Instrument:
    instrument = find(symbol)
    if instrument is None:
        raise ValueError(f"there is no instrument {symbol!r}")
    return instrument


class StoredFootprints:
    """The closed clusters of topics (live.sequenced.Sequenced), counted by their numbers."""

    def ends(self, keys: Iterable[str]) -> dict[str, int]:
        """Return the number of the newest closed cluster of each topic."""
        return {key: self._end(named(key)) for key in keys}

    def _end(self, key: Key) -> int:
        instrument = find(key.symbol)
        return newest(instrument, key.timeframe_s).number if instrument else 0

    def missed(self, key: str, since: int | None, limit: int) -> Missed:
        """Return the clusters that closed after number `since` (None: the newest alone)."""
        symbol, timeframe_s, step = named(key)
        instrument = stored_instrument(symbol)
        most = 1 if since is None else min(limit, REPLAYED)
        keys = closed_keys(instrument, timeframe_s, Span(), FOREVER, most)
        last = int(keys["number"][-1]) if len(keys) else 0
        topic = f"{TOPIC}.{key}"
        if last == (since or 0):
            return Missed([], last)
        if since is not None and since > last:
            return Missed([{"topic": topic, "type": "reset", "last_seq": last}], last)
        keys = keys.part(slice(int(keys["number"].searchsorted(since or 0, "right")), None))
        texts = closed_rows(instrument, timeframe_s, step, keys).texts
        shown = newest_within(texts, REPLAYED_BYTES)
        first = int(keys["number"][len(texts) - len(shown)])
        frames: list[Frame] = []
        if since is not None and first > since + 1:
            frames.append(
                {"topic": topic, "type": "gap", "from_seq": since + 1, "to_seq": first - 1}
            )
        data = [(first + i, *orjson.loads(text)) for i, text in enumerate(shown)]
        return Missed([*frames, {"topic": topic, "type": "clusters", "data": data}], last)


def newest_within(texts: list[bytes], most_bytes: int) -> list[bytes]:
    """Return the newest texts that have so many bytes together, at least one."""
    size, count = 0, 0
    for text in reversed(texts):
        size += len(text)
        if count and size > most_bytes:
            break
        count += 1
    return texts[len(texts) - count :]


def read_open(key: str) -> OpenCluster | None:
    """Read the open cluster of a topic; None if there are no trades."""
    symbol, timeframe_s, step = named(key)
    found = find_with_newest(symbol, TRADES)
    instrument, last = found or (None, None)
    if instrument is None or last is None:
        return None
    cluster = open_cluster(instrument, last, timeframe_s)
    opened = opened_at(last.at, timeframe_s)
    before = newest_key(instrument, timeframe_s, opened)
    own = open_step(instrument, timeframe_s, step, cluster, before)
    return OpenCluster(
        lattice=instrument.lattice,
        step=own,
        number=last_number(before),
        seq=last.seq,
        end=opened + timeframe_s * MICROSECONDS,
        cluster=in_steps(cluster, own),
    )

"""Public trades."""

from typing import Any, Final

from archive.rangescans import read
from archive.selections import select
from exchange.kinds import TRADES
from venues.bybit.listed import Listed
from venues.bybit.numbers import price_text, quantity_text
from venues.bybit.sequences import cross_sequence, trade_id
from venues.bybit.words import SIDE_WORDS

FIELDS: Final = ("seq", "at", "ticks", "lots", "side")


def recent_trades(listed: Listed, limit: int) -> list[dict[str, Any]]:
    """Return the newest trades, the newest first."""
    newest = select(TRADES, listed.key, fields=FIELDS, newest=True)
    found = read(newest, listed.lattice, limit)
    rows = zip(*(found[name].tolist() for name in FIELDS), strict=True)
    return [trade_row(listed, *row) for row in rows][::-1]


def trade_row(
    listed: Listed, seq: int, at: int, ticks: int, lots: int, side: int
) -> dict[str, Any]:
    return {
        "execId": trade_id(listed.key, seq),
        "symbol": listed.name,
        "price": price_text(listed.lattice, ticks),
        "size": quantity_text(listed.lattice, lots),
        "side": SIDE_WORDS[side],
        "time": str(at // 1_000),
        "isBlockTrade": False,
        "isRPITrade": False,
        "seq": str(cross_sequence(at)),
    }

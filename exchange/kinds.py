"""The kinds of records of the exchange. Pure.

A slot is the time between two quotes; its number is the seq of the quote that ends it. Prices are
in ticks, quantities in lots. An order id is positive for orders of the background flow and
`-Order.pk` for orders of accounts; Order.pk is -1, -2, ... for orders by which the exchange
liquidates positions, whose ids are -2^62 - 1, -2^62 - 2, ... Money is in MONEY_UNITS per unit of
the instrument's currency.
"""

from dataclasses import replace
from enum import IntEnum
from typing import Final

import numpy as np

from market.aggregations import Aggregation
from market.candles import TRADE_CANDLE, of_trades
from market.kinds import AT, SEQ, Column, Kind, Rows, Table, Unit, record_dtype

MONEY_UNITS: Final = 10**8


class EpisodeKind(IntEnum):
    """What a labelled episode of the background flow shows."""

    SPOOFING = 1
    LAYERING = 2
    ICEBERG = 3
    QUOTE_STUFFING = 4
    WASH_TRADES = 5


def check_trades(rows: Rows) -> None:
    """Raise ValueError for a trade below one tick or one lot, or of no side."""
    wrong = (rows["ticks"] < 1) | (rows["lots"] < 1) | (np.abs(rows["side"]) != 1)
    if wrong.any():
        row = rows[int(np.argmax(wrong))]
        raise ValueError(
            f"trade {row['seq']} has {row['ticks']} ticks, {row['lots']} lots and side "
            f"{row['side']}: use at least 1 tick and 1 lot, and side 1 or -1"
        )


TRADES: Final = Kind(
    name="trades",
    dtype=record_dtype(
        ("slot", np.int64),
        ("ticks", np.int64),
        ("lots", np.int64),
        ("side", np.int16),  # of the aggressor: BUY 1, SELL -1
        ("maker", np.int64),
        ("taker", np.int64),
    ),
    table="exchange_trade",
    columns=(
        SEQ,
        AT,
        Column("price", "ticks", Unit.PRICE),
        Column("quantity", "lots", Unit.QUANTITY),
        Column("side", "side", Unit.SIDE),
    ),
    clock="monotone",
    frame="trades",
    check=check_trades,
)
TRADES_WITH_IDS: Final = replace(
    TRADES, columns=(*TRADES.columns, Column("maker", "maker"), Column("taker", "taker"))
)
"""The same records with their order ids, for those who study the flow."""
BLOCKS: Final = Kind(
    name="book_blocks",
    dtype=record_dtype(
        ("slot", np.int64),  # in progress when the block ended: all before are complete
        ("event", np.int32),  # events of the slot that were applied when the block ended
        ("updates", np.int16),  # narrow, because rows are many and their data short
        ("is_snapshot", np.int16),  # 1: `data` begins with the book before the updates
        ("data", object),  # bytes, exchange/depth/blocks.py
    ),
    table="exchange_bookblock",
    columns=(SEQ, AT),
    clock="monotone",
    public=False,
)
MESSAGES: Final = Kind(
    name="messages",
    dtype=record_dtype(
        ("slot", np.int64),
        ("event", np.int64),  # events of the slot that were applied before the message
        ("kind", np.int64),
        ("side", np.int64),
        ("tif", np.int64),
        ("order", np.int64),
        ("owner", np.int64),
        ("ticks", np.int64),
        ("lots", np.int64),
    ),
    table="exchange_message",
    columns=(SEQ, AT),
    clock="monotone",
    public=False,
)
FLOW: Final = Kind(
    name="flow",
    dtype=record_dtype(
        ("first_slot", np.int64),
        ("kappa", np.float64),
        ("theta", np.float64),
        ("size", np.float64),
        ("orders", np.float64),
        ("i0", np.float64),
        ("mu", np.float64),
        ("levels", np.int64),
        ("market_orders", np.float64),
        ("alpha", np.float64),
        ("inside", np.float64),
    ),
    table="exchange_flow",
    columns=(
        Column("started_at", "at", Unit.TIME),
        Column("first_slot", "first_slot"),
        *(Column(name, name, Unit.NUMBER) for name in ("kappa", "theta", "size", "orders")),
        Column("i0", "i0", Unit.NUMBER),
        Column("mu", "mu", Unit.NUMBER),
        Column("levels", "levels"),
        *(Column(name, name, Unit.NUMBER) for name in ("market_orders", "alpha", "inside")),
    ),
    clock="monotone",
    frame="flow",
    single=True,
)
EPISODES: Final = Kind(
    name="episodes",
    dtype=record_dtype(  # `at` is the end
        ("kind", np.int64),
        ("began_at", np.int64),
        ("first_slot", np.int64),
        ("last_slot", np.int64),
        ("first_trade", np.int64),
        ("last_trade", np.int64),
        ("data", object),  # JSON: parameters and order ids
    ),
    table="exchange_episode",
    columns=(
        SEQ,
        Column("kind", "kind", Unit.NAME, tuple((k.value, k.name.lower()) for k in EpisodeKind)),
        Column("ended_at", "at", Unit.TIME),
        Column("began_at", "began_at", Unit.TIME),
        *(Column(name, name) for name in ("first_slot", "last_slot", "first_trade", "last_trade")),
        Column("details", "data", Unit.JSON),
    ),
    clock="monotone",
    frame="episodes",
)
CHECKPOINTS: Final = Kind(
    name="checkpoints",
    dtype=record_dtype(
        ("slot", np.int64),  # slot in progress and its events so far, as in BLOCKS
        ("event", np.int64),
        ("trade_seq", np.int64),
        ("message_seq", np.int64),
        ("block_seq", np.int64),
        ("data", object),
    ),
    table="exchange_checkpoint",
    columns=(SEQ, AT),
    clock="monotone",
    public=False,
)
ORDER_EVENTS: Final = Kind(
    name="order_events",
    dtype=record_dtype(
        ("account", np.int64),
        ("number", np.int64),  # of this account's events: 1, 2, 3 ...
        ("order", np.int64),  # Order.pk; 0 if the command concerns no single order
        ("command", np.int64),  # Command.pk; 0 if no command caused it
        ("state", np.int64),
        ("cause", np.int64),
        ("side", np.int64),  # BUY 1, SELL -1; 0 if the command concerns no single order
        ("ticks", np.int64),  # limit; 0 if the order has none
        ("trigger_ticks", np.int64),  # 0 if the order has none
        ("lots", np.int64),  # the leverage, if the command set it
        ("filled", np.int64),
    ),
    table="exchange_orderevent",
    columns=(SEQ, AT),
    clock="monotone",
    public=False,
)
EXECUTIONS: Final = Kind(
    name="executions",
    dtype=record_dtype(
        ("account", np.int64),
        ("number", np.int64),  # of this account's executions: 1, 2, 3 ...
        ("order", np.int64),
        ("trade_seq", np.int64),
        ("side", np.int64),
        ("ticks", np.int64),
        ("lots", np.int64),
        ("is_maker", np.int64),
        ("fee", np.int64),  # in MONEY_UNITS, positive if the account pays
        ("realised", np.int64),  # profit in MONEY_UNITS
    ),
    table="exchange_execution",
    columns=(SEQ, AT),
    clock="monotone",
    public=False,
)
FUNDING: Final = Kind(
    name="funding",
    dtype=record_dtype(
        ("account", np.int64),
        ("cause", np.int64),  # LedgerCause: money moves without a trade
        ("position", np.int64),  # lots, negative if short
        ("ticks", np.int64),  # mark price
        ("amount", np.int64),  # in MONEY_UNITS, positive if the account receives
    ),
    table="exchange_funding",
    columns=(SEQ, AT),
    clock="monotone",
    public=False,
)
TRADE_CANDLES: Final = Table(
    name="trade_candles",
    dtype=np.dtype([("instrument", np.int64), ("timeframe", np.int32), *TRADE_CANDLE.descr]),
    table="exchange_tradecandle",
    columns=(
        Column("opened_at", "opened_at", Unit.TIME),
        *(Column(name, name, Unit.PRICE) for name in ("open", "high", "low", "close")),
        *(Column(name, name) for name in ("count", "first_seq", "last_seq")),
        *(Column(name, name, Unit.QUANTITY) for name in ("volume", "buy_volume")),
        Column("trades", "count"),
    ),
)
CANDLES_OF_TRADES: Final = Aggregation(
    TRADES, TRADE_CANDLES, ("seq", "at", "ticks", "lots", "side"), of_trades
)
LEDGER: Final = Table(
    name="ledger",
    dtype=np.dtype(
        [
            ("account", np.int64),
            ("instrument", np.int64),  # 0: none
            ("at", np.int64),
            ("cause", np.int64),
            ("amount", np.int64),  # in MONEY_UNITS
            ("execution_seq", np.int64),  # 0: none
        ]
    ),
    table="exchange_ledgerentry",
    columns=(AT,),
)

"""Recorded facts of the exchange, which only the journal writes; exchange/kinds.py explains them.

The columns are those of the kinds, as wide as their fields: PostgreSQL's COPY does not convert.
"""

from django.db import models
from django.db.models import F, Q

from exchange.kinds import EpisodeKind
from instruments.models import Instrument
from journal.fields import MicrosecondsField
from market.keys import SEQ_BITS
from market.timeframes import TIMEFRAMES

SIDES = [(1, "buy"), (-1, "sell")]


class Record(models.Model):
    """What the records of every kind have."""

    id = models.BigIntegerField(primary_key=True, editable=False)
    instrument = models.ForeignKey(
        Instrument,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,  # journal.Stream refers to the instrument; no check row by row
    )
    seq = models.BigIntegerField()
    at = MicrosecondsField()

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(seq__gte=1) & Q(id=F("instrument_id") * 2**SEQ_BITS + F("seq")),
                name="%(class)s_key",
            )
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.seq} of {self.instrument}"


def by_time(name: str) -> models.Index:
    return models.Index(fields=["instrument", "at"], name=name)


class Trade(Record):
    """A trade of an aggressor (the taker) with a resting order (the maker)."""

    instrument = models.ForeignKey(
        Instrument,
        on_delete=models.PROTECT,
        related_name="trades",
        db_index=False,
        db_constraint=False,
    )
    slot = models.BigIntegerField(help_text="Seq of the quote that ends the slot.")
    ticks = models.BigIntegerField()
    lots = models.BigIntegerField()
    side = models.SmallIntegerField(choices=SIDES, help_text="Of the aggressor.")
    maker = models.BigIntegerField(help_text="Order id; negative: of an account.")
    taker = models.BigIntegerField(help_text="Order id; negative: of an account.")

    class Meta(Record.Meta):
        constraints = [
            *Record.Meta.constraints,
            models.CheckConstraint(
                condition=Q(ticks__gte=1, lots__gte=1, side__in=[1, -1]), name="trade_valid"
            ),
        ]
        indexes = [by_time("trade_instrument_at")]


class BookBlock(Record):
    """Changes of a book (exchange/depth/blocks.py)."""

    slot = models.BigIntegerField(help_text="In progress at its end.")
    event = models.IntegerField(help_text="Events of the slot that were applied at its end.")
    updates = models.SmallIntegerField()
    is_snapshot = models.SmallIntegerField(help_text="1: begins with the book before the changes.")
    data = models.BinaryField()

    class Meta(Record.Meta):
        indexes = [
            models.Index(
                fields=["instrument", "at"],
                name="bookblock_snapshot_at",
                condition=Q(is_snapshot=1),  # blocks between snapshots are read by their ids
            )
        ]


class Message(Record):
    """A message of an account's order to the matching engine, at its position in the history."""

    slot = models.BigIntegerField()
    event = models.BigIntegerField(help_text="Events of the slot that were applied before.")
    kind = models.BigIntegerField()
    side = models.BigIntegerField(choices=SIDES)
    tif = models.BigIntegerField("time in force")
    order = models.BigIntegerField("order id")
    owner = models.BigIntegerField(help_text="Account; 0: the background flow.")
    ticks = models.BigIntegerField()
    lots = models.BigIntegerField()


class Flow(Record):
    """The parameters of the background flow, in force from slot first_slot on."""

    first_slot = models.BigIntegerField()
    kappa = models.FloatField(help_text="Share of informed market orders.")
    theta = models.FloatField(help_text="Rate of adds and cancels per slot.")
    size = models.FloatField(help_text="Mean size of an order at the best level, in lots.")
    orders = models.FloatField(help_text="Orders at the best level.")
    i0 = models.FloatField(help_text="Level at which the depth bends.")
    mu = models.FloatField(help_text="Exponent of the depth far from the price.")
    levels = models.BigIntegerField()
    market_orders = models.FloatField(help_text="Market orders per slot.")
    alpha = models.FloatField(help_text="Exponent of the lengths of metaorders.")
    inside = models.FloatField(help_text="Orders inside the spread per slot.")

    class Meta(Record.Meta):
        indexes = [by_time("flow_instrument_at")]


class Episode(Record):
    """A labelled episode of the background flow; it ended at `at`."""

    kind = models.BigIntegerField(choices=[(kind.value, kind.name.lower()) for kind in EpisodeKind])
    began_at = MicrosecondsField()
    first_slot = models.BigIntegerField()
    last_slot = models.BigIntegerField()
    first_trade = models.BigIntegerField()
    last_trade = models.BigIntegerField()
    data = models.BinaryField(help_text="JSON: parameters and order ids.")

    class Meta(Record.Meta):
        indexes = [by_time("episode_instrument_at")]


class Checkpoint(Record):
    """The state of a market, from which a restart continues."""

    slot = models.BigIntegerField()
    event = models.BigIntegerField()
    trade_seq = models.BigIntegerField()
    message_seq = models.BigIntegerField()
    block_seq = models.BigIntegerField()
    data = models.BinaryField()


class OrderEvent(Record):
    """A change of an account's order, or the answer to a command."""

    account = models.BigIntegerField()
    number = models.BigIntegerField(help_text="Of the account's events.")
    order = models.BigIntegerField(help_text="0: no single order.")
    command = models.BigIntegerField(help_text="0: no command caused it.")
    state = models.BigIntegerField()
    cause = models.BigIntegerField()
    side = models.BigIntegerField(help_text="0: no single order.")
    ticks = models.BigIntegerField(help_text="Limit; 0: none.")
    trigger_ticks = models.BigIntegerField(help_text="0: none.")
    lots = models.BigIntegerField(help_text="The leverage, if the command set it.")
    filled = models.BigIntegerField()

    class Meta(Record.Meta):
        constraints = [
            *Record.Meta.constraints,
            models.UniqueConstraint(fields=["account", "number"], name="orderevent_number"),
        ]


class Execution(Record):
    """The fill of an account's order in one trade."""

    account = models.BigIntegerField()
    number = models.BigIntegerField(help_text="Of the account's executions.")
    order = models.BigIntegerField()
    trade_seq = models.BigIntegerField()
    side = models.BigIntegerField(choices=SIDES)
    ticks = models.BigIntegerField()
    lots = models.BigIntegerField()
    is_maker = models.BigIntegerField()
    fee = models.BigIntegerField(help_text="Positive if the account pays.")
    realised = models.BigIntegerField(help_text="Profit of what it closed.")

    class Meta(Record.Meta):
        constraints = [
            *Record.Meta.constraints,
            models.UniqueConstraint(fields=["account", "number"], name="execution_number"),
        ]
        indexes = [models.Index(fields=["order"], name="execution_order")]


class Funding(Record):
    """A payment to or from an account that is no trade."""

    account = models.BigIntegerField()
    cause = models.BigIntegerField()
    position = models.BigIntegerField(help_text="Lots; negative if short.")
    ticks = models.BigIntegerField(help_text="Mark price.")
    amount = models.BigIntegerField(help_text="Positive if the account receives.")

    class Meta(Record.Meta):
        verbose_name_plural = "funding"


class TradeCandle(models.Model):
    """A closed candle of the trades first_seq..last_seq. Prices in ticks, volumes in lots."""

    id = models.BigAutoField(primary_key=True)
    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, related_name="trade_candles", db_index=False
    )
    timeframe = models.PositiveIntegerField(
        choices=[(seconds, name) for name, seconds in TIMEFRAMES.items()],
        help_text="Length in seconds.",
    )
    opened_at = MicrosecondsField()
    open = models.BigIntegerField()
    high = models.BigIntegerField()
    low = models.BigIntegerField()
    close = models.BigIntegerField()
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    count = models.BigIntegerField(help_text="Trades.")
    volume = models.BigIntegerField()
    buy_volume = models.BigIntegerField(help_text="Of aggressive buys.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "timeframe", "opened_at"],
                name="tradecandle_instrument_timeframe_opened_at",
            )
        ]

    def __str__(self) -> str:
        return f"{self.instrument} {self.get_timeframe_display()} {self.opened_at:%Y-%m-%d %H:%M}"

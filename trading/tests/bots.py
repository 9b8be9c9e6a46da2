"""Bots, orders and positions for tests."""

from datetime import UTC, datetime

from exchange.engine.messages import BUY
from exchange.tests.test_projections import listed
from instruments.models import Instrument
from trading.models import Bot, BotOrder, BotPosition
from venues.brokers import Style

NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)
TICK_VALUE = 25_000_000  # 0.25 dollars


def bot(name: str = "b1") -> Bot:
    return Bot.objects.create(name=name, broker="exchange", created_at=NOW)


def position(of: Bot, instrument: Instrument | None = None) -> BotPosition:
    return BotPosition.objects.create(
        bot=of, instrument=instrument or listed("ES"), opened_at=NOW, updated_at=NOW
    )


def order(of: BotPosition, client_id: str = "b1-1", side: int = BUY, lots: int = 10) -> BotOrder:
    return BotOrder.objects.create(
        bot=of.bot,
        instrument=of.instrument,
        position=of,
        client_id=client_id,
        side=side,
        style=Style.LIMIT.value,
        ticks=20_000,
        lots=lots,
        trace_id="t1",
        created_at=NOW,
        updated_at=NOW,
    )

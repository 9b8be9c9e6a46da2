"""Charts on the pages of orders and positions, from recorded candles and fills."""

from collections.abc import Mapping
from typing import Final

from django.db.models import QuerySet

from instruments.models import Instrument
from market.times import from_microseconds
from quotes.models import Candle
from trading.models import BotFill
from trading.pages.pricechart import PriceChart, Traded, price_chart

MINUTE_S: Final = 60
CLOSES: Final = 60
FILLS: Final = 200


def chart_of(
    instrument: Instrument, levels: Mapping[str, int], fills: "QuerySet[BotFill]"
) -> dict[str, object]:
    """Return the last hour of an instrument with prices and the newest fills, for a template."""
    candles = Candle.objects.filter(instrument=instrument, timeframe=MINUTE_S)
    newest = candles.order_by("-opened_at").values_list("opened_at", "close")[:CLOSES]
    closes = [(at.timestamp(), close) for at, close in reversed(newest)]
    traded = [
        Traded(each.at.timestamp(), each.ticks, each.order.side > 0)
        for each in fills.select_related("order").order_by("-id")[:FILLS]
    ]
    found: PriceChart | None = price_chart(closes, levels, traded, instrument.lattice.price)
    if found is None:
        return {}
    began, ended = (from_microseconds(int(s * 1e6)) for s in (found.began_s, found.ended_s))
    return {"chart": found, "began": began, "ended": ended, "instrument": instrument}

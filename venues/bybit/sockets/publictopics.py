"""What publishes each public topic."""

from venues.bybit.listed import Listed
from venues.bybit.sockets.candles import Candles
from venues.bybit.sockets.orderbooks import OrderBook
from venues.bybit.sockets.pricelimits import PriceLimits
from venues.bybit.sockets.publictrades import Liquidations, PublicTrades
from venues.bybit.sockets.tickers import Tickers
from venues.bybit.sockets.topicnames import PublicTopic
from venues.doors.publishers import Publisher


def public_publisher(topic: PublicTopic, listed: Listed) -> Publisher:
    name, symbol = topic.name, listed.symbol
    match topic.kind:
        case "orderbook":
            return OrderBook(name, int(topic.parameter), symbol)
        case "kline":
            return Candles(name, topic.parameter, listed)
        case "publicTrade":
            return PublicTrades(name, symbol)
        case "allLiquidation":
            return Liquidations(name, symbol)
        case "priceLimit":
            return PriceLimits(name, listed)
        case "tickers":
            return Tickers(name, listed)
    raise ValueError(f"topics of kind {topic.kind} have no publisher")

"""Names of topics on the WebSockets, as clients write them. Pure."""

from typing import Final, NamedTuple

DEPTHS: Final = (1, 50, 200, 500, 1000)
"""Levels of a side; 500 is gone from Bybit's documentation, but clients still offer it."""
INTERVALS: Final = ("1", "3", "5", "15", "30", "60", "120", "240", "360", "720", "D", "W", "M")
PLAIN: Final = ("publicTrade", "tickers", "allLiquidation", "priceLimit")
"""Kinds of topics whose name is the kind and a symbol."""
CATEGORIES: Final = ("linear", "spot", "inverse", "option")
SERVED: Final = "linear"
"""The category that the exchange trades; the others have no symbols."""
PRIVATE: Final = ("order", "execution", "execution.fast", "position", "wallet")
WITHOUT_CATEGORIES: Final = ("wallet",)


class TopicError(ValueError):
    """There is no such topic; the text is for the client."""


class PublicTopic(NamedTuple):
    """A public topic; `parameter` is the depth of a book or the interval of candles."""

    name: str
    kind: str
    parameter: str
    symbol: str


class PrivateTopic(NamedTuple):
    """A private topic; without a category it covers all of them."""

    name: str
    kind: str
    category: str


def public_topic(name: object) -> PublicTopic:
    """Return a public topic, whose symbol may not exist; raise TopicError."""
    if not isinstance(name, str):
        raise TopicError(f"error:handler not found,topic:{name}")
    kind, _, rest = name.partition(".")
    if kind in PLAIN and rest:
        return PublicTopic(name, kind, "", rest)
    parameter, _, symbol = rest.partition(".")
    parameters = {"orderbook": tuple(map(str, DEPTHS)), "kline": INTERVALS}.get(kind, ())
    if symbol and parameter in parameters:
        return PublicTopic(name, kind, parameter, symbol)
    raise TopicError(f"error:handler not found,topic:{name}")


def private_topic(name: object) -> PrivateTopic:
    """Return a private topic; raise TopicError."""
    if isinstance(name, str):
        if name in PRIVATE:
            return PrivateTopic(name, name, "")
        kind, _, category = name.rpartition(".")
        if kind in PRIVATE and kind not in WITHOUT_CATEGORIES and category in CATEGORIES:
            return PrivateTopic(name, kind, category)
    raise TopicError(f"error:handler not found,topic:{name}")


def check_categories(topics: list[PrivateTopic]) -> None:
    """Raise TopicError for a request that asks for a topic with and without a category."""
    for kind in PRIVATE:
        mine = [topic for topic in topics if topic.kind == kind]
        if any(topic.category for topic in mine) and not all(topic.category for topic in mine):
            names = ", ".join(topic.name for topic in mine)
            raise TopicError(f"error:all-in-one and categorised topics in one request: {names}")

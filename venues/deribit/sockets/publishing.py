"""What publishes each channel; which of them exist."""

from functools import partial
from typing import Any

from venues.deribit.channels import INTERVALS_S, Channel, Kind
from venues.deribit.listed import all_listed, indexes
from venues.deribit.sockets import books, prices, tape
from venues.deribit.sockets.accountfeeds import selected
from venues.doors.publishers import Make, SilentTopic

INDEX_S = 0.1
TICKER_S = 0.1
ONE_INSTRUMENT: Any = {
    Kind.TICKER: prices.Ticker,
    Kind.INCREMENTAL_TICKER: prices.IncrementalTicker,
    Kind.BOOK: books.Book,
    Kind.QUOTE: books.Quote,
}


def public_maker(channel: Channel) -> Make | None:
    """Return what makes the publisher of a public channel; None if its subject does not exist."""
    name, interval_s = channel.name, INTERVALS_S.get(channel.interval, 0.0)
    if channel.kind is Kind.STATE:
        return partial(SilentTopic, name)
    if channel.kind is Kind.INDEX:
        found = indexes().get(channel.subject)
        if found is None:
            return None
        return partial(prices.IndexPrice, name, found, INDEX_S, channel.subject)
    if channel.kind is Kind.TRADES:
        return (
            partial(tape.Trades, name, several, interval_s)
            if (several := selected(channel))
            else None
        )
    listed = all_listed().get(channel.subject)
    if listed is None:
        return None
    if channel.kind is Kind.GROUPED_BOOK:
        group, depth = channel.group, channel.depth
        return partial(books.GroupedBook, name, listed, interval_s, group, depth)
    if channel.kind is Kind.CHART:
        return partial(tape.Chart, name, listed, channel.interval)
    if channel.kind is Kind.INCREMENTAL_TICKER:
        interval_s = TICKER_S
    return partial(ONE_INSTRUMENT[channel.kind], name, listed, interval_s)


def key_of(channel: Channel, account: int = 0) -> str:
    """Return the key of a channel among the topics of all doors of this process."""
    whose = f"@{account}" if channel.kind.is_private else ""
    return f"deribit {channel.name}{whose}"

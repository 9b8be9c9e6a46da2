"""ccxt.pro's Bybit with one check more: ccxt does not look at the numbers of a book's messages."""

from collections import defaultdict
from typing import Any, Final

import ccxt.pro

from venues.feeds.numbering import Numbering, SkippedError

FIRST: Final = 1
"""The number of a snapshot, whatever its type, after a restart of the venue."""


class Bybit(ccxt.pro.bybit):  # type: ignore[misc]  # ccxt is not typed
    """Those who watch a book get SkippedError when messages of it are missing."""

    def __init__(self, config: Any = None) -> None:
        self._numbering: defaultdict[str, Numbering] = defaultdict(Numbering)
        super().__init__(config or {})

    def handle_order_book(self, client: Any, message: Any) -> None:
        data = message["data"]
        numbering, number = self._numbering[message["topic"]], int(data["u"])
        if message["type"] == "snapshot" or number == FIRST:
            numbering.begin(number)
            super().handle_order_book(client, {**message, "type": "snapshot"})
            return
        try:
            if numbering.follow(number):
                super().handle_order_book(client, message)
        except SkippedError as error:
            market = self.safe_market(data["s"], None, None, "contract")
            client.reject(error, f"orderbook:{market['symbol']}")

"""The book within a percentage of its price, in rows, over HTTP."""

from decimal import Decimal
from typing import Any, Final

import numpy as np
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from archive.columns import Columns
from exchange.engine.messages import BUY, SELL
from exchange.http.book import LEVELS, SIDE_SCHEMA, stored_book
from instruments.lattice import Lattice
from orderflow.booksizes import Depth, depth, depth_step, doubled_price, within
from orderflow.http.parameters import PERCENT, STEP, percent, step
from orderflow.stepping import AUTO
from quotes.http.tables import BLOCKS, find_instrument
from web import formats
from web.tables import file_response
from web.views import HistoryView, file_name, read

DEFAULT_PERCENT: Final = Decimal("0.5")
WANTED_ROWS: Final = 100
SCHEMA: Final = {
    "type": "object",
    "required": ["symbol", "seq", "at", "price", "step", "bids", "asks"],
    "properties": {
        "symbol": {"type": "string"},
        "seq": {"type": "integer"},
        "at": {"type": "integer"},
        "price": {"type": "number", "nullable": True},
        "step": {"type": "integer"},
        "bids": SIDE_SCHEMA,
        "asks": SIDE_SCHEMA,
    },
}


class DepthView(HistoryView):
    @formats.documented("depth_read", [PERCENT, STEP, "at"], SCHEMA, formats=formats.TABLE_FORMATS)
    def get(self, request: HttpRequest, symbol: str) -> HttpResponseBase:
        """The levels within a percentage of the price, now or at a past moment."""
        instrument = find_instrument(symbol)
        asked = read(request, "percent", "step", "at", "format", formats=formats.TABLE_FORMATS)
        share = percent(request, DEFAULT_PERCENT) or DEFAULT_PERCENT
        chosen = step(request, asked)
        stored = stored_book(instrument, asked.moment("at"))
        levels = [stored.book.levels(side) for side in (BUY, SELL)]
        doubled = doubled_price(*levels)
        low, high = (1, 0) if doubled is None else within(doubled, share)
        if chosen == AUTO:
            chosen = depth_step(levels, low, high, WANTED_ROWS)
        sides = [depth(each, low, high, chosen) for each in levels]
        wanted = request.GET.get("format") or "json"
        if wanted != "json":
            rows = Columns(LEVELS, instrument.lattice, as_columns(sides))
            blocks = BLOCKS[wanted](LEVELS, [rows])
            return file_response(file_name(request, instrument), wanted, blocks)
        lattice = instrument.lattice
        bids, asks = (as_rows(lattice, each) for each in sides)
        body = {"symbol": instrument.symbol, "seq": stored.seq, "at": stored.at // 1000,
                "price": None if doubled is None else lattice.number(doubled) / 2,
                "step": chosen, "bids": bids, "asks": asks}  # fmt: skip
        return formats.json_response(body)


def as_rows(lattice: Lattice, side: Depth) -> list[tuple[float, float]]:
    prices, quantities = lattice.numbers(side.ticks), lattice.quantities.numbers(side.lots)
    return list(zip(prices.tolist(), quantities.tolist(), strict=True))


def as_columns(sides: list[Depth]) -> dict[str, Any]:
    return {
        "side": np.repeat([BUY, SELL], [len(each.ticks) for each in sides]),
        "ticks": np.concatenate([each.ticks for each in sides]),
        "lots": np.concatenate([each.lots for each in sides]),
    }

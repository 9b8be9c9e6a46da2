"""The volume at each price of any span, over HTTP."""

from typing import Any, Final

import numpy as np
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from archive.columns import Columns
from archive.instruments import Newest
from instruments.models import Instrument
from market.kinds import Column, Table, Unit
from market.times import EARLIEST
from orderflow.clusters import BUY, SELL, TICKS, TRADES, Clusters, in_steps, no_clusters
from orderflow.history import total
from orderflow.http.parameters import STEP, step, traded
from orderflow.stepping import AUTO
from orderflow.steps import ladder_step
from orderflow.valueareas import areas
from quotes.http.tables import BLOCKS
from web import formats
from web.tables import file_response
from web.views import HistoryView, file_name, read

WANTED_ROWS: Final = 200
TABLE: Final = Table(
    name="profile",
    dtype=np.dtype([(name, np.int64) for name in ("ticks", "sell", "buy", "trades")]),
    table="",
    columns=(
        Column("price", "ticks", Unit.PRICE),
        Column("sell_quantity", "sell", Unit.QUANTITY),
        Column("buy_quantity", "buy", Unit.QUANTITY),
        Column("trades", "trades"),
    ),
)
"""The rows of a profile; they are not stored in this form."""
TOTALS: Final = ("volume", "delta", "poc", "value_low", "value_high", "first_seq", "last_seq")


def schema() -> dict[str, Any]:
    found = formats.table_schema(TABLE.column_names, {"type": "number"})
    moments = {name: {"type": "integer", "nullable": True} for name in ("start", "end")}
    found["properties"] |= moments | {"step": {"type": "integer"}}
    found["properties"] |= dict.fromkeys(TOTALS, formats.NUMBER)
    found["required"] += [*moments, "step", *TOTALS]
    return found


class ProfileView(HistoryView):
    @formats.documented(
        "profile_read", ["start", "end", STEP], schema(), formats=formats.TABLE_FORMATS
    )
    def get(self, request: HttpRequest, symbol: str) -> HttpResponseBase:
        """The volume at each price in start <= at < end, exactly; by default of all trades."""
        asked = read(request, "start", "end", "step", "format", formats=formats.TABLE_FORMATS)
        instrument, newest = traded(symbol)
        start, end = asked.span()
        whole = whole_span(instrument, newest, start, end)
        chosen = step(request, asked)
        if chosen == AUTO:
            chosen = profile_step(whole)
        found = in_steps(whole, chosen)
        rows = Columns(TABLE, instrument.lattice, row_columns(found))
        wanted = request.GET.get("format") or "json"
        if wanted != "json":
            blocks = BLOCKS[wanted](TABLE, [rows])
            return file_response(file_name(request, instrument), wanted, blocks)
        body = {
            "symbol": instrument.symbol,
            "start": None if start is None else start // 1000,
            "end": None if end is None else end // 1000,
            "step": chosen,
            **totals(instrument, found),
            "columns": TABLE.column_names,
            "rows": rows.rows(),
            "next_cursor": None,
        }
        return formats.json_response(body)


def whole_span(
    instrument: Instrument, newest: Newest | None, start: int | None, end: int | None
) -> Clusters:
    """Return one cluster of the trades of a span, rows of one tick; none if there are none."""
    if newest is None:
        return no_clusters()
    start = EARLIEST if start is None else max(start, EARLIEST)
    return total(instrument, start, newest.at + 1 if end is None else end, newest)


def profile_step(whole: Clusters) -> int:
    """Return the smallest step that gives at most WANTED_ROWS rows from low to high."""
    step = 1
    while len(whole) and whole["high"][0] // step - whole["low"][0] // step >= WANTED_ROWS:
        step = ladder_step(step + 1)
    return step


def row_columns(found: Clusters) -> dict[str, Any]:
    rows = found.rows
    return {"ticks": rows[:, TICKS], "sell": rows[:, SELL], "buy": rows[:, BUY],
            "trades": rows[:, TRADES]}  # fmt: skip


def totals(instrument: Instrument, found: Clusters) -> dict[str, Any]:
    """Return what describes the whole profile, null where there are no trades."""
    if not len(found):
        return {**dict.fromkeys(TOTALS), "volume": 0, "delta": 0}
    lattice = instrument.lattice
    prices = [lattice.number(int(each[0])) for each in areas(found)]
    quantities = [lattice.quantities.number(int(found[name][0])) for name in TOTALS[:2]]
    seqs = [int(found[name][0]) for name in TOTALS[-2:]]
    return dict(zip(TOTALS, [*quantities, *prices, *seqs], strict=True))

"""The market as a TradingView UDF datafeed, for its charting library.

Times are whole seconds. Errors are `{"s": "error", "errmsg": ...}` with status 200, the only form
that the library's client reads.
"""

import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException

from archive.instruments import Newest
from instruments.models import Instrument
from market import aggregations
from market.integers import parse_integer
from market.timeframes import MICROSECONDS, TIMEFRAMES
from quotes.http import history
from web.parameters import MOST_ROWS
from web.tables import Row
from web.views import HistoryView

EXCHANGE: Final = "PyTrade"
OPENED_AT: Final = 0
"""Its index in the row of a candle."""
VOLUME: Final = "volume"
"""The column of candles of trades that holds it."""
RESOLUTIONS: Final[dict[str, int]] = {
    "1": TIMEFRAMES["1m"],
    "5": TIMEFRAMES["5m"],
    "15": TIMEFRAMES["15m"],
    "30": TIMEFRAMES["30m"],
    "60": TIMEFRAMES["1h"],
    "240": TIMEFRAMES["4h"],
    "1D": TIMEFRAMES["1d"],
    "1W": TIMEFRAMES["1w"],
}
ALIASES: Final = {"D": "1D", "W": "1W"}
MOST_FOUND: Final = 100
LARGEST_NUMBER: Final = 10**11 - 1
CONFIG: Final = {
    "supports_search": True,
    "supports_group_request": False,
    "supports_marks": True,
    "supports_timescale_marks": True,
    "supports_time": True,
    "exchanges": [{"value": EXCHANGE, "name": EXCHANGE, "desc": "The simulated market"}],
    "symbols_types": [{"name": "All types", "value": ""}, {"name": "Simulated", "value": "index"}],
    "supported_resolutions": list(RESOLUTIONS),
}


class RefusedError(Exception):
    """A request that cannot be answered; the message goes to the client."""


@extend_schema(exclude=True)
class UdfView(HistoryView):
    """Answers `answer()` as JSON that pages of any origin may read."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return written(self.answer(request))

    def answer(self, request: HttpRequest) -> Any:
        raise NotImplementedError

    def handle_exception(self, error: Exception) -> HttpResponse:
        if isinstance(error, RefusedError):
            return written({"s": "error", "errmsg": str(error)})
        if isinstance(error, (OperationalError, InterfaceError)):
            body = {"s": "error", "errmsg": "the database is unavailable: try again"}
            return written(body, HTTPStatus.SERVICE_UNAVAILABLE)
        if isinstance(error, APIException):
            response = written({"s": "error", "errmsg": str(error.detail)}, error.status_code)
            if wait := getattr(error, "wait", None):
                response["Retry-After"] = str(max(1, int(wait)))
            return response
        raise error


class ConfigView(UdfView):
    def answer(self, request: HttpRequest) -> Any:
        return CONFIG


class TimeView(UdfView):
    def get(self, request: HttpRequest) -> HttpResponse:
        response = HttpResponse(str(int(time.time())), content_type="text/plain")
        response["Access-Control-Allow-Origin"] = "*"
        return response


class SymbolsView(UdfView):
    def answer(self, request: HttpRequest) -> Any:
        wanted, _ = resolved(request)
        instrument = Instrument.objects.get(pk=wanted.pk)
        return {
            "name": instrument.symbol,
            "ticker": instrument.symbol,
            "full_name": f"{EXCHANGE}:{instrument.symbol}",
            "description": instrument.name,
            "type": "index",
            "session": "24x7",
            "timezone": "Etc/UTC",
            "exchange": EXCHANGE,
            "listed_exchange": EXCHANGE,
            "currency_code": instrument.currency,
            "format": "price",
            "minmov": instrument.lattice.units,
            "minmove2": 0,
            "pricescale": instrument.lattice.scale,
            "fractional": False,
            "has_intraday": True,
            "has_seconds": False,
            "has_daily": True,
            "has_weekly_and_monthly": True,
            "intraday_multipliers": [name for name in RESOLUTIONS if name.isdigit()],
            "weekly_multipliers": ["1"],
            "monthly_multipliers": [],
            "supported_resolutions": list(RESOLUTIONS),
            "visible_plots_set": "ohlcv",
            "volume_precision": instrument.lattice.quantities.precision,
            "data_status": "streaming",
        }


class SearchView(UdfView):
    def answer(self, request: HttpRequest) -> Any:
        query = request.GET.get("query", "").replace("\0", "").strip().casefold()
        kind, exchange = request.GET.get("type", ""), request.GET.get("exchange", "")
        limit = whole(request, "limit", MOST_FOUND)
        if limit < 0:
            raise RefusedError(f"limit: {limit} is below 0")
        if kind not in ("", "index") or exchange not in ("", EXCHANGE):
            return []
        listed = [
            instrument
            for instrument in Instrument.objects.order_by("id")
            if query in f"{EXCHANGE}:{instrument.symbol} {instrument.name}".casefold()
        ]
        listed.sort(key=lambda instrument: not instrument.symbol.casefold().startswith(query))
        return [found(instrument) for instrument in listed[: min(limit, MOST_FOUND)]]


class BarsView(UdfView):
    def answer(self, request: HttpRequest) -> Any:
        """Bars from <= t < to; with `countback`, that many before `to`, whatever `from` is."""
        instrument, newest = resolved(request)
        timeframe_s = resolution(request)
        to = whole(request, "to")
        countback = whole(request, "countback", 0)
        if countback < 0:
            raise RefusedError(f"countback: {countback} is below 0")
        start = None if countback else whole(request, "from")
        if start is not None and start > to:
            raise RefusedError(f"from: {start} is after to {to}")
        limit = countback or (to - (start or 0)) // timeframe_s + 2
        rows = bars(instrument, newest, timeframe_s, to, min(limit, MOST_ROWS))
        if start is not None:
            within = [row for row in rows if row[OPENED_AT] >= start * 1000]
            if not within:
                return no_data(rows)
            rows = within
        if not rows:
            return no_data(rows)
        at, opens, highs, lows, closes, counts, *_ = zip(*rows, strict=True)
        traded = volumes(instrument, timeframe_s, at[0], to)
        volume = counts if traded is None else [traded.get(ms, 0) for ms in at]
        seconds = [ms // 1000 for ms in at]
        return {
            "s": "ok", "t": seconds, "o": opens, "h": highs, "l": lows, "c": closes, "v": volume,
        }  # fmt: skip


class MarksView(UdfView):
    """Changes of the persistence phi, on the bars."""

    def answer(self, request: HttpRequest) -> Any:
        changes = regime_changes(request)
        return {
            "id": [first_seq for _, _, first_seq in changes],
            "time": [at for _, at, _ in changes],
            "color": [colour(phi) for phi, _, _ in changes],
            "text": [f"phi {phi:+.3f} from seq {seq}" for phi, _, seq in changes],
            "label": ["+" if phi >= 0 else "-" for phi, _, _ in changes],
            "labelFontColor": ["white"] * len(changes),
            "minSize": [14] * len(changes),
        }


class TimescaleMarksView(UdfView):
    """Changes of the persistence phi, below the bars."""

    def answer(self, request: HttpRequest) -> Any:
        return [
            {
                "id": str(first_seq),
                "time": at,
                "color": colour(phi),
                "label": "+" if phi >= 0 else "-",
                "tooltip": [f"phi {phi:+.3f}", f"from seq {first_seq}"],
            }
            for phi, at, first_seq in regime_changes(request)
        ]


def written(body: Any, status: int = HTTPStatus.OK) -> HttpResponse:
    response = HttpResponse(orjson.dumps(body), status=status, content_type="application/json")
    response["Access-Control-Allow-Origin"] = "*"
    return response


def found(instrument: Instrument) -> dict[str, str]:
    return {
        "symbol": instrument.symbol,
        "full_name": f"{EXCHANGE}:{instrument.symbol}",
        "description": instrument.name,
        "exchange": EXCHANGE,
        "ticker": instrument.symbol,
        "type": "index",
    }


def resolved(request: HttpRequest) -> tuple[Instrument, Newest | None]:
    """Return the instrument of `symbol`, which may be written PyTrade:ES, and its newest tick."""
    name = request.GET.get("symbol", "")
    if not name:
        raise RefusedError("symbol: missing")
    symbol = name.removeprefix(f"{EXCHANGE}:")
    found = None if "\0" in symbol else history.instrument_and_newest(symbol)
    if found is None:
        raise RefusedError(f"unknown_symbol {name}")
    return found


def resolution(request: HttpRequest) -> int:
    text = request.GET.get("resolution", "")
    seconds = RESOLUTIONS.get(ALIASES.get(text, text))
    if seconds is None:
        raise RefusedError(f"resolution: {text!r} is not one of {', '.join(RESOLUTIONS)}")
    return seconds


def whole(request: HttpRequest, name: str, default: int | None = None) -> int:
    text = request.GET.get(name, "")
    if not text and default is not None:
        return default
    try:
        return parse_integer(text, -LARGEST_NUMBER, LARGEST_NUMBER)
    except ValueError as error:
        raise RefusedError(f"{name}: {error}") from None


def bars(
    instrument: Instrument, newest: Newest | None, timeframe_s: int, to: int, limit: int
) -> Sequence[Row]:
    """Return the last `limit` candles that open before `to` (seconds), in ascending order."""
    end = to * MICROSECONDS
    return history.candles_until(instrument, newest, timeframe_s, None, end, limit).rows


def volumes(
    instrument: Instrument, timeframe_s: int, first_ms: int, to: int
) -> dict[int, float] | None:
    """Return the traded quantity of candles by opened_at (ms); None if there are no trades."""
    for name in aggregations.names():
        of = aggregations.find(name)
        if VOLUME not in of.table.column_names:
            continue
        own = history.instrument_and_newest(instrument.symbol, of)
        if own is None or own[1] is None:
            continue
        page = history.candles_until(
            *own, timeframe_s, first_ms * 1000, to * MICROSECONDS, MOST_ROWS, of
        )
        place = of.table.column_names.index(VOLUME)
        return {row[OPENED_AT]: row[place] for row in page.rows}
    return None


def no_data(before: Sequence[Row]) -> dict[str, object]:
    """Answer that there are no bars, with the time of the nearest earlier one."""
    if not before:
        return {"s": "no_data"}
    return {"s": "no_data", "nextTime": before[-1][OPENED_AT] // 1000}


def regime_changes(request: HttpRequest) -> list[tuple[float, int, int]]:
    """Return (phi, started at in seconds, first_seq) of regimes that began in from <= t <= to."""
    instrument, _ = resolved(request)
    start, to = whole(request, "from"), whole(request, "to")
    if start > to:
        raise RefusedError(f"from: {start} is after to {to}")
    end = (to + 1) * MICROSECONDS
    page = history.regimes(instrument, start * MICROSECONDS, end, MOST_ROWS)
    return [
        (phi, started_ms // 1000, first_seq)
        for phi, started_ms, _, first_seq, _ in page.rows
        if started_ms >= start * 1000
    ]


def colour(phi: float) -> str:
    return "green" if phi >= 0 else "red"

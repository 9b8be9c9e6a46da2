"""What ccxt's test data recorded of Bybit: which calls, and the shapes of Bybit's own answers.

From github.com/ccxt/ccxt, ts/src/test/static (MIT): `response/bybit.json` at 04890d69 of November
2025 and `request/bybit.json` at e40e830f of January 2026. `recorded/bybit_answers.json` has the
members of `result` for each endpoint, over all calls to it, and their JSON types. ccxt puts numbers
into quotes before it records them; where a member is a number, Bybit's documentation says so. Two
members were left out because ccxt wrote them into the answers: `nextPageCursor` of rows and
`timestamp` of tickers. Pure.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rig.conformance.shapes import Difference, differences

FOLDER: Final = Path(__file__).parent / "recorded"
SHAPES: Final[Mapping[str, Any]] = json.loads((FOLDER / "bybit_answers.json").read_text())
REQUESTS: Final = (FOLDER / "bybit_requests.txt").read_text()
ENVELOPE: Final[Mapping[str, Any]] = {
    "retCode": "number", "retMsg": "string", "result": {}, "retExtInfo": {}, "time": "number",
}  # fmt: skip
SYMBOL: Final = "BTC/USDT:USDT"
OPEN_ORDER: Final = "<open order>"
CLOSED_ORDER: Final = "<filled order>"
CLIENT_ORDER: Final = "<client id of an open order>"
RESTING: Final = "<price at which a buy order rests>"
TRIGGER: Final = "<price below the market>"


@dataclass(frozen=True)
class Fixture:
    """A recorded call of ccxt. Its input is the recorded one, except for what must exist here."""

    method: str
    endpoint: str
    input: tuple[Any, ...] = ()
    recorded_for: str = "linear"


def fixture(method: str, endpoint: str, *arguments: Any, recorded_for: str = "linear") -> Fixture:
    return Fixture(method, endpoint, arguments, recorded_for)


FIXTURES: Final = (
    fixture("createOrder", "POST /v5/order/create", SYMBOL, "limit", "buy", 0.1, RESTING,
            recorded_for="spot"),
    fixture("createOrder", "POST /v5/order/create", SYMBOL, "market", "sell", 0.2, None,
            {"reduceOnly": True, "stopLossPrice": TRIGGER}, recorded_for="spot"),
    fixture("editOrder", "POST /v5/order/amend", "", SYMBOL, "limit", "buy", 0.22, RESTING,
            {"clientOrderId": CLIENT_ORDER}, recorded_for="spot"),
    fixture("fetchCurrencies", "GET /v5/asset/coin/query-info"),
    fixture("fetchOpenInterest", "GET /v5/market/open-interest", SYMBOL, {"limit": 1}),
    fixture("fetchBalance", "GET /v5/account/wallet-balance"),
    fixture("fetchOpenOrder", "GET /v5/order/realtime", OPEN_ORDER, SYMBOL),
    fixture("fetchClosedOrder", "GET /v5/order/history", CLOSED_ORDER, SYMBOL),
    fixture("fetchClosedOrders", "GET /v5/order/history", SYMBOL),
    fixture("fetchPositions", "GET /v5/position/list", [SYMBOL]),
    fixture("fetchPosition", "GET /v5/position/list", SYMBOL),
    fixture("fetchMyTrades", "GET /v5/execution/list", SYMBOL, None, 1),
    fixture("fetchMyTrades", "GET /v5/execution/list", None, None, 1),
    fixture("fetchFundingHistory", "GET /v5/execution/list", SYMBOL, None, 2),
    fixture("fetchOHLCV", "GET /v5/market/kline", SYMBOL, "1h", 1706628191000, 3),
    fixture("fetchOrderBook", "GET /v5/market/orderbook", SYMBOL, 2),
    fixture("fetchTrades", "GET /v5/market/recent-trade", SYMBOL, None, 1),
    fixture("fetchTicker", "GET /v5/market/tickers", SYMBOL),
    fixture("fetchFundingRates", "GET /v5/market/tickers", [SYMBOL]),
    fixture("fetchFundingRate", "GET /v5/market/tickers", SYMBOL),
    fixture("fetchLedger", "GET /v5/account/transaction-log", "USDT", None, 1),
    fixture("fetchPositionHistory", "GET /v5/position/closed-pnl", SYMBOL),
    fixture("cancelAllOrders", "POST /v5/order/cancel-all", SYMBOL, recorded_for="spot"),
)  # fmt: skip
"""In an order in which each finds what it asks for."""

SKIPPED: Final[Mapping[str, str]] = {
    "createMarketBuyOrderWithCost": "spot only; the endpoint is that of createOrder",
    "fetchOpenInterest of BTC/USD:BTC": "inverse",
    "fetchOrder, 2": "spot, and disabled in ccxt's test data",
    "fetchMyTrades, 2": "spot",
    "fetchOrderBook of BTC/USDT": "spot",
    "fetchTickers": "options",
    "fetchAllGreeks": "options",
    "fetchTransfers": "money is paid in and out by the admin; an account has one wallet",
    "fetchBorrowRateHistory, borrowCrossMargin, repayCrossMargin": "nothing is lent",
}
"""Recorded calls that are not made, and why."""

EXCEPTIONS: Final[Mapping[tuple[str, str], str]] = {
    ("fetchCurrencies", "result.rows"): "no coin can be deposited or withdrawn on a chain",
    ("fetchFundingHistory", "result.list"): (
        "funding is due every 8 hours, hardly ever during a run; "
        "venues/bybit/tests/test_recorded_requests.py compares its rows"
    ),
}
"""Methods and members that may differ, and why."""


def compared(endpoint: str, answer: Mapping[str, Any]) -> set[Difference]:
    """Return how an answer differs from what Bybit sends."""
    found = set(differences(ENVELOPE, answer, "answer"))
    return found | set(differences(SHAPES[endpoint], answer["result"]))

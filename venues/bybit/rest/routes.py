"""Every endpoint that is served. All other paths answer 404 with retCode 10017."""

from collections.abc import Mapping
from typing import Final

from venues.bybit.limits import Limit
from venues.bybit.rest import account, executions, market, orders, positions
from venues.bybit.rest.calls import Access, Handler, Route


def reads(handler: Handler, limit: Limit) -> Route:
    return Route(handler, limit, Access.READ)


def writes(handler: Handler, limit: Limit) -> Route:
    return Route(handler, limit, Access.TRADE)


PUBLIC: Final[Mapping[str, Handler]] = {
    "/v5/market/time": market.server_time,
    "/v5/market/instruments-info": market.instruments_info,
    "/v5/market/tickers": market.tickers,
    "/v5/market/orderbook": market.orderbook,
    "/v5/market/recent-trade": market.recent_trade,
    "/v5/market/kline": market.kline,
    "/v5/market/mark-price-kline": market.mark_kline,
    "/v5/market/index-price-kline": market.mark_kline,
    "/v5/market/premium-index-price-kline": market.premium_kline,
    "/v5/market/funding/history": market.funding_history,
    "/v5/market/open-interest": market.interest,
    "/v5/market/risk-limit": market.risk_limit,
    "/v5/market/price-limit": market.price_limit,
    "/v5/system/status": market.system_status,
}
READS: Final[Mapping[str, Route]] = {
    "/v5/order/realtime": reads(orders.realtime, Limit.ORDERS),
    "/v5/order/history": reads(orders.history, Limit.ORDERS),
    "/v5/execution/list": reads(executions.executions, Limit.EXECUTIONS),
    "/v5/position/list": reads(positions.positions, Limit.POSITIONS),
    "/v5/position/closed-pnl": reads(positions.closed_pnl, Limit.POSITIONS),
    "/v5/account/wallet-balance": reads(account.wallet_balance, Limit.ACCOUNT),
    "/v5/account/info": reads(account.account_info, Limit.ACCOUNT),
    "/v5/account/fee-rate": reads(account.fee_rate, Limit.OTHER),
    "/v5/account/transaction-log": reads(account.transaction_log, Limit.ACCOUNT),
    "/v5/user/query-api": reads(account.query_api, Limit.OTHER),
    "/v5/asset/coin/query-info": reads(account.coin_info, Limit.OTHER),
}
WRITES: Final[Mapping[str, Route]] = {
    "/v5/order/create": writes(orders.create, Limit.CREATE),
    "/v5/order/amend": writes(orders.amend, Limit.AMEND),
    "/v5/order/cancel": writes(orders.cancel, Limit.CANCEL),
    "/v5/order/cancel-all": writes(orders.cancel_all, Limit.CANCEL_ALL),
    "/v5/order/create-batch": writes(orders.create_batch, Limit.CREATE_BATCH),
    "/v5/order/amend-batch": writes(orders.amend_batch, Limit.AMEND_BATCH),
    "/v5/order/cancel-batch": writes(orders.cancel_batch, Limit.CANCEL_BATCH),
    "/v5/order/disconnected-cancel-all": writes(orders.disconnected_cancel_all, Limit.OTHER),
    "/v5/position/set-leverage": writes(positions.set_leverage, Limit.POSITION_WRITE),
    "/v5/position/switch-mode": writes(positions.switch_mode, Limit.POSITION_WRITE),
    "/v5/position/switch-isolated": writes(positions.switch_isolated, Limit.POSITION_WRITE),
    "/v5/position/trading-stop": writes(positions.trading_stop, Limit.POSITION_WRITE),
    "/v5/account/set-margin-mode": writes(account.set_margin_mode, Limit.OTHER),
}
ROUTES: Final[Mapping[tuple[str, str], Route]] = {
    **{("GET", path): Route(handler) for path, handler in PUBLIC.items()},
    **{("GET", path): route for path, route in READS.items()},
    **{("POST", path): route for path, route in WRITES.items()},
}

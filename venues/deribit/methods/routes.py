"""Every method that is served. All others are answered with -32601."""

from collections.abc import Mapping
from typing import Final

from venues.deribit.credits import Limit
from venues.deribit.methods import account, market, orders, session
from venues.deribit.methods.calls import Access, Handler, Route, socket_only

OPEN: Final[Mapping[str, Handler]] = {
    "get_time": session.get_time,
    "test": session.test,
    "hello": session.hello,
    "status": session.status,
    "auth": session.auth,
    "exchange_token": session.exchange_token,
    "fork_token": session.fork_token,
    "set_heartbeat": socket_only,
    "disable_heartbeat": socket_only,
    "unsubscribe_all": socket_only,
}
PUBLIC: Final[Mapping[str, Handler]] = {
    "get_currencies": market.get_currencies,
    "get_instruments": market.get_instruments,
    "get_instrument": market.get_instrument,
    "get_contract_size": market.get_contract_size,
    "ticker": market.get_ticker,
    "get_order_book": market.get_order_book,
    "get_order_book_by_instrument_id": market.get_order_book_by_instrument_id,
    "get_book_summary_by_instrument": market.get_book_summary_by_instrument,
    "get_book_summary_by_currency": market.get_book_summary_by_currency,
    "get_index_price": market.get_index_price,
    "get_index": market.get_index,
    "get_index_price_names": market.get_index_price_names,
    "get_last_trades_by_instrument": market.get_last_trades_by_instrument,
    "get_last_trades_by_instrument_and_time": market.get_last_trades_by_instrument_and_time,
    "get_last_trades_by_currency": market.get_last_trades_by_currency,
    "get_last_trades_by_currency_and_time": market.get_last_trades_by_currency_and_time,
    "get_tradingview_chart_data": market.get_tradingview_chart_data,
    "get_funding_rate_value": market.get_funding_rate_value,
}
READS: Final[Mapping[str, Handler]] = {
    "get_account_summary": account.get_account_summary,
    "get_account_summaries": account.get_account_summaries,
    "get_position": account.get_position,
    "get_positions": account.get_positions,
    "get_open_orders": orders.get_open_orders,
    "get_open_orders_by_instrument": orders.get_open_orders_by_instrument,
    "get_open_orders_by_currency": orders.get_open_orders_by_currency,
    "get_open_orders_by_label": orders.get_open_orders_by_label,
    "get_order_history_by_instrument": orders.get_order_history_by_instrument,
    "get_order_history_by_currency": orders.get_order_history_by_currency,
    "get_order_state": orders.get_order_state,
    "get_order_state_by_label": orders.get_order_state_by_label,
    "get_user_trades_by_instrument": orders.get_user_trades_by_instrument,
    "get_user_trades_by_instrument_and_time": orders.get_user_trades_by_instrument_and_time,
    "get_user_trades_by_currency": orders.get_user_trades_by_currency,
    "get_user_trades_by_currency_and_time": orders.get_user_trades_by_currency_and_time,
    "get_user_trades_by_order": orders.get_user_trades_by_order,
    "get_cancel_on_disconnect": account.get_cancel_on_disconnect,
    "logout": socket_only,
    "unsubscribe_all": socket_only,
}
SETTINGS: Final[Mapping[str, Handler]] = {
    "enable_cancel_on_disconnect": account.enable_cancel_on_disconnect,
    "disable_cancel_on_disconnect": account.disable_cancel_on_disconnect,
}
"""They need a key that may trade, but no matching."""
MATCHING: Final[Mapping[str, Handler]] = {
    "buy": orders.buy,
    "sell": orders.sell,
    "edit": orders.edit,
    "edit_by_label": orders.edit_by_label,
    "cancel": orders.cancel,
    "cancel_by_label": orders.cancel_by_label,
    "cancel_all": orders.cancel_all,
    "cancel_all_by_instrument": orders.cancel_all_by_instrument,
    "cancel_all_by_currency": orders.cancel_all_by_currency,
    "cancel_all_by_kind_or_type": orders.cancel_all_by_kind_or_type,
    "close_position": orders.close_position,
}
SUBSCRIBING: Final = ("subscribe", "unsubscribe")
ROUTES: Final[Mapping[str, Route]] = {
    **{f"public/{name}": Route(each, access=Access.OPEN) for name, each in OPEN.items()},
    **{f"public/{name}": Route(each) for name, each in PUBLIC.items()},
    **{f"private/{name}": Route(each, access=Access.READ) for name, each in READS.items()},
    **{f"private/{name}": Route(each, access=Access.TRADE) for name, each in SETTINGS.items()},
    **{
        f"private/{name}": Route(each, Limit.MATCHING, Access.TRADE)
        for name, each in MATCHING.items()
    },
    **{f"public/{name}": Route(socket_only, Limit.SUBSCRIBE) for name in SUBSCRIBING},
    **{f"private/{name}": Route(socket_only, Limit.SUBSCRIBE, Access.READ) for name in SUBSCRIBING},
}

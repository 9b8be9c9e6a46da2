"""Private methods of positions and money."""

from typing import Any

from exchange.accounts.opening import cancel_on_disconnect
from exchange.accounts.statement import statement
from exchange.accounts.traders import Trader
from exchange.models import ApiKey
from venues.deribit.accounts.positionrows import no_position, position_row
from venues.deribit.accounts.summaries import summaries, summary
from venues.deribit.contracts import CASH
from venues.deribit.errors import Code, RpcError
from venues.deribit.listed import Listed, by_key
from venues.deribit.methods.calls import Call
from venues.deribit.methods.market import chosen, one


def get_account_summary(call: Call) -> dict[str, Any]:
    currency = call.params.text("currency", CASH).upper()
    return summary(call.trader.account, currency, is_extended=call.params.flag("extended"))


def get_account_summaries(call: Call) -> dict[str, Any]:
    return summaries(call.trader.account, is_extended=call.params.flag("extended"))


def get_positions(call: Call) -> list[dict[str, Any]]:
    """Return open positions."""
    return positions_in(call.trader, chosen(call.params))


def get_position(call: Call) -> dict[str, Any]:
    """Return the position in an instrument, also an empty one."""
    listed = one(call)
    for each in statement(call.trader.account.pk).positions:
        if each.instrument.pk == listed.key:
            return position_row(each, listed)
    return position_row(no_position(listed), listed)


def positions_in(trader: Trader, where: list[Listed]) -> list[dict[str, Any]]:
    listed, keys = by_key(), {each.key for each in where}
    return [
        position_row(each, listed[each.instrument.pk])
        for each in statement(trader.account.pk).positions
        if each.lots and each.instrument.pk in keys
    ]


def enable_cancel_on_disconnect(call: Call) -> str:
    cancel_on_disconnect(key_of(call), is_on=True)
    return "ok"


def disable_cancel_on_disconnect(call: Call) -> str:
    cancel_on_disconnect(key_of(call), is_on=False)
    return "ok"


def get_cancel_on_disconnect(call: Call) -> dict[str, Any]:
    key = ApiKey.objects.get(pk=key_of(call).pk)
    return {"scope": "account", "enabled": key.cancel_on_disconnect}


def key_of(call: Call) -> ApiKey:
    """Return the key of the request; raise RpcError."""
    if call.trader.key is None:
        raise RpcError(Code.UNAUTHORIZED, "log in with an API key")
    return call.trader.key

"""Funding as executions of Bybit, with `execType` Funding."""

from typing import Any

from exchange.clearing.funding import FUNDING_PPM
from exchange.models import Funding
from instruments.lattice import Lattice
from market.times import to_microseconds
from venues.bybit.accounts.executionrows import CONSTANT
from venues.bybit.numbers import money_text, ppm_text, price_text, quantity_text, value_text
from venues.bybit.sequences import cross_sequence
from venues.bybit.words import SIDE_WORDS


def funding_row(row: Funding, symbol: str, lattice: Lattice) -> dict[str, Any]:
    """Return a payment; `execFee` is positive if the account pays, as of other executions."""
    side = 1 if row.position > 0 else -1
    at = to_microseconds(row.at)
    price = price_text(lattice, row.ticks)
    return {
        **CONSTANT,
        "symbol": symbol,
        "orderId": "",
        "orderLinkId": "",
        "side": SIDE_WORDS[side],
        "orderPrice": "0",
        "orderQty": "0",
        "leavesQty": "0",
        "createType": "",
        "orderType": "UNKNOWN",
        "stopOrderType": "UNKNOWN",
        "execFee": money_text(-row.amount),
        "execId": f"funding-{row.pk}",
        "execPrice": price,
        "markPrice": price,
        "execQty": quantity_text(lattice, abs(row.position)),
        "execPnl": "0",
        "execType": "Funding",
        "execValue": value_text(lattice, row.ticks * abs(row.position)),
        "execTime": str(at // 1_000),
        "isMaker": False,
        "feeRate": ppm_text(side * FUNDING_PPM),
        "closedSize": "0",
        "seq": cross_sequence(at),
    }

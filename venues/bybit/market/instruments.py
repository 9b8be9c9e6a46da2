"""Instruments, risk limits and price limits."""

from typing import Any, Final

from exchange.clearing.checks import LARGEST_LOTS, LARGEST_TICKS
from exchange.clearing.entry import band
from exchange.clearing.funding import FUNDING_PPM, INTERVAL_US
from exchange.clearing.margin import TIERS
from exchange.engine.messages import BUY, SELL
from exchange.kinds import MONEY_UNITS
from venues.bybit.listed import Listed
from venues.bybit.numbers import money_text, optional_price, ppm_text, price_text, quantity_text
from venues.bybit.symbols import SETTLE_COIN, SMALLEST_VALUE
from venues.doors.days import mark_of

MINUTE_US: Final = 60_000_000
LAUNCHED_MS: Final = "1584230400000"
"""When Bybit launched BTCUSDT, in 2020: clients reject times before 2009."""


def instrument_row(listed: Listed) -> dict[str, Any]:
    lattice, symbol = listed.lattice, listed.symbol
    most = quantity_text(lattice, LARGEST_LOTS)
    rate = ppm_text(FUNDING_PPM)
    return {
        "symbol": listed.name,
        "symbolId": listed.key,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": symbol.base_coin,
        "quoteCoin": SETTLE_COIN,
        "settleCoin": SETTLE_COIN,
        "launchTime": LAUNCHED_MS,
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(symbol.price_scale),
        "leverageFilter": {
            "minLeverage": "1",
            "maxLeverage": str(TIERS[0].leverage),
            "leverageStep": "1",
        },
        "priceFilter": {
            "minPrice": price_text(lattice, 1),
            "maxPrice": price_text(lattice, LARGEST_TICKS),
            "tickSize": price_text(lattice, 1),
        },
        "lotSizeFilter": {
            "maxOrderQty": most,
            "maxMktOrderQty": most,
            "postOnlyMaxOrderQty": most,
            "minOrderQty": quantity_text(lattice, 1),
            "qtyStep": quantity_text(lattice, 1),
            "minNotionalValue": str(SMALLEST_VALUE),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": INTERVAL_US // MINUTE_US,
        "copyTrading": "none",
        "upperFundingRate": rate,
        "lowerFundingRate": rate,
        "displayName": "",
        "forbidUplWithdrawal": False,
        "riskParameters": {"priceLimitRatioX": "0.05", "priceLimitRatioY": "0.05"},
        "isPreListing": False,
        "preListingInfo": None,
    }


def risk_rows(listed: Listed) -> list[dict[str, Any]]:
    """Return the tiers of margin; the deduction makes them continuous."""
    rows, deduction, below = [], 0, 0
    rate = 0
    for number, tier in enumerate(TIERS, 1):
        deduction += below * (tier.maintenance_ppm - rate) // 10**6
        rate, below = tier.maintenance_ppm, tier.limit
        rows.append(
            {
                "id": number,
                "symbol": listed.name,
                "riskLimitValue": str(tier.limit // MONEY_UNITS),
                "maintenanceMargin": ppm_text(tier.maintenance_ppm),
                "initialMargin": ppm_text(10**6 // tier.leverage),
                "isLowestRisk": int(number == 1),
                "maxLeverage": str(tier.leverage),
                "mmDeduction": money_text(deduction),
            }
        )
    return rows


def price_limits(listed: Listed, now_ms: int) -> dict[str, str]:
    """Return the highest price to buy and the lowest to sell."""
    mark = mark_of(listed.instrument)
    highest, lowest = ((band(side, mark) if mark else 0) for side in (BUY, SELL))
    return {
        "symbol": listed.name,
        "buyLmt": optional_price(listed.lattice, highest),
        "sellLmt": optional_price(listed.lattice, lowest),
        "ts": str(now_ms),
    }

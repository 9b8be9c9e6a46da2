"""Instruments, currencies and price indexes."""

from typing import Any, Final

from exchange.clearing.fees import LAB
from exchange.clearing.margin import TIERS
from venues.deribit import numbers
from venues.deribit.contracts import CASH, DOLLARS, PERPETUAL
from venues.deribit.listed import Listed, all_listed

NEVER_MS: Final = 32_503_708_800_000
"""When perpetuals expire: in the year 3000."""
LAUNCHED_MS: Final = 1_534_242_287_000
"""When Deribit launched BTC-PERPETUAL, in 2018."""
COIN_NAMES: Final = {"BTC": "Bitcoin", "ETH": "Ether", "SOL": "Solana", "USDC": "USD Coin",
                     "USD": "US dollar"}  # fmt: skip


def instrument_row(listed: Listed) -> dict[str, Any]:
    contract, lattice = listed.contract, listed.lattice
    lot = numbers.amount(lattice, 1)
    return {
        "instrument_id": listed.key,
        "instrument_name": listed.name,
        "kind": "future",
        "instrument_type": "linear",
        "future_type": "linear",
        "base_currency": contract.base,
        "quote_currency": contract.quote,
        "counter_currency": contract.quote,
        "settlement_currency": contract.quote,
        "settlement_period": PERPETUAL.lower(),
        "price_index": contract.index_name,
        "underlying_type": "crypto",
        "is_active": True,
        "state": "open",
        "rfq": False,
        "tick_size": numbers.price(lattice, 1),
        "tick_size_steps": [],
        "contract_size": lot,
        "min_trade_amount": lot,
        "max_leverage": TIERS[0].leverage,
        "max_liquidation_commission": numbers.rate(LAB.taker_ppm),
        "block_trade_commission": numbers.rate(LAB.taker_ppm),
        "block_trade_min_trade_amount": lot,
        "block_trade_tick_size": numbers.price(lattice, 1),
        "taker_commission": numbers.rate(LAB.taker_ppm),
        "maker_commission": numbers.rate(LAB.maker_ppm),
        "creation_timestamp": LAUNCHED_MS,
        "expiration_timestamp": NEVER_MS,
    }


def currencies() -> list[str]:
    """Return the base coins, and the dollars."""
    coins = {each.contract.base: None for each in all_listed().values()}
    return [*coins, *(each for each in DOLLARS if each not in coins)]


def currency_row(currency: str) -> dict[str, Any]:
    """Return a currency; nothing is deposited or withdrawn on a chain."""
    return {
        "currency": currency,
        "currency_long": COIN_NAMES.get(currency, currency),
        "coin_type": currency,
        "decimals": 8,
        "fee_precision": 8,
        "min_confirmations": 1,
        "min_withdrawal_fee": 0.0,
        "withdrawal_fee": 0.0,
        "network_fee": 0.0,
        "network_currency": currency,
        "withdrawal_priorities": [],
        "in_cross_collateral_pool": currency == CASH,
        "apr": 0.0,
    }

"""The wallet of an account as Bybit shows it, for REST and for the topic `wallet`."""

from typing import Any

from exchange.accounts.statement import Statement
from venues.bybit.accounts.positionrows import position_margin
from venues.bybit.numbers import money_text, ratio_text
from venues.bybit.symbols import SETTLE_COIN

ACCOUNT_TYPE = "UNIFIED"


def wallet_row(now: Statement) -> dict[str, Any]:
    """Return the account with its only coin: dollars and stablecoins count one to one.

    What is available is a property of the account: of the coin, Bybit leaves it empty.
    """
    value = now.valuation
    held = [each for each in now.positions if each.lots]
    unrealised = value.equity - now.balance
    earned = sum(each.realised - each.fees + each.funding for each in now.positions)
    initial = money_text(value.initial)
    maintenance = money_text(value.maintenance)
    available = money_text(max(0, value.available))
    initial_rate = ratio_text(value.initial, value.equity)
    maintenance_rate = ratio_text(value.maintenance, value.equity)
    positions = sum(map(position_margin, held))
    return {
        "accountType": ACCOUNT_TYPE,
        "accountIMRate": initial_rate,
        "accountIMRateByMp": initial_rate,
        "accountMMRate": maintenance_rate,
        "accountMMRateByMp": maintenance_rate,
        "accountLTV": "0",
        "totalEquity": money_text(value.equity),
        "totalWalletBalance": money_text(now.balance),
        "totalMarginBalance": money_text(value.equity),
        "totalAvailableBalance": available,
        "totalPerpUPL": money_text(unrealised),
        "totalInitialMargin": initial,
        "totalInitialMarginByMp": initial,
        "totalMaintenanceMargin": maintenance,
        "totalMaintenanceMarginByMp": maintenance,
        "coin": [
            {
                "coin": SETTLE_COIN,
                "equity": money_text(value.equity),
                "usdValue": money_text(value.equity),
                "walletBalance": money_text(now.balance),
                "free": "",
                "locked": "0",
                "spotHedgingQty": "0",
                "borrowAmount": "0",
                "spotBorrow": "0",
                "accruedInterest": "0",
                "totalOrderIM": money_text(max(0, value.initial - positions)),
                "totalPositionIM": money_text(positions),
                "totalPositionMM": maintenance,
                "unrealisedPnl": money_text(unrealised),
                "cumRealisedPnl": money_text(earned),
                "bonus": "0",
                "marginCollateral": True,
                "collateralSwitch": True,
                "colRes": "0",
                "availableToWithdraw": "",
                "availableToBorrow": "",
            }
        ],
    }

"""Private endpoints of the account and its key: /v5/account, /v5/user, /v5/asset."""

from datetime import UTC, datetime, timedelta

from exchange.accounts.statement import statement
from exchange.models import ApiKey, LedgerEntry
from market.times import to_microseconds
from venues.bybit.accounts.ledgerrows import TYPES, ledger_rows
from venues.bybit.accounts.walletrows import ACCOUNT_TYPE, wallet_row
from venues.bybit.categories import Category
from venues.bybit.envelopes import page
from venues.bybit.errors import BybitError, RetCode, parameter_error
from venues.bybit.listed import by_key
from venues.bybit.numbers import ppm_text
from venues.bybit.rest.calls import Call, Result
from venues.bybit.rest.market import chosen
from venues.bybit.rest.paging import page_of, within
from venues.bybit.symbols import SETTLE_COIN

UNIFIED_STATUS = 5
"""Unified trading account 2.0."""
CROSS = "REGULAR_MARGIN"
MARGIN_MODES = ("ISOLATED_MARGIN", CROSS, "PORTFOLIO_MARGIN")
NO_PERMISSIONS = ("Spot", "Wallet", "Options", "Exchange", "Earn", "FiatP2P", "FiatBitPay",
                  "FiatConvertBroker", "BitCard", "ByXPost", "Affiliate", "BlockTrade", "NFT",
                  "CopyTrading")  # fmt: skip
VALID = timedelta(days=365)


def wallet_balance(call: Call) -> Result:
    if call.fields.required("accountType") != ACCOUNT_TYPE:
        raise parameter_error(f"accountType: only {ACCOUNT_TYPE} is served")
    row = wallet_row(statement(call.trader.account.pk))
    if call.fields.has("coin"):
        wanted = call.fields.text("coin").split(",")
        row["coin"] = [each for each in row["coin"] if each["coin"] in wanted]
    return Result({"list": [row]})


def account_info(call: Call) -> Result:
    key = fresh_key(call)
    return Result(
        {
            "unifiedMarginStatus": UNIFIED_STATUS,
            "marginMode": CROSS,
            "isMasterTrader": False,
            "spotHedgingStatus": "OFF",
            "updatedTime": str(to_microseconds(call.trader.account.created_at) // 1_000),
            "dcpStatus": "ON" if key.cancel_on_disconnect else "OFF",
            "timeWindow": 10 if key.cancel_on_disconnect else 0,
            "smpGroup": 0,
        }
    )


def fresh_key(call: Call) -> ApiKey:
    """Return the key of the request; raise BybitError where it was proved otherwise."""
    if call.trader.key is None:
        raise BybitError(RetCode.API_KEY)
    return call.trader.key


def fee_rate(call: Call) -> Result:
    category = call.fields.category(Category.LINEAR)
    fees = call.trader.account.schedule
    rows = [
        {
            "symbol": each.name,
            "baseCoin": "",
            "takerFeeRate": ppm_text(fees.taker_ppm),
            "makerFeeRate": ppm_text(fees.maker_ppm),
        }
        for each in chosen(call.fields, category)
    ]
    return Result({"category": category.value, "list": rows})


def transaction_log(call: Call) -> Result:
    fields, account = call.fields, call.trader.account
    rows = LedgerEntry.objects.filter(account=account).select_related("instrument")
    if fields.has("type"):
        wanted = fields.text("type")
        rows = rows.filter(cause__in=[cause for cause, name in TYPES.items() if name == wanted])
    if fields.has("category"):
        served = fields.category() is Category.LINEAR
        rows = rows.filter(instrument__in=list(by_key())) if served else rows.none()
    if fields.text("currency", SETTLE_COIN) != SETTLE_COIN:
        rows = rows.none()
    found, cursor = page_of(within(rows, fields, "at"), fields)
    return Result(page(ledger_rows(account, found), cursor))


def set_margin_mode(call: Call) -> Result:
    """Accept cross margin; name the reason for which others do not exist."""
    wanted = call.fields.choice("setMarginMode", {name: name for name in MARGIN_MODES})
    if wanted == CROSS:
        return Result({"reasons": []})
    raise parameter_error(f"setMarginMode: only {CROSS} (cross margin) is served")


def query_api(call: Call) -> Result:
    key = fresh_key(call)
    created = key.created_at.astimezone(UTC)
    permissions: dict[str, list[str]] = {name: [] for name in NO_PERMISSIONS}
    permissions |= {"ContractTrade": ["Order", "Position"], "Derivatives": ["DerivativesTrade"]}
    return Result(
        {
            "id": str(key.pk),
            "note": key.label,
            "apiKey": key.key,
            "readOnly": int(not key.can_trade),
            "secret": "",
            "permissions": permissions,
            "ips": ["*"],
            "type": 1,
            "deadlineDay": VALID.days,
            "expiredAt": iso(datetime.now(UTC) + VALID),
            "createdAt": iso(created),
            "unified": 0,
            "uta": 1,
            "userID": call.trader.account.pk,
            "inviterID": 0,
            "vipLevel": "No VIP",
            "mktMakerLevel": "0",
            "affiliateID": 0,
            "rsaPublicKey": "",
            "isMaster": True,
            "parentUid": "0",
            "kycLevel": "LEVEL_DEFAULT",
            "kycRegion": "",
        }
    )


def iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def coin_info(call: Call) -> Result:
    """Return no coins: nothing can be deposited or withdrawn on a chain."""
    return Result({"rows": []})
